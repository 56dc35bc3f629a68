import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnRelay, startRelay } from '../support/relay-process.ts';
import type { RelayOptions, SpawnedRelay } from '../support/relay-process.ts';
import { webhook } from './harness.ts';

let folder: string;
const spawned: SpawnedRelay[] = [];
const start = async (options: RelayOptions = {}) => {
	const relay = await startRelay({ dataFolder: folder, ...options });
	spawned.push(relay);
	return relay;
};
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'relay-process-'));
});
afterEach(async () => {
	for (const relay of spawned.splice(0)) await relay.dispose();
	rmSync(folder, { recursive: true });
});

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const ingestUrlOf = async (relay: { url: string; token: string }) => {
	const response = await fetch(`${relay.url}/relay/v1/sources`, bearer(relay.token));
	const { sources } = (await response.json()) as { sources: [{ ingest_url: string }] };
	return sources[0].ingest_url;
};

test('the first start shows all there is to paste, and what it shows works', async () => {
	const relay = await start();
	await relay.waitForScreen('Stop with Ctrl-C');
	const { stderr } = relay.output();
	for (const fact of [
		relay.url,
		relay.token,
		relay.demoKey,
		join(folder, 'keys'),
		'Base URL',
		'API Key',
		'Ctrl-C',
	]) {
		expect(stderr).toContain(fact);
	}
	expect(stderr).toMatch(/URL +http:\/\/127\.0\.0\.1:\d+\n +Token +crt_/);
	// One screen of a small terminal.
	expect(stderr.split('\n').length).toBeLessThanOrEqual(30);

	expect((await fetch(`${relay.url}/relay/v1/sources`, bearer(relay.token))).status).toBe(200);
	expect((await fetch(`${relay.referenceUrl}/api/v2/whoami`, bearer(relay.demoKey))).status).toBe(200);
	expect(await ingestUrlOf(relay)).toMatch(new RegExp(`^${relay.url}/in/`));
});

test('standard output is nothing but structured log lines, and says when the relay is ready', async () => {
	const relay = await start();
	await relay.stop();
	for (const line of relay.output().stdout.trimEnd().split('\n'))
		expect(JSON.parse(line)).toHaveProperty('msg');
	expect(relay.log.find(({ msg }) => msg === 'ready')).toMatchObject({
		url: relay.url,
		reference_url: relay.url,
		data_folder: folder,
	});
});

test('everything in the data folder is for its user alone', async () => {
	const relay = await start();
	await fetch(await ingestUrlOf(relay), { method: 'POST', body: webhook('wf-1') });
	await fetch(`${relay.url}/api/v2/whoami`, bearer(relay.demoKey));
	const files = readdirSync(folder, { recursive: true, withFileTypes: true });
	expect(files.map(({ name }) => name)).toEqual(
		expect.arrayContaining(['relay-token', 'demo-key', 'master-key', 'relay.sqlite', 'reference.sqlite']),
	);
	const modes = files.map((file) => {
		const { mode } = statSync(join(file.parentPath, file.name));
		return [file.name, (mode & 0o777).toString(8)];
	});
	expect(modes).toEqual(files.map((file) => [file.name, file.isDirectory() ? '700' : '600']));
});

test('a later start keeps keys, subscriptions and events, and shows no secret', async () => {
	const first = await start();
	const ingestUrl = await ingestUrlOf(first);
	await fetch(ingestUrl, { method: 'POST', body: webhook('wf-1') });
	const { headers } = bearer(first.token);
	const created = await fetch(`${first.url}/relay/v1/subscriptions`, {
		method: 'POST',
		headers: { ...headers, 'content-type': 'application/json' },
		body: JSON.stringify({ url: 'http://127.0.0.1:2/webhook' }),
	});
	const { id } = (await created.json()) as { id: string };
	expect(await first.stop()).toEqual({ code: 0, signal: null });

	const second = await start();
	expect(second.token).toBe(first.token);
	await second.waitForScreen('Stop with Ctrl-C');
	expect(second.output().stderr).not.toMatch(/crt_|clapi_/);
	expect(second.output().stderr).toContain(folder);
	const get = async (path: string) => (await fetch(`${second.url}${path}`, { headers })).json();
	expect(await get('/relay/v1/subscriptions')).toMatchObject({ subscriptions: [{ id, status: 'active' }] });
	expect(await get('/relay/v1/events')).toMatchObject({ events: [{ workflow_id: 'wf-1' }] });
	expect(new URL(await ingestUrlOf(second)).pathname).toBe(new URL(ingestUrl).pathname);
});

