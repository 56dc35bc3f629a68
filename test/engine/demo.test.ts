import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { buildNodes } from '../support/n8n-built-nodes.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const NODE_COMPILER_MS = 120_000;
const DEMO_MS = 60_000;

describe('npm run demo', () => {
	let folder: string;
	/** Where the demo makes its temporary folders. */
	let temporary: string;

	beforeAll(buildNodes, NODE_COMPILER_MS);
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
		temporary = mkdtempSync(join(folder, 'tmp-'));
	});
	afterEach(() => rmSync(folder, { recursive: true, force: true }));

	const start = (args: string[], env: NodeJS.ProcessEnv = {}) =>
		spawn(process.execPath, [join(ROOT, 'demo/run.ts'), ...args], {
			cwd: ROOT,
			env: {
				...process.env,
				FORCE_COLOR: undefined,
				NO_COLOR: undefined,
				TMPDIR: temporary,
				TEMP: temporary,
				...env,
			},
			stdio: ['ignore', 'pipe', 'pipe'],
		});

	async function run(args: string[], env?: NodeJS.ProcessEnv) {
		const demo = start(args, env);
		const out = { stdout: '', stderr: '' };
		demo.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
		demo.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
		const [code] = (await once(demo, 'close')) as [number | null];
		return { code, ...out, lines: out.stdout.split('\n') };
	}
	const csv = (content: string | Buffer) => {
		const path = join(folder, 'mine.csv');
		writeFileSync(path, content);
		return path;
	};
	const leftovers = () => readdirSync(temporary).filter((name) => name !== 'node-compile-cache');

	it(
		'enriches the contacts of the CSV that comes with it, and shows what became of each',
		async () => {
			const { code, stderr, stdout, lines } = await run([]);

			expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
			expect(stdout).toBe(stripVTControlCharacters(stdout));
			expect(lines).toEqual(
				expect.arrayContaining([
					'✓ 25 rows read from demo/contacts.csv',
					'✓ 24 contacts submitted in 1 request',
					'✓ 24 of 24 contacts came out of the trigger',
				]),
			);

			const numbers = lines.flatMap((line) => /^ *(\d+) {2}\S/.exec(line)?.[1] ?? []).map(Number);
			expect(numbers).toEqual(
				Array.from({ length: 25 }, (_, index) => index + 2).filter((row) => row !== 13),
			);
			expect(stdout).toMatch(
				/^ *3 {2}Søren Eriksen +Fjord & Fell A\/S +soren\.eriksen@fjordfell\.example +\w+ +\S+$/m,
			);
			expect(stdout).toMatch(/^Row 13 was not sent\. .*LinkedIn URL.*first name.*last name.*company/ms);

			const found =
				/(\d+) e-mails and (\d+) phone numbers found\n(\d+) credits used: (\S+) before, (\S+) after/;
			const [emails, phones, used, before, after] = (found.exec(stdout) ?? [])
				.slice(1)
				.map((text) => Number(text.replace(',', '')));
			expect(used).toBe(emails! + 10 * phones!);
			expect(before! - after!).toBe(used);

			const steps = lines.flatMap(
				(line) => /^(\w.*?) {2,}([\d,]+)(?: +\+[\d,]+)?$/.exec(line)?.slice(1, 3) ?? [],
			);
			const at = new Map(
				Array.from({ length: steps.length / 2 }, (_, index) => [
					steps[2 * index]!,
					Number(steps[2 * index + 1]!.replace(',', '')),
				]),
			);
			expect([...at.keys()].sort()).toEqual([
				'Delivered to n8n',
				'Emitted by the trigger',
				'On disk (fsynced)',
				'Submitted to Cleanlist',
				'Webhook received by the relay',
				'Workflow completed',
			]);
			const times = [...at.values()];
			expect(times).toEqual([...times].sort((a, b) => a - b));
			expect(at.get('Submitted to Cleanlist')).toBe(0);

			expect(leftovers()).toEqual([]);
		},
		DEMO_MS,
	);

	it(
		'takes another file, in colour where that is wanted',
		async () => {
			const file = csv(
				'\uFEFFName;Employer;Linkedin\r\nZoë Brontë;Föö GmbH;\r\n\r\nnobody;;\r\n;;https://l.example/in/x-y\r\n',
			);
			const { code, stdout } = await run([file], { FORCE_COLOR: '1' });
			const text = stripVTControlCharacters(stdout);

			expect(code).toBe(0);
			expect(stdout).toContain('\u001b[1mRow\u001b[22m');
			expect(text).toContain('✓ 3 rows read');
			expect(text).toMatch(/^ +2 {2}Zoë Brontë +Föö GmbH /m);
			expect(text).toMatch(/^ +5 {2}X Y /m);
			expect(text).toContain('Row 4 was not sent. ');
			expect(leftovers()).toEqual([]);
		},
		DEMO_MS,
	);

	it(
		'shows the way of each request when there are several',
		async () => {
			const rows = Array.from({ length: 251 }, (_, index) => `Ann${index},Lee,Firm ${index}`);
			const { code, stdout } = await run([csv(`First Name,Last Name,Company\n${rows.join('\n')}`)]);

			expect(code).toBe(0);
			expect(stdout).toContain('✓ 251 of 251 contacts came out of the trigger');
			expect(stdout).toContain('… and 151 more rows');
			expect(stdout).toMatch(/^ +1 +250( +[\d,]+){6}$/m);
			expect(stdout).toMatch(/^ +2 +1( +[\d,]+){6}$/m);
		},
		DEMO_MS,
	);

	it.each([
		['a file that does not exist', () => [join(folder, 'none.csv')], /^There is no file .*none\.csv\.\n$/],
		['an empty file', () => [csv('')], /^.* is empty\.\n$/],
		[
			'a file that is no text',
			() => [csv(Buffer.from([0xff, 0xd8, 0, 1, 2]))],
			/is not a CSV file: it holds binary data\.\n$/,
		],
		[
			'a file about something else',
			() => [csv('Colour,Size\nred,7')],
			/has no columns to recognise contacts by: .*\n$/,
		],
		['an unknown option', () => ['--fast'], /^Unknown option '--fast'; see npm run demo -- --help\.\n$/],
		['two files', () => ['a.csv', 'b.csv'], /^The demo takes one CSV file; see npm run demo -- --help\.\n$/],
	])('ends with one sentence and exit code 1 for %s', async (_name, args, sentence) => {
		const { code, stdout, stderr } = await run(args());

		expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
		expect(stderr).toMatch(sentence);
		expect(stderr.trimEnd().split('\n')).toHaveLength(1);
	});

	it(
		'says so when no row can be enriched',
		async () => {
			const { code, stderr } = await run([csv('Name,Company\nnobody,\n,Firm\n')]);

			expect(code).toBe(1);
			expect(stderr).toMatch(
				/^None of the rows can be enriched\.\nRow 2 was not sent\. .*\nRow 3 was not sent\. /s,
			);
			expect(stderr).not.toMatch(/^ +at /m);
			expect(leftovers()).toEqual([]);
		},
		DEMO_MS,
	);

	it(
		'leaves no folder and no process behind on Ctrl-C',
		async () => {
			const demo = start([]);
			let stdout = '';
			let stderr = '';
			demo.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
			demo.stdout.setEncoding('utf8').on('data', (text: string) => {
				stdout += text;
				if (stdout.includes('submitted')) demo.kill('SIGINT');
			});
			const [code] = (await once(demo, 'close')) as [number | null];

			expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
			expect(stdout).not.toContain('came out of the trigger');
			const [url] = /http:\/\/[\d.:]+/.exec(stdout)!;
			await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
			expect(leftovers()).toEqual([]);
		},
		DEMO_MS,
	);

	it(
		'leaves nothing behind either when nobody reads its output any more',
		async () => {
			const demo = start([]);
			let stderr = '';
			demo.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
			demo.stdout.once('data', () => demo.stdout.destroy());
			const [code] = (await once(demo, 'exit')) as [number | null];

			expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
			expect(leftovers()).toEqual([]);
		},
		DEMO_MS,
	);

	it('prints its usage', async () => {
		const { code, stdout } = await run(['--help']);
		expect(code).toBe(0);
		expect(stdout).toMatch(/^Usage: npm run demo \[-- contacts\.csv\]\n/);
	});

	it(
		'is what the picture in the README shows',
		async () => {
			const picture = readFileSync(join(ROOT, 'docs/images/demo.svg'), 'utf8');
			const shown = [...picture.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) =>
				text!.replace(/&(amp|lt|gt);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>' })[name]!),
			);
			const { lines } = await run([]);

			// All but the times and the port, which are new in every run.
			const lasting = lines.filter((line) => !/\d ms|http:|ms +step|^[A-Z].* {2,}[\d,]+/.test(line));
			const words = lasting.flatMap((line) => line.trim().split(/ {2,}/)).filter((text) => text !== '');
			expect(words.length).toBeGreaterThan(100);
			expect(words.filter((text) => !shown.includes(text) && !shown.join(' ').includes(text))).toEqual([]);
		},
		DEMO_MS,
	);
});
