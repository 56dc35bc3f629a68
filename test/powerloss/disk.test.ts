import { Disk, differences } from './disk.ts';
import type { Tree } from './disk.ts';
import { SECTOR_BYTES } from './file-on-disk.ts';
import { seeded } from './random.ts';
import type { TraceRecord } from './trace.ts';

/** The model of a disk that forgets, against what POSIX promises and what it does not. */

const file = (inode: number, path: string): TraceRecord => ({ kind: 'created', path, inode, mode: 0o600 });
const write = (inode: number, at: number, text: string): TraceRecord => ({
	kind: 'write',
	inode,
	at,
	data: Buffer.from(text),
});
const sync = (inode: number, number: number): TraceRecord[] => [
	{ kind: 'sync begins', inode, number },
	{ kind: 'sync ends', inode, number },
];
const ROOT = 1;
const NOTHING_MORE = { kept: 0, torn: 0 };

function disk(...records: TraceRecord[]): Disk {
	const made = new Disk(new Map());
	for (const record of [{ kind: 'opened', path: '', inode: ROOT, mode: 0o700 } as const, ...records]) {
		made.apply(record);
	}
	return made;
}
const text = (tree: Tree, path: string) => tree.get(path)?.content?.toString() ?? null;
/** What a hundred cuts leave of a file. */
const seen = (of: Disk, path: string, survival = { kept: 0.5, torn: 0.3 }) =>
	new Set(Array.from({ length: 100 }, (_, seed) => text(of.after(seeded(seed), survival), path)));

test('what was synced, name and content, is there after any cut', () => {
	const safe = disk(file(2, 'a'), write(2, 0, 'hello'), ...sync(2, 1), ...sync(ROOT, 2));
	expect(seen(safe, 'a')).toEqual(new Set(['hello']));
});

test('a file whose folder was not synced may have no name, however well its content was', () => {
	const nameless = disk(file(2, 'a'), write(2, 0, 'hello'), ...sync(2, 1));
	expect(text(nameless.now(), 'a')).toBe('hello');
	expect(seen(nameless, 'a')).toEqual(new Set(['hello', null]));
	expect(text(nameless.after(seeded(1), NOTHING_MORE), 'a')).toBeNull();
});

test('writes that were not synced are kept or dropped one by one, in any order', () => {
	const open = disk(file(2, 'a'), ...sync(ROOT, 1), write(2, 0, '1'), write(2, 1, '2'));
	expect(seen(open, 'a', { kept: 0.5, torn: 0 })).toEqual(new Set(['', '1', '12', '\x002']));
});

test('a sync covers what was written before it began, not what came while it ran', () => {
	const late = disk(
		file(2, 'a'),
		...sync(ROOT, 1),
		write(2, 0, '1'),
		{ kind: 'sync begins', inode: 2, number: 2 },
		write(2, 1, '2'),
		{ kind: 'sync ends', inode: 2, number: 2 },
	);
	expect(seen(late, 'a', { kept: 0.5, torn: 0 })).toEqual(new Set(['1', '12']));
	expect(text(late.after(seeded(1), NOTHING_MORE), 'a')).toBe('1');
});

test('a sync that has not ended yet covers nothing', () => {
	const under = disk(file(2, 'a'), ...sync(ROOT, 1), write(2, 0, '1'), {
		kind: 'sync begins',
		inode: 2,
		number: 2,
	});
	expect(text(under.after(seeded(1), NOTHING_MORE), 'a')).toBe('');
});

test('a torn write leaves whole sectors of the old and of the new', () => {
	const before = 'o'.repeat(3 * SECTOR_BYTES);
	const torn = disk(
		file(2, 'a'),
		write(2, 0, before),
		...sync(2, 1),
		...sync(ROOT, 2),
		write(2, 0, 'n'.repeat(3 * SECTOR_BYTES)),
	);
	const contents = [...seen(torn, 'a', { kept: 0, torn: 1 })];
	for (const content of contents) {
		expect(content).toMatch(new RegExp(`^(o{${SECTOR_BYTES}}|n{${SECTOR_BYTES}}){3}$`));
	}
	expect(contents.length).toBe(8);
});

test('a rename happens or not, and never takes the file away', () => {
	const renamed = disk(file(2, 'new'), write(2, 0, 'x'), ...sync(2, 1), ...sync(ROOT, 2), {
		kind: 'rename',
		path: 'new',
		to: 'final',
	});
	const names = Array.from({ length: 50 }, (_, seed) =>
		[...renamed.after(seeded(seed), { kept: 0.5, torn: 0 }).keys()].join(),
	);
	expect(new Set(names)).toEqual(new Set(['new', 'final']));
});

test('SQLite’s shared memory is never found again', () => {
	const shared = disk(file(2, 'db-shm'), write(2, 0, 'x'), ...sync(2, 1), ...sync(ROOT, 2));
	expect([...shared.now().keys()]).toEqual([]);
});

test('what it does not know it refuses, and a difference from the real folder is named', () => {
	expect(() => disk(write(9, 0, 'x'))).toThrow('never seen');
	const a: Tree = new Map([['a', { mode: 0o600, content: Buffer.from('1') }]]);
	const b: Tree = new Map([['a', { mode: 0o600, content: Buffer.from('2') }]]);
	expect(differences(a, b)).toEqual(['a: other content (1 and 1 bytes)']);
	expect(differences(a, new Map())).toEqual(['a: only in the first']);
});