test('keys can be kept off the screen', async () => {
	const relay = await start({ env: { RELAY_SHOW_KEYS: 'never' } });
	await relay.waitForScreen('Stop with Ctrl-C');
	expect(relay.output().stderr).not.toMatch(/crt_|clapi_\w/);
	expect(relay.output().stderr).toContain(join(folder, 'keys', 'relay-token'));
});

test('without the reference API there is no trace of it', async () => {
	const relay = await start({ env: { RELAY_REFERENCE: 'off' } });
	expect(relay.referenceUrl).toBeNull();
	await relay.waitForScreen('Stop with Ctrl-C');
	expect(relay.output().stderr).toContain('https://api.cleanlist.ai');
	expect(relay.output().stderr).not.toContain(relay.demoKey);
	expect((await fetch(`${relay.url}/api/v2/whoami`, bearer(relay.demoKey))).status).toBe(404);
	expect(readdirSync(folder)).not.toContain('reference.sqlite');
});

/** A webhook whose headers and first bytes have arrived at the relay, and whose rest has not. */
async function halfSent(url: string) {
	const body = webhook('wf-in-flight');
	const request = httpRequest(url, {
		method: 'POST',
		headers: { 'content-length': Buffer.byteLength(body), expect: '100-continue' },
	});
	let connection: string | undefined;
	const answer = new Promise<number | undefined>((resolve) => {
		request.on('response', (response) => {
			response.resume();
			connection = response.headers.connection;
			resolve(response.statusCode);
		});
		request.on('error', () => resolve(undefined));
	});
	// The relay's "100 Continue" is the proof that it has begun with this request.
	await new Promise((resolve) => {
		request.on('continue', resolve);
		request.flushHeaders();
	});
	request.write(body.slice(0, 50));
	return {
		answer,
		connection: () => connection,
		finish: () => request.end(body.slice(50)),
		abort: () => request.destroy(),
	};
}

test.each(['SIGINT', 'SIGTERM'] as const)(
	'%s finishes the request under way, then exits 0',
	async (signal) => {
		const relay = await start();
		const upload = await halfSent(await ingestUrlOf(relay));
		relay.signal(signal);
		await relay.waitFor('stopping');
		upload.finish();
		expect(await upload.answer).toBe(200);
		expect(await relay.exited).toEqual({ code: 0, signal: null });
		expect(relay.log.at(-1)?.msg).toBe('stopped');

		const again = await start();
		const events = await (await fetch(`${again.url}/relay/v1/events`, bearer(again.token))).json();
		expect(events).toMatchObject({ events: [{ workflow_id: 'wf-in-flight' }] });
	},
);

test('while it stops it takes no new connection', async () => {
	const relay = await start();
	const upload = await halfSent(await ingestUrlOf(relay));
	relay.signal('SIGINT');
	await relay.waitFor('stopping');
	const refused = async () => {
		try {
			await fetch(`${relay.url}/healthz`, { headers: { connection: 'close' } });
			return false;
		} catch {
			return true;
		}
	};
	while (!(await refused()));
	upload.finish();
	expect(await upload.answer).toBe(200);
	expect(await relay.exited).toEqual({ code: 0, signal: null });
});

test('a request that never finishes does not hold it up for longer than the budget', async () => {
	const relay = await start({ env: { RELAY_SHUTDOWN_BUDGET_MS: '100' } });
	const upload = await halfSent(await ingestUrlOf(relay));
	expect(await relay.stop()).toEqual({ code: 0, signal: null });
	expect(await upload.answer).toBeUndefined();
});

test('a second Ctrl-C exits at once, and the copy that npm passes on does not count as one', async () => {
	const relay = await start({ env: { RELAY_SHUTDOWN_BUDGET_MS: '600000' } });
	const upload = await halfSent(await ingestUrlOf(relay));
	relay.signal('SIGINT');
	relay.signal('SIGINT');
	await relay.waitFor('stopping');
	expect(relay.log.some(({ msg }) => msg === 'stopped without finishing')).toBe(false);
	let ended = false;
	const exit = relay.exited.then((result) => {
		ended = true;
		return result;
	});
	// Pressed until it is no longer taken for part of the first.
	while (!ended) {
		relay.signal('SIGINT');
		await new Promise((resolve) => setImmediate(resolve));
	}
	expect(await exit).toEqual({ code: 130, signal: null });
	upload.abort();
});

