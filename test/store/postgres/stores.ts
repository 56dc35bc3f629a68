import { systemClock } from '../../../relay/src/clock.ts';
import type { Clock } from '../../../relay/src/clock.ts';
import { systemIds } from '../../../relay/src/ids.ts';
import type { Claim, NewEvent, Settlement, Store } from '../../../relay/src/store/port.ts';
import { openPostgresStore } from '../../../relay/src/store/postgres/index.ts';
import { postgresDatabase } from '../../support/postgres-database.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import type { TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { anEvent } from '../conformance.ts';

export const T0 = Date.UTC(2026, 0, 5, 9);

/** A PostgreSQL database for each test, with stores on it that are closed behind it. */
export function postgresStores() {
	const db = postgresDatabase();
	let proxy: TcpProxy | null = null;
	const stores: Store[] = [];
	afterEach(async () => {
		if (proxy) proxy.mode = 'pass';
		for (const store of stores.splice(0)) await store.close();
		await proxy?.close();
		proxy = null;
	});

	async function open(at = db.url, clock: Clock = systemClock): Promise<Store> {
		const store = await openPostgresStore({ url: at, clock, ids: systemIds });
		stores.push(store);
		await store.putSource({
			id: 'default',
			name: 'Cleanlist',
			tokenHash: Buffer.from('hash'),
			createdAt: T0,
		});
		return store;
	}

	return Object.assign(db, {
		open,
		async throughProxy(clock?: Clock): Promise<{ store: Store; proxy: TcpProxy }> {
			proxy = await startTcpProxy(db.server.port);
			const store = await open(db.url.replace(`:${db.server.port}`, `:${proxy.port}`), clock);
			return { store, proxy };
		},
		/** Until no store is connected: what its statements did is in the statistics then. */
		noSessions: () =>
			until('all sessions are over', async () => {
				const sessions = await db.server.query(
					"SELECT pid FROM pg_stat_activity WHERE application_name = 'cleanlist-relay'",
					db.url,
				);
				return sessions.length === 0;
			}),
		/** `SET …` or `RESET …` of the database, for sessions that begin from now on. */
		alterDatabase: (how: string) =>
			db.server.query(`ALTER DATABASE ${new URL(db.url).pathname.slice(1)} ${how}`),
		endSessions: () =>
			db.server.query(
				`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${new URL(db.url).pathname.slice(1)}'`,
			),
	});
}

export const settlement = (claim: Claim, next: Settlement['next'] = { state: 'delivered' }): Settlement => ({
	deliveryId: claim.deliveryId,
	attempt: claim.attempt,
	startedAt: T0,
	durationMs: 5,
	timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: 4 },
	status: 200,
	error: null,
	response: null,
	health: 'up',
	breaker: { threshold: 5, waitsMs: [1_000] },
	next,
});

export const events = (count: number): NewEvent[] => Array.from({ length: count }, () => anEvent());
