import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { ApiKeysResponse, UsageResponse } from '../../relay/src/contract/index.ts';
import { openDatabase } from '../../relay/src/reference/db/index.ts';
import { createRequestLog } from '../../relay/src/reference/request-log.ts';
import { createTestClock } from '../support/test-clock.ts';
import { startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

describe.each(['/api/v2', '/api/v1/public'])('keys and usage under %s', (prefix) => {
	let harness: Harness;
	let client: Client;
	beforeEach(async () => {
		harness = await startReference();
		client = await harness.client();
	});
	afterEach(() => harness.close());

	const keys = async (by = client) => ApiKeysResponse.parse((await by.get(`${prefix}/api-keys`)).body).keys;
	const usage = async (query = '', by = client) => {
		const reply = await by.get(`${prefix}/usage${query}`);
		expect(reply.status).toBe(200);
		return UsageResponse.parse(reply.body);
	};

	describe('api-keys', () => {
		it('lists a key by its prefix and its last four characters, never itself', async () => {
			const reply = await client.get(`${prefix}/api-keys`);
			expect(ApiKeysResponse.parse(reply.body).keys).toEqual([
				{
					key_id: expect.stringMatching(/^key_/),
					key_prefix: 'clapi_',
					key_last4: client.key.slice(-4),
					name: null,
					scopes: expect.arrayContaining(['admin:api_keys']),
					created_at: '2026-01-05 09:00:00',
					last_used_at: null,
					is_active: true,
				},
			]);
			expect(JSON.stringify(reply.body)).not.toContain(client.key.slice(6));
		});

		it('knows when a key was last used, to the second', async () => {
			await harness.clock.advance(DAY_MS + 1_999);
			await client.get('/api/v2/whoami');
			await harness.clock.advance(5_000);
			expect((await keys())[0]!.last_used_at).toBe('2026-01-06 09:00:01');
			expect((await keys())[0]!.last_used_at).toBe('2026-01-06 09:00:06');
		});

		it('lists the whole organization’s, newest first, and no one else’s', async () => {
			await harness.client();
			await harness.clock.advance(1_000);
			const { organizationId } = client;
			const mate = await harness.client({ organizationId, scopes: ['lists:read'] });
			const expiring = await harness.client({ organizationId, keyExpiresAt: harness.clock.now() + 1 });
			await harness.clock.advance(1);
			const listed = await keys();
			expect(listed.map(({ key_last4, is_active }) => [key_last4, is_active])).toEqual([
				[expiring.key.slice(-4), false],
				[mate.key.slice(-4), true],
				[client.key.slice(-4), true],
			]);
			expect(listed[1]!.scopes).toEqual(['lists:read']);
		});
	});

	describe('usage', () => {
		it('is empty at first, and then counts every request but the one that asks', async () => {
			expect(await usage()).toEqual({
				days: 7,
				group_by: 'tool',
				total_calls: 0,
				total_credits_spent: 0,
				total_errors: 0,
				rows: [],
			});
			expect((await usage()).total_calls).toBe(1);
		});

		it('groups by path, with the names of parameters for their values', async () => {
			await client.get(`${prefix}/lead-lists/one`);
			await client.get(`${prefix}/lead-lists/two`);
			await client.call('DELETE', `${prefix}/lead-lists/two`);
			await client.get(`${prefix}/whoami`);
			await client.get(`${prefix}/nowhere`);
			expect((await usage()).rows).toEqual([
				{ group: `${prefix}/lead-lists/{list_id}`, calls: 3, credits_spent: 0, errors: 3 },
				{ group: `${prefix}/whoami`, calls: 1, credits_spent: 0, errors: 0 },
			]);
		});

		it('groups by key', async () => {
			const mate = await harness.client({ organizationId: client.organizationId });
			await mate.get(`${prefix}/lead-lists/x`);
			await client.get(`${prefix}/whoami`);
			await client.get(`${prefix}/whoami`);
			const [mateKey, key] = (await keys()).map(({ key_id }) => key_id);
			expect((await usage('?group_by=key')).rows).toEqual([
				{ group: key, calls: 3, credits_spent: 0, errors: 0 },
				{ group: mateKey, calls: 1, credits_spent: 0, errors: 1 },
			]);
		});

		it('groups by error: refusals of every kind, and nothing that went well', async () => {
			const weak = await harness.client({ organizationId: client.organizationId, scopes: [] });
			await weak.get(`${prefix}/lead-lists`);
			await client.get(`${prefix}/lead-lists/x`);
			await client.get(`${prefix}/lead-lists/y`);
			await client.get(`${prefix}/lead-lists?limit=0`);
			await client.get(`${prefix}/whoami`);
			const report = await usage('?group_by=error');
			expect(report).toMatchObject({ total_calls: 5, total_errors: 4 });
			expect(report.rows).toEqual([
				{ group: 'not_found', calls: 2, credits_spent: 0, errors: 2 },
				{ group: 'insufficient_scope', calls: 1, credits_spent: 0, errors: 1 },
				{ group: 'validation_error', calls: 1, credits_spent: 0, errors: 1 },
			]);
		});

		it('groups by day in UTC, and looks back as far as asked', async () => {
			for (const calls of [3, 1, 2]) {
				for (let call = 0; call < calls; call++) await client.get(`${prefix}/whoami`);
				await harness.clock.advance(DAY_MS);
			}
			expect((await usage('?group_by=day&days=365')).rows).toEqual([
				{ group: '2026-01-05', calls: 3, credits_spent: 0, errors: 0 },
				{ group: '2026-01-06', calls: 1, credits_spent: 0, errors: 0 },
				{ group: '2026-01-07', calls: 2, credits_spent: 0, errors: 0 },
			]);
			// Two days ago to the millisecond is within two days; the report before this one is a call as well.
			expect((await usage('?group_by=day&days=2')).rows.map(({ group, calls }) => [group, calls])).toEqual([
				['2026-01-06', 1],
				['2026-01-07', 2],
				['2026-01-08', 1],
			]);
			await harness.clock.advance(1);
			expect((await usage('?group_by=day&days=1')).total_calls).toBe(2);
		});

		it('is the organization’s own', async () => {
			const stranger = await harness.client();
			await client.get(`${prefix}/whoami`);
			await harness.withKey(null).get(`${prefix}/whoami`);
			expect((await usage('', stranger)).total_calls).toBe(0);
		});

		it('counts both prefixes, and what was refused for coming too often', async () => {
			const limited = await startReference({
				limits: { perKeyPerMinute: 3, perOrganizationPerMinute: 100 },
			});
			const eager = await limited.client();
			await eager.get('/api/v2/whoami');
			await eager.get('/api/v1/public/whoami');
			for (let call = 0; call < 3; call++) await eager.get('/api/v1/public/auth/validate-key');
			await limited.clock.advance(60_000);
			const report = await usage('?group_by=error', eager);
			expect(report).toMatchObject({ total_calls: 5, total_errors: 2 });
			expect(report.rows).toEqual([{ group: 'rate_limited', calls: 2, credits_spent: 0, errors: 2 }]);
			await limited.close();
		});

		it.each(['days=1', 'days=365', 'days=7&group_by=tool', 'group_by=day'])('takes ?%s', async (query) => {
			await usage(`?${query}`);
		});

		it.each([
			['days=0', 'days'],
			['days=366', 'days'],
			['days=-1', 'days'],
			['days=1.5', 'days'],
			['days=week', 'days'],
			['group_by=user', 'group_by'],
		])('refuses ?%s: 422', async (query, field) => {
			const reply = await client.get(`${prefix}/usage?${query}`);
			expect(reply.status).toBe(422);
			expect(reply.body.detail[0].loc).toEqual(['query', field]);
		});
	});
});

describe('the request log', () => {
	it('is written within a second, and what waits is written at the stop', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'reference-'));
		const path = join(folder, 'reference.db');
		const harness = await startReference({ path });
		const client = await harness.client();
		const db = new DatabaseSync(path, { readOnly: true });
		const rows = () =>
			db.prepare('SELECT method, tool, status, error_code, organization_id FROM request_log').all();
		await client.get('/api/v2/whoami');
		expect(rows()).toHaveLength(0);
		await harness.clock.advance(1_000);
		expect(rows()).toHaveLength(1);
		await harness.withKey(null).call('POST', '/api/v1/public/enrich/bulk', {});
		await harness.close();
		expect(rows().map((row) => ({ ...row }))).toEqual([
			{
				method: 'GET',
				tool: '/api/v2/whoami',
				status: 200,
				error_code: null,
				organization_id: client.organizationId,
			},
			{
				method: 'POST',
				tool: '/api/v1/public/enrich/bulk',
				status: 401,
				error_code: 'unauthorized',
				organization_id: null,
			},
		]);
		db.close();
		await rm(folder, { recursive: true });
	});

	const row = (at: number) => ({
		at,
		organizationId: 'org',
		keyId: null,
		method: 'GET',
		tool: 't',
		status: 200,
		errorCode: null,
		durationMs: 1,
	});
	const total = (db: ReturnType<typeof openDatabase>) => db.requestLog.totals('org', 0).calls;

	it('keeps a year and a hundred thousand rows, and sheds the rest a batch at a time', () => {
		const db = openDatabase(':memory:');
		const clock = createTestClock(400 * DAY_MS);
		const log = createRequestLog({ db, clock, log: pino({ level: 'silent' }) });
		const now = clock.now();
		db.transaction(() => {
			for (let n = 0; n < 1_000; n++) db.requestLog.insert(row(now - 366 * DAY_MS));
			for (let n = 0; n < 100_000; n++) db.requestLog.insert(row(now));
		});
		const sizes = Array.from({ length: 5 }, () => {
			log.add(row(now));
			log.flush();
			return total(db);
		});
		expect(sizes).toEqual([100_201, 100_000, 100_000, 100_000, 100_000]);
		expect(db.requestLog.totals('org', now).calls).toBe(100_000);
		db.close();
	});

	it('keeps what it could not write, and tries again', async () => {
		const db = openDatabase(':memory:');
		const clock = createTestClock();
		let full = true;
		const transaction: typeof db.transaction = (work) => {
			if (full) throw new Error('disk full');
			return db.transaction(work);
		};
		let logged = '';
		const log = createRequestLog({
			db: { ...db, transaction },
			clock,
			log: pino({}, { write: (line: string) => void (logged += line) }),
		});
		log.add(row(clock.now()));
		await clock.advance(3_000);
		expect(logged.match(/disk full/g)!.length).toBeGreaterThanOrEqual(3);
		for (let n = 0; n < 10_000; n++) log.add(row(clock.now()));
		full = false;
		await clock.advance(1_000);
		expect(total(db)).toBe(10_000);
		expect(clock.pending).toBe(0);
		db.close();
	});
});
