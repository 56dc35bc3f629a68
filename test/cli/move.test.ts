import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBodies } from '../../relay/src/bodies.ts';
import { migrateCommand } from '../../relay/src/cli/migrate.ts';
import { moveCommand } from '../../relay/src/cli/move.ts';
import { systemClock } from '../../relay/src/clock.ts';
import { readConfig } from '../../relay/src/config.ts';
import { keyFingerprints, sha256 } from '../../relay/src/crypto.ts';
import { openDataFolder } from '../../relay/src/data-folder.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { createSealer, formatSealingKeys } from '../../relay/src/sealing.ts';
import type { Claim, Store } from '../../relay/src/store/port.ts';
import { openPostgresStore } from '../../relay/src/store/postgres/index.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { anEvent, aSubscription } from '../store/conformance.ts';
import { dead, delivered, quarantinedEvent, retried, T0 } from '../store/conformance/fixtures.ts';
import { postgresDatabase } from '../support/postgres-database.ts';
import { TEST_PASSWORD } from '../support/postgres.ts';

const db = postgresDatabase();
let folder: string;
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'move-'));
	await inFolder(async () => undefined);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The store in the data folder, for as long as `work` takes. */
async function inFolder<T>(work: (store: Store) => Promise<T>): Promise<T> {
	const data = await openDataFolder(folder, systemIds);
	const store = await openSqliteStore({ path: join(folder, 'relay.sqlite') });
	try {
		return await work(store);
	} finally {
		await store.close();
		data.close();
	}
}

async function inPostgres<T>(
	work: (store: Store) => Promise<T>,
	fingerprints?: Map<string, Buffer>,
): Promise<T> {
	const store = await openPostgresStore({
		url: db.url,
		clock: systemClock,
		ids: systemIds,
		...(fingerprints && { fingerprints }),
	});
	try {
		return await work(store);
	} finally {
		await store.close();
	}
}

const runWith = async (env: Record<string, string>, ...args: string[]) => {
	let text = '';
	await moveCommand(args, { DATABASE_URL: db.url, ...env }, (more) => (text += more));
	return text;
};
const run = (...args: string[]) => runWith({}, ...args);
const bytesOf = () => readFileSync(join(folder, 'relay.sqlite'));

/** A bit of everything a relay may have. */
async function populate(store: Store): Promise<void> {
	await store.putSource({
		id: 'default',
		name: 'Clean\u0000list 🦊',
		tokenHash: Buffer.alloc(32, 1),
		createdAt: T0,
	});
	await store.putToken({
		id: 'first',
		name: 'n8n',
		hash: Buffer.alloc(32, 2),
		scopes: ['subscribe', 'read'],
		createdAt: T0,
		expiresAt: null,
		lastUsedAt: T0 + 5,
	});
	await store.createSubscription(
		aSubscription({
			id: 'sub_a',
			description: 'Zoë\u0000 \u001a',
			filter: { status: 'completed', lead_list_id: 'x' },
			perMinute: 90,
		}),
	);
	await store.createSubscription(aSubscription({ id: 'sub_b' }));
	await store.rotateSecret('sub_b', Buffer.from('new'), T0 + 1_000);
	const attributes = { status: 'completed', lead_list_id: 'x' };
	const many = Array.from({ length: 700 }, (_, n) =>
		anEvent({ workflowId: `wf-${n}`, attributes, body: Buffer.alloc(n * 20, n), receivedAt: T0 + n }),
	);
	await Promise.all(many.map((event) => store.ingest(event)));
	await store.ingest(anEvent({ workflowId: 'wf-large', body: Buffer.alloc(4 * 1024 * 1024, 0xfe) }));
	await store.ingest(anEvent({ workflowId: 'wf-1', body: Buffer.from('another') }));
	await store.ingest(quarantinedEvent({ body: Buffer.from([0xff, 0x00]) }));
	const [first] = await store.listEvents({ limit: 1 });
	await store.recordVariant(first?.id ?? '', {
		body: Buffer.from('variant'),
		keyId: null,
		contentType: 'text/plain',
		hash: Buffer.alloc(32, 3),
		bytes: 7,
		receivedAt: T0,
	});
	const claims = await store.claim({ now: T0 + 500, leaseMs: 60_000, limit: 60 });
	await store.settle(delivered(claims[0] as Claim, { response: 'ok\u0000' }));
	await store.settle(dead(claims[1] as Claim));
	await store.settle(retried(claims[2] as Claim, T0 + 9_000));
	await store.cancel(claims[3]?.deliveryId ?? '');
}

