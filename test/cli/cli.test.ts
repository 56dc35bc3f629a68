import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parse } from 'yaml';
import { referenceCommand } from '../../relay/src/cli/reference.ts';
import { seedCommand } from '../../relay/src/cli/seed.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { run, start } from './run.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'cli-'))));
afterEach(() => rm(folder, { recursive: true }));

const file = async (name: string, text: string) => {
	const path = join(folder, name);
	await writeFile(path, text);
	return path;
};
const printed = async (...args: string[]) => {
	let text = '';
	await seedCommand(args, (more) => (text += more));
	return text;
};
/** The command in this process. */
const reference = async (args: string[], isTTY = false) => {
	let text = '';
	const out = { isTTY, write: (more: string) => (text += more) };
	const running = (await referenceCommand(args, { out, err: { write: () => {} } }))!;
	return { ...running, text };
};
const refusal = (work: Promise<unknown>) =>
	work.then(
		() => 'nothing',
		(error: Error) => `${error.name}: ${error.message}`,
	);
const whoami = async (url: string, key: string) => {
	const response = await fetch(`${url}/api/v2/whoami`, { headers: { authorization: `Bearer ${key}` } });
	return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

const YAML = `
# Two people who share a list
seed: 7
organizations:
  - { name: North, credits: 50 }
users:
  - email: ann@north.example
    name: Ann
    organization: North
    keys: [{ key: clapi_annsownkey0001 }]
  - email: bob@north.example
    organization: North
lists:
  - owner: ann@north.example
    name: Fair
    visibility: shared
    shared_with: [bob@north.example]
    leads:
      - { email: zoe@acme.example }
`;

describe('as a process', () => {
	it('runs the reference API, says so in one line of JSON, and ends with 0', async () => {
		const running = start(['reference', '--port', '0', '--seed', '7']);
		const ready = JSON.parse(await running.line());
		expect(ready).toMatchObject({ msg: 'ready', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
		expect(Object.keys(ready.keys)).toEqual(['admin', 'member', 'starter', 'appsumo4', 'appsumo5', 'broke']);
		expect((await whoami(ready.url, ready.keys.admin)).body.user_name).toBe('Ada Admin');
		const reset = await fetch(`${ready.url}/reference/reset`, { method: 'POST' });
		expect(reset.status).toBe(200);
		const { code, out, err } = await running.stop('SIGINT');
		expect([code, out.trimEnd().split('\n').length, err]).toEqual([0, 1, '']);
	});

	it.each([
		[['refrence'], 'There is no command "refrence"; did you mean reference?'],
		[['publish'], /^There is no command "publish"; there are .*reference, seed and steer.*\.$/],
		[['reference', '--prot', '0'], 'reference has no option --prot; did you mean --port?'],
		[['seed', '-x'], /^seed has no option -x; it has --seed, /],
	])('says what is wrong with %j in one sentence, and ends with 1', async (args, sentence) => {
		const { code, out, err } = await run(args);
		expect([code, out]).toEqual([1, '']);
		const said = err.replace(/^cleanlist-relay: /, '').trimEnd();
		if (typeof sentence === 'string') expect(said).toBe(sentence);
		else expect(said).toMatch(sentence);
		expect(err.trimEnd().split('\n')).toHaveLength(1);
	});

	it('prints the keys of a seed, and what it can do', async () => {
		const { code, out } = await run(['seed', '--seed', '7', '--json']);
		expect(code).toBe(0);
		expect(JSON.parse(out)).toMatchObject({ seed: '7', accounts: [{ role: 'admin' }, {}, {}, {}, {}, {}] });
		const help = await run(['--help']);
		expect(help.out).toMatch(/cleanlist-relay <command>[^]*reference +Run[^]*seed +Print/);
		expect((await run(['reference', '--help'])).out).toMatch(/--seed-file FILE/);
	});
});

describe('seed', () => {
	it('prints the same keys every time, those of the running reference API', async () => {
		const text = await printed('--seed', '7');
		expect(await printed('--seed', '7')).toBe(text);
		const running = await reference(['--port', '0', '--seed', '7']);
		for (const key of Object.values(JSON.parse(running.text).keys as Record<string, string>)) {
			expect(text).toContain(key);
		}
		expect(text).toContain('AppSumo tier 5');
		await running.close();
		expect(await printed()).not.toContain(JSON.parse(running.text).keys.admin);
	});

	it('reads YAML and JSON alike', async () => {
		const yaml = await printed('--json', '--seed-file', await file('seed.yaml', YAML));
		const accounts = JSON.parse(yaml).accounts;
		expect(accounts.map(({ email, key }: Record<string, string>) => [email, key])).toEqual([
			['ann@north.example', 'clapi_annsownkey0001'],
			['bob@north.example', expect.stringMatching(/^clapi_[\w-]{64}$/)],
		]);
		expect(await printed('--json', '--seed-file', await file('seed.json', JSON.stringify(parse(YAML))))).toBe(
			yaml,
		);
	});

	it.each([
		['there is none', null, /can't be read: there is no such file\.$/],
		['it is no YAML', 'a: [', /is neither JSON nor YAML: /],
		['it is empty', '', /The seed document: /],
		[
			'a name is misspelt',
			YAML.replace('organization: North\nlists', 'organization: Norh\nlists'),
			/users\[1\]\.organization: there is no organization "Norh"\. Write "North", if that is meant/,
		],
		[
			'an alias is a bomb',
			`a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
			/alias/i,
		],
	])('refuses a file when %s', async (_, text, sentence) => {
		const path = text === null ? join(folder, 'none.yaml') : await file('seed.yaml', text);
		const said = await refusal(printed('--seed-file', path));
		expect(said).toMatch(/^UsageError: /);
		expect(said).toMatch(sentence);
		expect(said.split('\n')).toHaveLength(1);
	});

	it('takes one of --seed and --seed-file', async () => {
		expect(await refusal(printed('--seed', '1', '--seed-file', 'x'))).toMatch(/not both/);
	});
});

describe('reference', () => {
	it('shows a screen on a terminal, and JSON there when told', async () => {
		const shown = await reference(['--port', '0'], true);
		expect(shown.text).toMatch(/running on http[^]*Ada Admin[^]*clapi_[^]*curl/);
		await shown.close();
		const json = await reference(['--port', '0', '--json'], true);
		expect(JSON.parse(json.text).msg).toBe('ready');
		await json.close();
	});

	it('keeps everything in a file, with the same keys after a restart', async () => {
		const args = [
			'--port',
			'0',
			'--data',
			join(folder, 'reference.db'),
			'--seed-file',
			await file('s.yaml', YAML),
		];
		const first = await reference(args);
		const { keys } = JSON.parse(first.text);
		const headers = {
			authorization: `Bearer ${keys['ann@north.example']}`,
			'content-type': 'application/json',
		};
		const body = JSON.stringify({ name: 'Made' });
		const made = await fetch(`${first.url}/api/v2/lead-lists`, { method: 'POST', headers, body });
		expect(made.status).toBe(201);
		await first.close();

		const second = await reference(args);
		expect(JSON.parse(second.text).keys).toEqual(keys);
		const { lists } = (await (await fetch(`${second.url}/api/v2/lead-lists`, { headers })).json()) as {
			lists: { name: string }[];
		};
		expect(lists.map(({ name }) => name)).toEqual(['Made', 'Fair']);
		// New ids are no repetition of those of the first run.
		const more = await fetch(`${second.url}/api/v2/lead-lists`, {
			method: 'POST',
			headers,
			body: JSON.stringify({ name: 'More' }),
		});
		expect(more.status).toBe(201);
		await second.close();
	});

	it('has the rate limits, the pace and the control that it is told', async () => {
		const running = await reference([
			'--port',
			'0',
			'--limits',
			'1/5',
			'--completion-ms',
			'0',
			'--control',
			'off',
		]);
		const { keys } = JSON.parse(running.text);
		expect((await whoami(running.url, keys.admin)).status).toBe(200);
		expect((await whoami(running.url, keys.admin)).status).toBe(429);
		expect((await fetch(`${running.url}/reference/state`)).status).toBe(404);
		await running.close();
	});

	it.each([
		[['--port', 'x'], /--port is "x", but must be a whole number from 0 to 65535\.$/],
		[['--port', '65536'], /--port is "65536"/],
		[['--port'], /--port needs a value/],
		[['--port='], /--port needs a value/],
		[['--json=yes'], /--json takes no value/],
		[['--limits', '0/0'], /--limits is "0\/0", but must be off/],
		[['--control', 'me'], /--control is "me", but must be one of loopback, anywhere, off\.$/],
		[['--completion-ms', '-1'], /--completion-ms/],
		[['extra'], /takes no argument "extra"/],
		[['--constructor', '1'], /has no option --constructor/],
		[['--data', '/nowhere/at/all.db'], /The database \/nowhere\/at\/all\.db can't be opened: /],
		[['--host', '192.0.2.1'], /Can't listen on 192\.0\.2\.1/],
	])('refuses %j', async (args, sentence) => {
		const said = await refusal(reference(args[0] === '--port' ? args : ['--port', '0', ...args]));
		expect(said).toMatch(/^UsageError: /);
		expect(said).toMatch(sentence);
	});

	it('is alone on its file', async () => {
		const args = ['--port', '0', '--data', join(folder, 'reference.db')];
		const first = await reference(args);
		expect(await refusal(reference(args))).toMatch(
			/^UsageError: Another process is using the database .*reference\.db: stop it, or give --data a file of its own\.$/,
		);
		await first.close();
		await (await reference(args)).close();
	});

	it('touches no file of something else', async () => {
		const theirs = join(folder, 'theirs.db');
		const db = new DatabaseSync(theirs);
		db.exec('CREATE TABLE diary (day TEXT); PRAGMA user_version = 1');
		db.close();
		const bytes = await readFile(theirs);
		const relay = join(folder, 'relay.sqlite');
		await (await openSqliteStore({ path: relay })).close();
		for (const path of [theirs, relay]) {
			expect(await refusal(reference(['--port', '0', '--data', path]))).toMatch(
				/can't be opened: It is a database of something else, and was left as it is\.$/,
			);
		}
		expect(await readFile(theirs)).toEqual(bytes);
	});

	it('says which port is in use, and lets the database go', async () => {
		const other = createServer();
		await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
		const { port } = other.address() as AddressInfo;
		const data = join(folder, 'reference.db');
		const said = await refusal(reference(['--port', String(port), '--data', data]));
		expect(said).toMatch(new RegExp(`^UsageError: Can't listen on 127\\.0\\.0\\.1, port ${port}: .*in use`));
		await new Promise((resolve) => other.close(resolve));
		const running = await reference(['--port', String(port), '--data', data]);
		expect((await whoami(running.url, JSON.parse(running.text).keys.admin)).status).toBe(200);
		await running.close();
	});
});
