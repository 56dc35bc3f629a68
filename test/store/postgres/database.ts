import { systemClock } from '../../../relay/src/clock.ts';
import type { Clock } from '../../../relay/src/clock.ts';
import { systemIds } from '../../../relay/src/ids.ts';
import type { Claim, NewEvent, Settlement, Store } from '../../../relay/src/store/port.ts';
import { openPostgresStore } from '../../../relay/src/store/postgres/index.ts';
import { startPostgres } from '../../support/postgres.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import type { TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { anEvent } from '../conformance.ts';

export const T0 = Date.UTC(2026, 0, 5, 9);

/** A server for the tests of a file and a new database for each of them, with stores on it that are closed behind them. */
export function postgresDatabase() {
	let server: TestPostgres;
	let url: string;
	let proxy: TcpProxy | null = null;
	const stores: Store[] = [];
	beforeAll(async () => {
		server = await startPostgres();
	});
	afterAll(() => server.dispose());
	beforeEach(async () => {
		url = await server.createDatabase();
	});
	afterEach(async () => {
		if (proxy) proxy.mode = 'pass';
		for (const store of stores.splice(0)) await store.close();
		await proxy?.close();
		proxy = null;
	});

	async function open(at = url, clock: Clock = systemClock): Promise<Store> {
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

	return {
		get server() {
			return server;
		},
		get url() {
			return url;
		},
		open,
		async throughProxy(clock?: Clock): Promise<{ store: Store; proxy: TcpProxy }> {
			proxy = await startTcpProxy(server.port);
			const store = await open(url.replace(`:${server.port}`, `:${proxy.port}`), clock);
			return { store, proxy };
		},
		/** Until no store is connected: what its statements did is in the statistics then. */
		noSessions: () =>
			until('all sessions are over', async () => {
				const sessions = await server.query(
					"SELECT pid FROM pg_stat_activity WHERE application_name = 'cleanlist-relay'",
					url,
				);
				return sessions.length === 0;
			}),
		/** `SET …` or `RESET …` of the database, for sessions that begin from now on. */
		alterDatabase: (how: string) => server.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} ${how}`),
		endSessions: () =>
			server.query(
				`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${new URL(url).pathname.slice(1)}'`,
			),
	};
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