/** What the process answers on a connection of its own, as a load balancer's check or a new client sees it. */
const askAnew = (url: string, init: RequestInit = {}) =>
	fetch(url, { ...init, headers: { connection: 'close', ...init.headers } });

test('told to stop, it says so to load balancers first, and goes on taking webhooks in for as long as is set', async () => {
	const relay = await start({ env: { RELAY_SHUTDOWN_GRACE_MS: '600000' } });
	const ingestUrl = await ingestUrlOf(relay);
	expect((await askAnew(`${relay.url}/readyz`)).status).toBe(200);
	relay.signal('SIGTERM');
	await relay.waitFor('stopping');
	const readiness = await askAnew(`${relay.url}/readyz`);
	expect(readiness.status).toBe(503);
	expect(Number(readiness.headers.get('retry-after'))).toBeGreaterThan(0);
	expect((await askAnew(`${relay.url}/healthz`)).status).toBe(200);
	const answer = await askAnew(ingestUrl, { method: 'POST', body: webhook('wf-late') });
	expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close']);

	let ended = false;
	void relay.exited.then(() => (ended = true));
	while (!ended) {
		relay.signal('SIGTERM');
		await new Promise((resolve) => setImmediate(resolve));
	}
	expect(await relay.exited).toEqual({ code: 143, signal: null });
	const again = await start();
	const events = await (await fetch(`${again.url}/relay/v1/events`, bearer(again.token))).json();
	expect(events).toMatchObject({ events: [{ workflow_id: 'wf-late' }] });
});

test('after that time it stops by itself, cleanly', async () => {
	const relay = await start({ env: { RELAY_SHUTDOWN_GRACE_MS: '50' } });
	relay.signal('SIGTERM');
	expect(await relay.exited).toEqual({ code: 0, signal: null });
	expect(relay.log.at(-1)?.msg).toBe('stopped');
});

/** Another process that writes to the database, and takes its time: the relay's store waits for it. */
function holdTheStore(): () => void {
	const db = new DatabaseSync(join(folder, 'relay.sqlite'));
	db.exec('BEGIN IMMEDIATE');
	return () => {
		if (!db.isOpen) return;
		db.exec('ROLLBACK');
		db.close();
	};
}

describe('a store that is slow when it has to stop', () => {
	const post = (url: string) =>
		fetch(url, { method: 'POST', body: webhook('wf-slow') }).then(
			({ status }) => status,
			() => null,
		);

	test('is waited for: what was under way is answered and on disk', async () => {
		const relay = await start();
		const ingestUrl = await ingestUrlOf(relay);
		const release = holdTheStore();
		const answer = post(ingestUrl);
		relay.signal('SIGTERM');
		await relay.waitFor('stopping');
		release();
		const status = await answer;
		expect(await relay.exited).toEqual({ code: 0, signal: null });
		const again = await start();
		const { events } = (await (await fetch(`${again.url}/relay/v1/events`, bearer(again.token))).json()) as {
			events: unknown[];
		};
		// The signal may have come before the request was accepted: then the sender knows that it was not taken.
		expect([status, events.length]).toEqual(status === null ? [null, 0] : [200, 1]);
	});

	test('is not waited for beyond the budget: the process ends, says so, and acknowledged nothing', async () => {
		const relay = await start({ env: { RELAY_SHUTDOWN_BUDGET_MS: '100' } });
		const ingestUrl = await ingestUrlOf(relay);
		const release = holdTheStore();
		const answer = post(ingestUrl);
		relay.signal('SIGTERM');
		const exit = await relay.exited;
		release();
		expect(await answer).not.toBe(200);
		expect(exit.signal).toBeNull();
		if (exit.code !== 0) expect(relay.log.at(-1)?.msg).toBe('could not stop cleanly');
		const again = await start();
		expect((await fetch(`${again.url}/readyz`)).status).toBe(200);
	});
});

