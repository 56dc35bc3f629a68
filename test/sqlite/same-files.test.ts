import fs, { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../relay/src/clock.ts';
import { watchFiles } from '../../relay/src/sqlite/same-files.ts';

describe('whether a database has the files it opened', () => {
	let folder: string;
	let now: number;
	const file = (name: string) => join(folder, name);
	const write = (name: string) => writeFileSync(file(name), name);
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), 'same-files-'));
		write('x.sqlite');
		write('x.sqlite-wal');
		now = systemClock.now();
	});
	afterEach(() => {
		jest.restoreAllMocks();
		rmSync(folder, { recursive: true, force: true });
	});
	/** As a folder is in which nothing was made or removed for a while. */
	const rest = () => void (now += 60_000);
	const watch = () => watchFiles(file('x.sqlite'), { now: () => now });

	const harm: [string, () => void][] = [
		['the database is deleted', () => rmSync(file('x.sqlite'))],
		['the log is deleted', () => rmSync(file('x.sqlite-wal'))],
		['the folder is deleted', () => rmSync(folder, { recursive: true })],
		[
			'the database is replaced, by a file as old',
			() => {
				write('copy');
				utimesSync(file('copy'), 1, 1);
				renameSync(file('copy'), file('x.sqlite'));
			},
		],
		[
			'the folder is replaced',
			() => {
				renameSync(folder, `${folder}-old`);
				fs.cpSync(`${folder}-old`, folder, { recursive: true, preserveTimestamps: true });
				rmSync(`${folder}-old`, { recursive: true });
			},
		],
	];
	describe.each([
		['just made', () => undefined],
		['long at rest', rest],
	])('in a folder %s', (_name, become) => {
		test.each(harm)('%s: no', (_what, act) => {
			const same = watch();
			become();
			expect(same()).toBe(true);
			expect(same()).toBe(true);
			act();
			expect(same()).toBe(false);
			expect(same()).toBe(false);
		});

		test('they are written to, and others come and go: yes', () => {
			const same = watch();
			become();
			for (const name of ['x.sqlite', 'other', 'x.sqlite-wal']) {
				write(name);
				expect(same()).toBe(true);
			}
			rmSync(file('other'));
			expect(same()).toBe(true);
		});
	});

	// On Linux a file that was asked gets a new time with the next write, and each fsync had that to write as well.
	test('in a folder long at rest they themselves are not asked for their times', () => {
		const same = watch();
		rest();
		expect(same()).toBe(true);
		const stat = jest.spyOn(fs, 'statSync');
		expect(same()).toBe(true);
		expect(stat.mock.calls.map(([path]) => path)).toEqual([folder]);
	});

	test('in memory there are none to lose', () => {
		expect(watchFiles(null, systemClock)()).toBe(true);
	});
});