/** Everything the port can tell. */
async function everything(store: Store) {
	const events = await store.listEvents({ limit: 10_000 });
	const some = [...events.slice(0, 20), ...events.slice(-20)];
	return {
		sources: await store.listSources(),
		tokens: await store.listTokens(),
		subscriptions: await store.listSubscriptions(),
		stats: await store.stats(),
		events,
		bodies: await Promise.all(
			// Byte by byte Jest takes half a minute for the large one.
			some.map(async ({ id }) => sha256((await store.getBody(id))?.body ?? '').toString('hex')),
		),
		variants: await Promise.all(some.map(({ id }) => store.listVariants(id))),
		deliveries: await store.listDeliveries({ limit: 10_000 }),
	};
}
const rowsIn = async (table: string) =>
	(await db.server.query<{ n: number }>(`SELECT count(*)::int AS n FROM cleanlist_relay.${table}`, db.url))[0]
		?.n;

test('moves everything there is, verified, and the relays go on with it', async () => {
	const before = await inFolder(async (store) => {
		await populate(store);
		return everything(store);
	});
	const bytes = bytesOf();

	const said = await run('--from', folder);
	expect(said).toMatch(/^Moved to the database "relay_\d+" on 127\.0\.0\.1:\d+ as "relay", and verified:/);
	expect(said).toMatch(/events\s+702\n/);
	expect(said).not.toContain(TEST_PASSWORD);
	expect(bytesOf().equals(bytes)).toBe(true);

	const data = await openDataFolder(folder, systemIds);
	data.close();
	await inPostgres(async (store) => {
		expect(await everything(store)).toEqual(before);
		// Duplicates are known, of the newest events as well, and ids go on where they were.
		expect(await store.ingest(anEvent({ workflowId: 'wf-large' }))).toMatchObject({ kind: 'duplicate' });
		expect(await store.ingest(anEvent({ workflowId: 'wf-699' }))).toMatchObject({ kind: 'duplicate' });
		await store.ingest(anEvent());
		const [newest] = await store.listDeliveries({ limit: 1 });
		expect(Number(newest?.id.slice(4))).toBeGreaterThan(Number(before.deliveries[0]?.id.slice(4)));
		// Leases of the stopped relay run out like any.
		expect((await store.claim({ now: T0 + 61_000, leaseMs: 60_000, limit: 500 })).length).toBeGreaterThan(0);
	}, keyFingerprints(data.keys));
	await expect(
		inPostgres(async () => undefined, new Map([['master key', Buffer.alloc(32)]])),
	).rejects.toThrow(/another master key/);
});

test('moves what is sealed as it is: the same keys open it there, bodies, variants and rotated secrets', async () => {
	const data = await openDataFolder(folder, systemIds);
	data.close();
	const sealer = createSealer([...data.keys.sealingKeys, { id: 2, key: Buffer.alloc(32, 2) }]);
	const bodies = createBodies({ sealer, encrypt: true });
	const subscription = aSubscription({
		sealedSecret: createSealer(data.keys.sealingKeys).seal('whsec_b2xk'),
	});
	const raw = Buffer.from('{"workflow_id":"sealed"}');
	const { body, keyId } = bodies.toStored(raw);
	const event = anEvent({ body, bodyKeyId: keyId, bytes: raw.length });
	await inFolder(async (store) => {
		await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.alloc(32), createdAt: T0 });
		await store.createSubscription(subscription);
		await store.rotateSecret(subscription.id, sealer.seal('whsec_bmV3'), T0 + 1);
		await store.ingest(event);
		const variant = { contentType: 'x', hash: Buffer.alloc(32), bytes: raw.length, receivedAt: T0 };
		await store.recordVariant(event.id, { ...bodies.toStored(raw), ...variant });
	});
	await run('--from', folder);
	await inPostgres(async (store) => {
		const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		const { sealedSecret, previousSealedSecret } = claim.receiver;
		expect([sealedSecret, previousSealedSecret!].map((sealed) => sealer.open(sealed))).toEqual([
			'whsec_bmV3',
			'whsec_b2xk',
		]);
		const [variant] = await store.listVariants(event.id);
		for (const stored of [{ ...claim, keyId: claim.bodyKeyId }, (await store.getBody(event.id))!, variant!]) {
			expect(stored.keyId).toBe(2);
			expect(bodies.toRaw(stored)).toEqual(raw);
		}
	});
});