test('a receiver that hangs gets its delivery again from the next start, under the same id', async () => {
	const seen: (string | undefined)[] = [];
	const receiver = createServer((request, response) => {
		seen.push(String(request.headers['webhook-id']));
		if (seen.length > 1) response.end();
	}).listen(0, '127.0.0.1');
	await new Promise((resolve) => receiver.once('listening', resolve));
	const until = async (count: number) => {
		while (seen.length < count) await new Promise((resolve) => receiver.once('request', resolve));
	};
	try {
		const relay = await start({ env: { RELAY_SHUTDOWN_BUDGET_MS: '100' } });
		await fetch(`${relay.url}/relay/v1/subscriptions`, {
			method: 'POST',
			headers: { ...bearer(relay.token).headers, 'content-type': 'application/json' },
			body: JSON.stringify({ url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` }),
		});
		await fetch(await ingestUrlOf(relay), { method: 'POST', body: webhook('wf-1') });
		await until(1);
		expect(await relay.stop()).toEqual({ code: 0, signal: null });
		await start();
		await until(2);
		expect(seen[1]).toBe(seen[0]);
	} finally {
		receiver.closeAllConnections();
		await new Promise((resolve) => receiver.close(resolve));
	}
});

describe('what stops it from starting is said in one sentence, with exit code 1 and no stack trace', () => {
	const expectRefusal = async (options: RelayOptions, sentence: RegExp) => {
		const relay = spawnRelay({ dataFolder: join(folder, 'data'), ...options });
		spawned.push(relay);
		expect(await relay.exited).toEqual({ code: 1, signal: null });
		const { stdout, stderr } = relay.output();
		expect(stderr).toMatch(sentence);
		expect(stderr.trimEnd().split('\n')).toHaveLength(1);
		expect(stderr).toMatch(/^cleanlist-relay: [A-Z0-9].*[.?]\n$/);
		expect(stdout).toBe('');
	};

	test('the port is in use', async () => {
		const server = createServer().listen(0, '127.0.0.1');
		await new Promise((resolve) => server.once('listening', resolve));
		const { port } = server.address() as AddressInfo;
		await expectRefusal(
			{ env: { RELAY_PORT: String(port) } },
			new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is in use: stop what listens there, or set RELAY_PORT`),
		);
		await new Promise((resolve) => server.close(resolve));
	});

	test('the address is none of this machine', async () => {
		await expectRefusal({ env: { RELAY_HOST: '192.0.2.1' } }, /192\.0\.2\.1 is no address of this machine/);
	});

	test('the folder can not be made', async () => {
		writeFileSync(join(folder, 'file'), '');
		await expectRefusal(
			{ dataFolder: join(folder, 'file', 'data') },
			/The data folder .* can't be used \(part of the path is a file/,
		);
	});

	test('the folder is in use', async () => {
		await start();
		await expectRefusal(
			{ dataFolder: folder },
			/Another relay is using the data folder .*: stop it, or set RELAY_DATA/,
		);
	});

	test('the database is none', async () => {
		await (await start()).stop();
		writeFileSync(
			join(folder, 'relay.sqlite'),
			'not a database, and long enough to be looked at as one'.repeat(100),
		);
		await expectRefusal(
			{ dataFolder: folder },
			/The database .*relay\.sqlite can't be opened: file is not a database; put it back/,
		);
	});

	test('a setting is wrong', async () => {
		await expectRefusal({ env: { RELAY_PORT: '80.5' } }, /RELAY_PORT is "80\.5", but must be a whole number/);
	});

	test('a setting is misspelt', async () => {
		await expectRefusal(
			{ env: { RELAY_PRT: '80' } },
			/RELAY_PRT is not a setting; did you mean RELAY_PORT\?/,
		);
	});

	test.each([
		['--hepl', /There is no argument "--hepl"; did you mean --help\?/],
		['start', /There is no command "start"; there are [a-z, ]+reference[a-z, ]+\./],
	])('the argument %s is unknown', async (argument, sentence) => {
		await expectRefusal({ args: [argument] }, sentence);
	});
});

test.each(['--help', '-h'])('%s lists every setting', async (argument) => {
	const relay = spawnRelay({ args: [argument] });
	spawned.push(relay);
	expect(await relay.exited).toEqual({ code: 0, signal: null });
	expect(relay.output().stdout).toMatch(
		/Usage: cleanlist-relay[\s\S]*RELAY_HOST[\s\S]*RELAY_SHUTDOWN_BUDGET_MS/,
	);
});

test('--version prints the version and touches nothing', async () => {
	const relay = spawnRelay({ args: ['--version'], dataFolder: join(folder, 'none') });
	spawned.push(relay);
	expect(await relay.exited).toEqual({ code: 0, signal: null });
	expect(relay.output().stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
	expect(readdirSync(folder)).toEqual([]);
});
