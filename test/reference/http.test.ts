import { fastify } from 'fastify';
import { pino } from 'pino';
import { systemIds } from '../../relay/src/ids.ts';
import { CreditsBalanceResponse, DetailError, V2Error } from '../../relay/src/contract/index.ts';
import { createAgenda } from '../../relay/src/reference/agenda.ts';
import type { Gate } from '../../relay/src/reference/auth.ts';
import { openDatabase } from '../../relay/src/reference/db/index.ts';
import { defineRoute, mount, ok } from '../../relay/src/reference/http.ts';
import type { Answer } from '../../relay/src/reference/http.ts';
import { createWebhookSender } from '../../relay/src/reference/webhooks.ts';
import { createTestClock } from '../support/test-clock.ts';
import { startReceiver, until } from './harness.ts';
import type { Json } from './harness.ts';

/** What can't be brought about from outside: bugs, and a disk that is full or busy. */

const gate = { identify: () => ({}), admit() {} } as unknown as Gate;
const requestLog = { add() {} };

async function answering(errors: 'legacy' | 'v2', handle: () => Answer<Json>) {
	let logged = '';
	const log = pino({}, { write: (line: string) => void (logged += line) });
	const app = fastify({ forceCloseConnections: true });
	const about = { summary: 'Under test' };
	const route = { method: 'GET', path: '/', about, errors, plan: 'any', scope: null } as const;
	const routes = [defineRoute({ ...route, response: CreditsBalanceResponse, handle })];
	mount(app, { errors, routes, gate, clock: createTestClock(), ids: systemIds, log, requestLog });
	const reply = await fetch(await app.listen({ host: '127.0.0.1', port: 0 }));
	const body: Json = await reply.json();
	await app.close();
	return { status: reply.status, headers: reply.headers, body, logged };
}

/** An error as node:sqlite throws it; extended codes hold the primary one in their low byte. */
const sqliteError = (errcode: number) =>
	Object.assign(new Error('sqlite'), { code: 'ERR_SQLITE_ERROR', errcode });

it('never sends an answer that is not in the contract: 500, with an id that the log holds as well', async () => {
	const reply = await answering('v2', () => ok({ organization_id: 'org', credits: 1.5 }));
	expect(reply.status).toBe(500);
	const { error } = V2Error.parse(reply.body);
	expect(error).toMatchObject({ code: 'internal_error', retryable: false });
	expect(reply.logged).toContain(error.request_id);
	const extra = await answering('legacy', () => ok({ organization_id: 'org', credits: 1, secret: 'x' }));
	expect(extra.status).toBe(500);
	expect(DetailError.parse(extra.body).detail).not.toContain('secret');
});

it.each([
	['busy', 5],
	['a disk I/O error', 10],
	['an fsync that failed', 1034],
	['a full disk', 13],
])('answers 503 with Retry-After when the database says %s', async (_, errcode) => {
	const handle = () => {
		throw sqliteError(errcode);
	};
	const legacy = await answering('legacy', handle);
	expect([legacy.status, legacy.headers.get('retry-after')]).toEqual([503, '1']);
	const v2 = await answering('v2', handle);
	expect(V2Error.parse(v2.body).error).toMatchObject({ code: 'service_unavailable', retryable: true });
});

it('answers 500 to any other error of the database', async () => {
	const handle = () => {
		throw sqliteError(19);
	};
	expect((await answering('legacy', handle)).status).toBe(500);
});

it('rolls back all of a transaction that fails halfway, and keeps the database usable', () => {
	const db = openDatabase(':memory:');
	const organization = {
		organizationId: 'org',
		name: 'O',
		tier: 'pro',
		appsumoTier: null,
		createdAt: 0,
	} as const;
	expect(() =>
		db.transaction(() => {
			db.accounts.insertOrganization(organization);
			db.ledger.book({
				organizationId: 'org',
				kind: 'charge',
				credits: 1,
				reference: null,
				createdAt: 0,
			});
		}),
	).toThrow(/CHECK constraint failed: credits >= 0/);
	expect(db.accounts.insertOrganization(organization)).toBe(true);
	expect(db.accounts.credits('org')).toBe(0);
	db.close();
});

it('tries work again a second after it failed', async () => {
	const clock = createTestClock();
	const runs: number[] = [];
	const errors: unknown[] = [];
	const agenda = createAgenda({
		clock,
		nextDueAt: () => (runs.length < 3 ? 0 : null),
		run() {
			runs.push(clock.now());
			if (runs.length < 3) throw new Error('disk full');
		},
		onError: (error) => errors.push(error),
	});
	const start = clock.now();
	agenda.start();
	await clock.advance(5_000);
	expect(runs).toEqual([start, start + 1_000, start + 2_000]);
	expect(errors).toHaveLength(2);
	expect(clock.pending).toBe(0);
});

it('makes an attempt again whose outcome could not be written, and not in a rush', async () => {
	const clock = createTestClock();
	const receiver = await startReceiver();
	const db = openDatabase(':memory:');
	db.accounts.insertOrganization({
		organizationId: 'o',
		name: 'O',
		tier: 'pro',
		appsumoTier: null,
		createdAt: 0,
	});
	db.accounts.insertUser({
		userId: 'u',
		organizationId: 'o',
		name: 'U',
		email: null,
		scopes: '[]',
		createdAt: 0,
	});
	const list = { listId: 'l', organizationId: 'o', ownerId: 'u', name: 'L', nameKey: 'l', description: null };
	db.lists.insert({ ...list, origin: null, isProtected: 1, createdAt: 0 });
	db.workflows.insert({
		workflowId: 'w',
		organizationId: 'o',
		userId: 'u',
		listId: 'l',
		enrichmentType: 'none',
		webhookUrl: receiver.url,
		heldCredits: 0,
		total: 0,
		createdAt: 0,
		dueAt: 0,
	});
	db.webhooks.insertBody('w', '{}');
	db.webhooks.schedule({ deliveryId: 'd', workflowId: 'w', attemptNumber: 1, dueAt: 0 });

	let failures = 0;
	const failingOnce: typeof db = {
		...db,
		transaction(work) {
			if (failures++ === 0) throw sqliteError(13);
			return db.transaction(work);
		},
	};
	let changes = 0;
	const log = pino({ level: 'silent' });
	const sender = createWebhookSender({
		db: failingOnce,
		clock,
		ids: systemIds,
		log,
		onChange: () => changes++,
		tell: () => {},
		backoffS: () => [1, 2, 4, 8],
	});
	sender.sendDue();
	await until(() => failures === 1);
	expect([sender.nextDueAt(), changes]).toEqual([null, 0]);
	await clock.advance(1_000);
	await until(() => changes === 1);
	sender.sendDue();
	await until(() => changes === 2);
	expect(receiver.received).toHaveLength(2);
	expect(db.webhooks.ofWorkflow('w')).toMatchObject([{ status: 'succeeded', responseCode: 200 }]);
	await sender.stop();
	db.close();
	await receiver.close();
});
