import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { steerCommand } from '../../relay/src/cli/steer.ts';
import { createReferenceApi } from '../../relay/src/reference/testing.ts';
import type { ReferenceApi } from '../../relay/src/reference/testing.ts';
import { run } from './run.ts';

type Json = ReturnType<JSON['parse']>;

let api: ReferenceApi;
beforeAll(async () => void (api = await createReferenceApi({ frozenAt: '2026-05-01T08:00:00Z' })));
beforeEach(async () => void (await api.control.seed({ seed: 'cleanlist' })));
afterAll(() => api.close());

/** The command in this process; what it prints, as JSON. */
const steer = async (...args: string[]): Promise<Json> => {
	let text = '';
	await steerCommand([...args, '--url', api.url], (more) => (text += more));
	return JSON.parse(text);
};
const refusal = (work: Promise<unknown>) =>
	work.then(
		() => 'nothing',
		(error: Error) => `${error.name}: ${error.message}`,
	);
const whoami = async () =>
	(await fetch(`${api.url}/api/v2/whoami`, { headers: { authorization: `Bearer ${api.key}` } })).status;

it('is a command: JSON on one stream, a sentence on the other', async () => {
	const told = await run(['steer', 'clock', '--url', api.url]);
	expect([told.code, told.err]).toEqual([0, '']);
	expect(JSON.parse(told.out)).toEqual({
		now: '2026-05-01T08:00:00.000Z',
		now_ms: expect.any(Number),
		frozen: true,
	});
	const wrong = await run(['steer', 'clok', '--url', api.url]);
	expect(wrong).toEqual({
		code: 1,
		out: '',
		err: 'cleanlist-relay: steer has no "clok"; did you mean clock?\n',
	});
	for (const help of [['steer'], ['steer', '--help'], ['steer', 'fault', '--help']]) {
		expect((await run(help)).out).toMatch(/advance TIME[^]*--probability P/);
	}
});

it('resets, and prints everybody’s keys', async () => {
	await steer('freeze', '2030-01-01T00:00:00Z');
	const { state, accounts } = await steer('reset');
	expect(state.clock.now).toBe('2026-05-01T08:00:00.000Z');
	expect(accounts[0]).toMatchObject({ role: 'admin', key: api.key });
});

it('seeds: with a seed, and with a file', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'steer-'));
	try {
		expect((await steer('seed', '--seed', '7')).state).toMatchObject({ seed: '7', start: 'cast' });
		const path = join(folder, 'seed.yaml');
		await writeFile(
			path,
			`seed: 8\norganizations: [{ name: North, credits: 50 }]\nusers: [{ email: ann@north.example, organization: North }]\n`,
		);
		const { state, accounts } = await steer('seed', '--seed-file', path);
		expect(state).toMatchObject({ seed: '8', start: 'document', counts: { users: 1 } });
		expect(accounts).toMatchObject([{ email: 'ann@north.example' }]);
		await writeFile(
			path,
			'organizations: [{ name: North }]\nusers: [{ email: ann@north.example, organization: Nroth }]',
		);
		expect(await refusal(steer('seed', '--seed-file', path))).toMatch(
			/^UsageError: .*seed\.yaml: .*users\[0\]\.organization/,
		);
	} finally {
		await rm(folder, { recursive: true });
	}
});

it('keeps a snapshot and puts it back', async () => {
	await steer('snapshot', 'before');
	await steer('advance', '1d');
	expect((await steer('restore', 'before')).state.clock.now).toBe('2026-05-01T08:00:00.000Z');
	expect(await refusal(steer('restore', 'after'))).toMatch(/^UsageError: There is no snapshot "after"/);
});

it.each([
	['1500ms', '08:00:01.500'],
	['30s', '08:00:30.000'],
	['5m', '08:05:00.000'],
	['2h', '10:00:00.000'],
	['2026-05-01T09:00:00+00:30', '08:30:00.000'],
])('moves the clock by %s', async (time, now) => {
	expect((await steer('advance', time)).now).toBe(`2026-05-01T${now}Z`);
	expect((await steer('resume')).frozen).toBe(false);
	expect((await steer('freeze')).frozen).toBe(true);
});