test('refuses a target that holds something, and leaves it as it is', async () => {
	await inFolder(populate);
	await inPostgres((store) =>
		store.putSource({ id: 'x', name: 'x', tokenHash: Buffer.alloc(32), createdAt: 1 }),
	);
	await expect(run('--from', folder)).rejects.toThrow(
		/The target holds sources already.*The source is as it was\.$/,
	);
	expect([await rowsIn('sources'), await rowsIn('events')]).toEqual([1, 0]);
});

test('notices what did not arrive as it was sent, and leaves the target empty, of the fingerprints of its keys too', async () => {
	await inFolder(populate);
	await inPostgres(async () => undefined);
	await db.server.query(
		`CREATE FUNCTION cleanlist_relay.spoil() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN IF new.event_seq = 350 THEN new.body := new.body || 'x'; END IF; RETURN new; END $$;
		CREATE TRIGGER spoil BEFORE INSERT ON cleanlist_relay.bodies FOR EACH ROW EXECUTE FUNCTION cleanlist_relay.spoil()`,
		db.url,
	);
	await expect(run('--from', folder)).rejects.toThrow(/The table bodies did not arrive as it was sent/);
	for (const table of ['sources', 'events', 'bodies'])
		expect([table, await rowsIn(table)]).toEqual([table, 0]);
	// A relay with other keys may have it.
	await inPostgres(async () => undefined, new Map([['master key', Buffer.alloc(32)]]));
});

test('refuses a target that was used with other keys, and leaves it as it is', async () => {
	await inFolder(populate);
	await inPostgres(async () => undefined, new Map([['master key', Buffer.alloc(32)]]));
	await expect(run('--from', folder)).rejects.toThrow(/is used with another master key/);
	expect([await rowsIn('events'), await rowsIn('properties')]).toEqual([0, 1]);
});

test('belongs to the keys the relay had, also where the environment gives them and not the folder', async () => {
	await inFolder(populate);
	const masterKey = Buffer.alloc(32, 5);
	const sealingKeys = [{ id: 1, key: Buffer.alloc(32, 6) }];
	const env = {
		RELAY_MASTER_KEY: masterKey.toString('base64'),
		RELAY_SEALING_KEYS: formatSealingKeys(sealingKeys).trim(),
	};
	expect(await runWith(env, '--from', folder)).toMatch(/and verified:/);
	expect(
		await inPostgres((store) => store.listSubscriptions(), keyFingerprints({ masterKey, sealingKeys })),
	).not.toEqual([]);
});

test('does not move while a relay is running, nor from what is no relay', async () => {
	const data = await openDataFolder(folder, systemIds);
	try {
		await expect(run('--from', folder)).rejects.toThrow(/Another relay is using the data folder/);
	} finally {
		data.close();
	}
	await expect(run('--from', join(folder, 'nowhere'))).rejects.toThrow(
		/There is no .*nowhere: give the data folder/,
	);
	await expect(run('--from', join(folder, 'keys', 'master-key'))).rejects.toThrow(
		/is no database of a relay/,
	);
	await expect(run()).rejects.toThrow(/needs to know where from/);
	await expect(run('--from', folder, '--to', 'mysql://x')).rejects.toThrow(
		/The target must begin with postgres:/,
	);
});

test('migrate says from which version to which, and may be run again', async () => {
	let text = '';
	const migrate = (env: NodeJS.ProcessEnv) =>
		migrateCommand(
			[],
			() => readConfig(env),
			(more) => (text += more),
		);
	await migrate({ DATABASE_URL: db.url });
	await migrate({ DATABASE_URL: db.url });
	expect(text).toMatch(/ went from version 0 to version \d+\.\n.* is at version \d+ already\.\n$/);
	await expect(migrate({})).rejects.toThrow(/set DATABASE_URL/);
});
