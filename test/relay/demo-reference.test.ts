import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';
import { startReceiver, startTestRelay } from './harness.ts';
import type { Receiver, TestRelay } from './harness.ts';

describe('the reference API inside a relay', () => {
	let relay: TestRelay;
	const start = async (env: Record<string, string> = {}) =>
		(relay = await startTestRelay({ env: { RELAY_REFERENCE: 'on', ...env } }));
	afterEach(() => relay.close());

	const opened = () => readdirSync(relay.folder).includes('reference.sqlite');
	const asDemo = () => ({ headers: { authorization: `Bearer ${relay.demoKey}` } });

	test('opens when it is first asked for, and not before', async () => {
		await start();
		await fetch(`${relay.url}/docs`);
		await fetch(`${relay.url}/api/v3/whoami`);
		expect(opened()).toBe(false);
		const answers = await Promise.all([1, 2, 3].map(() => fetch(`${relay.url}/api/v2/whoami`, asDemo())));
		expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
		expect(opened()).toBe(true);
	});

	test.each([
		['/api/v2/whoami', 200],
		['/api/v1/public/auth/validate-key', 200],
		['/api/v1/api-keys', 401],
		['/api/downloads/none', 404],
		['/reference/state', 200],
		['/reference', 200],
		['/docs/reference/', 200],
		['/docs/reference/openapi.json', 200],
		['/api/v2/%zz', 404],
	])('answers the first request, for %s, with the headers of the relay', async (path, status) => {
		await start();
		const answer = await fetch(`${relay.url}${path}`, asDemo());
		expect(answer.status).toBe(status);
		expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
		await until('it is logged', () =>
			relay.logs().includes(`"url":"${path.replace('%', '%25')}","status":${status}`),
		);
	});

	test('answers methods that it does not know, as it does those that it does', async () => {
		await start();
		const answer = await fetch(`${relay.url}/api/v2/whoami`, { ...asDemo(), method: 'PROPFIND' });
		expect(answer.status).toBe(404);
		expect(await answer.json()).toMatchObject({ error: { code: expect.any(String) as string } });
	});

	test('has no steering where that is off', async () => {
		await start({ RELAY_REFERENCE_CONTROL: 'off' });
		expect((await fetch(`${relay.url}/reference/state`)).status).toBe(404);
		expect(opened()).toBe(false);
	});

	test('one that can not be opened is tried again with the next request', async () => {
		await start();
		mkdirSync(join(relay.folder, 'reference.sqlite'));
		const refused = await fetch(`${relay.url}/api/v2/whoami`, asDemo());
		expect(refused.status).toBe(500);
		expect(relay.logs()).toContain('reference.sqlite can');
		rmdirSync(join(relay.folder, 'reference.sqlite'));
		expect((await fetch(`${relay.url}/api/v2/whoami`, asDemo())).status).toBe(200);
	});

	test('a reader of its events does not hold up the end', async () => {
		await start();
		const socket = connect(relay.port, '127.0.0.1');
		socket.write('GET /reference/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
		await once(socket, 'data');
		const ended = once(socket, 'close');
		socket.resume();
		await Promise.all([relay.relay.close(), ended]);
	});
});

describe('the reference API of a relay that is started again', () => {
	let folder: string;
	let receiver: Receiver;
	let relay: RelayProcess;
	const start = async () =>
		(relay = await startRelay({ dataFolder: folder, env: { RELAY_REFERENCE_COMPLETION_MS: '0' } }));
	const enrich = async (more: object) => {
		const answer = await fetch(`${relay.url}/api/v1/public/enrich/bulk`, {
			method: 'POST',
			headers: { authorization: `Bearer ${relay.demoKey}`, 'content-type': 'application/json' },
			body: JSON.stringify({
				enrichment_type: 'partial',
				contacts: [{ first_name: 'Ada', last_name: 'Lovelace', company_domain: 'example.com' }],
				...more,
			}),
		});
		expect(answer.status).toBe(200);
	};
	beforeEach(async () => {
		folder = mkdtempSync(join(tmpdir(), 'demo-reference-'));
		receiver = await startReceiver(() => undefined);
		await start();
	});
	afterEach(async () => {
		await relay.dispose();
		await receiver.close();
		rmSync(folder, { recursive: true });
	});

	test('goes on with what is left to do, without being asked', async () => {
		await enrich({ webhook_url: receiver.url });
		await receiver.waitFor(1);
		await relay.stop();
		receiver.respond((response) => response.end());
		await start();
		await receiver.waitFor(2);
		expect(receiver.received[1]!.body).toBe(receiver.received[0]!.body);
	});

	test('refuses to start on a database of it that it can not use', async () => {
		await enrich({});
		await relay.stop();
		writeFileSync(
			join(folder, 'reference.sqlite'),
			'something else, longer than a header of SQLite'.repeat(50),
		);
		await expect(start()).rejects.toThrow(/reference\.sqlite can't be opened: .*put it back from a backup/);
	});
});