it('orders faults, tells of them, and ends them', async () => {
	const path = '/api/*/whoami';
	const added = await steer(
		...['fault', 'status', 'status=503', 'retry_after_s=3', 'when=after', '--times', '1', '--path', path],
		...['--method', 'GET', '--operation', 'whoami', '--key-last4', api.key.slice(-4)],
	);
	expect(added).toEqual({
		id: 'fault_1',
		hits: 0,
		match: { method: 'GET', path, operation: 'whoami', key_last4: api.key.slice(-4) },
		times: 1,
		probability: null,
		fault: { type: 'status', status: 503, retry_after_s: 3, when: 'after' },
	});
	expect([await whoami(), await whoami()]).toEqual([503, 200]);
	expect((await steer('faults')).faults).toMatchObject([{ hits: 1 }]);
	expect(await steer('unfault', 'fault_1')).toEqual({ removed: 1 });
	expect(await steer('fault', 'latency', 'ms=1', '--probability', '0.5')).toMatchObject({ probability: 0.5 });
	expect(await steer('unfault')).toEqual({ removed: 1 });
});

it('says how work ends', async () => {
	expect(await steer('completion')).toEqual({ mode: 'default' });
	expect(await steer('completion', 'after_polls', 'polls=3')).toEqual({ mode: 'after_polls', polls: 3 });
	expect(await steer('completion', 'fail_share', 'share=.3')).toEqual({ mode: 'fail_share', share: 0.3 });
});

it('switches behaviours, whatever their values are', async () => {
	const changed = { webhook_posts: 6, v2_status_of_bulk_ids: '404', csv_import: false, list_ids: 'll_' };
	const args = Object.entries(changed).map(([name, value]) => `${name}=${value}`);
	expect(await steer('behaviours', ...args)).toMatchObject(changed);
	expect(await steer('behaviours', 'csv_import=true', 'protected_list_name=Extension Leads')).toMatchObject({
		csv_import: true,
		webhook_posts: 6,
	});
	expect(await steer('behaviours')).toMatchObject({ v2_status_of_bulk_ids: '404' });
});

it('lists requests, the latest first', async () => {
	await whoami();
	await whoami();
	expect((await steer('requests', '1')).requests).toMatchObject([{ path: '/api/v2/whoami', status: 200 }]);
	expect((await steer('state')).counts.organizations).toBe(5);
});

it.each([
	[['snapshot'], 'steer snapshot needs an argument: steer snapshot NAME.'],
	[['advance'], 'steer advance needs an argument: steer advance TIME.'],
	[['advance', '5'], 'steer advance takes 1500ms, 30s, 5m, 2h or 1d, or an instant, not "5".'],
	[['advance', '5m', '6m'], 'steer advance takes no argument "6m", it has 1 already.'],
	[['freeze', 'tomorrow'], /^The instant: at: .*/],
	[['reset', 'now'], 'steer reset takes no argument "now", only options.'],
	[['reset', '--times', '1'], /^steer reset has no option --times; /],
	[['fault'], /^steer fault needs an argument/],
	[['fault', 'explosion'], /^The fault: fault\.type: /],
	[['fault', 'status', 'status'], '"status" is no FIELD=VALUE, as in status=503.'],
	[['fault', 'status', 'status=teapot'], /^The fault: fault\.status: /],
	[['fault', 'reset', '--times', 'x'], /^The fault: times: /],
	[['fault', 'reset', '--operation', 'whoammi'], /whoami/],
	[['behaviours', 'csv_import=yes'], /^The behaviours: csv_import: /],
	[['behaviours', 'constructor=1'], /^The behaviours: constructor: /],
	[['requests', '0'], /must be a whole number from 1 to 500/],
	[['constructor'], /^steer has no "constructor"/],
])('refuses %j in a sentence', async (args, sentence) => {
	const said = (await refusal(steer(...args))).replace(/^UsageError: /, '');
	if (typeof sentence === 'string') expect(said).toBe(sentence);
	else expect(said).toMatch(sentence);
	expect(said).not.toMatch(/\n|undefined|\[object/);
});

it('says so when nothing answers, and when it is something else', async () => {
	const at = (url: string) => refusal(steerCommand(['state', '--url', url], () => {}));
	expect(await at('http://127.0.0.1:1')).toMatch(
		/Nothing answers at http:\/\/127\.0\.0\.1:1\. Start it with "cleanlist-relay reference"/,
	);
	expect(await at('nonsense')).toMatch(/--url is "nonsense", but must be a URL/);
	const other = createServer((_, response) => response.writeHead(404).end('Not here'));
	await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
	try {
		const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
		expect(await at(url)).toMatch(/is no reference API, or is not to be steered: 404\.$/);
	} finally {
		await new Promise((resolve) => other.close(resolve));
	}
});
