import type { FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { localUrl } from './config.ts';
import type { Config } from './config.ts';
import { createBodies } from './bodies.ts';
import { deriveIngestToken, keyFingerprints, sha256 } from './crypto.ts';
import { sharedKeys, STORE_FILE } from './data-folder.ts';
import type { Keys } from './data-folder.ts';
import { createAddressGuard } from './delivery/address-guard.ts';
import { createDispatcher } from './delivery/index.ts';
import { createDemoReference } from './demo-reference.ts';
import { LIMITS } from './http/limits.ts';
import type { Limits } from './http/limits.ts';
import type { RouteEntry } from './http/routes.ts';
import { createDiskSpace, freeBytes } from './disk-space.ts';
import { createHttp } from './http/server.ts';
import { systemIds } from './ids.ts';
import type { Ids } from './ids.ts';
import { createAdmission } from './inbox/admission.ts';
import { createInbox } from './inbox/index.ts';
import type { Logger } from './log.ts';
import { firstToken } from './management-token.ts';
import { createMetrics } from './metrics.ts';
import { openDatabaseFile } from './open-database.ts';
import { createSealer } from './sealing.ts';
import { metered } from './store/metered.ts';
import { withKnownSources } from './store/known-sources.ts';
import { shutDown } from './shutdown.ts';
import { createRetention } from './retention.ts';
import { createStoppedSubscriptions } from './stopped-subscriptions.ts';
import { openSqliteStore } from './store/sqlite/index.ts';
import type { Store, Token } from './store/port.ts';

/** The source that exists from the first start on. */
export const DEFAULT_SOURCE = 'default';

/** A relay, put together. */
export interface Relay {
	http: FastifyInstance;
	/** The relay's own routes and who may call them. */
	routes: readonly RouteEntry[];
	store: Store;
	/** Whether it serves the reference API too. */
	hasReference: boolean;
	/** Starts taking requests and delivering. Resolves with the base URL others reach the relay under. */
	listen(): Promise<string>;
	/** Where Cleanlist posts its webhooks to. Known once the relay listens. */
	ingestUrl(): string;
	/** Shuts down in phases (see shutdown.ts). What is not finished is on disk and goes on after the next start. */
	close(): Promise<void>;
}

/** The relay can't listen. The message is one sentence that says what to do. */
export class ListenError extends Error {
	override readonly name = 'ListenError';
}

/** Composes a relay out of its parts: opens its databases, listens on nothing yet. */
export async function createRelay(options: {
	config: Config;
	keys: Keys;
	log: Logger;
	clock?: Clock;
	ids?: Ids;
	limits?: Partial<Limits>;
	/** Bytes free where a folder is; for tests. */
	free?: (folder: string) => number;
}): Promise<Relay> {
	const { config, log, clock = systemClock, ids = systemIds, free = freeBytes } = options;
	const keys = sharedKeys(options.keys, config);
	/** How to undo what was set up so far, should a later step fail. */
	const opened: (() => Promise<unknown>)[] = [];
	try {
		const token = firstToken(config.token ?? keys.relayToken, clock.now());
		const engine = await openEngine({ config, keys, token, clock, ids, log });
		const metrics = createMetrics({
			clock,
			stats: () => store.stats(),
			underWay: () => dispatcher.underWay(),
		});
		const store = withKnownSources(metered(engine, metrics), clock);
		opened.push(() => store.close());
		await seed({ store, keys, token, config, clock });

		const sealer = createSealer(keys.sealingKeys);
		const bodies = createBodies({ sealer, encrypt: config.encryptBodies });
		const stopped = createStoppedSubscriptions({ store, clock, log });
		const guard = createAddressGuard({ allow: config.allow });
		const dispatcher = createDispatcher({
			...{ store, clock, ids, sealer, bodies, guard, log },
			alone: config.databaseUrl === null,
			onOutcome: (outcome) => {
				metrics.attempted(outcome);
				if (outcome.kind === 'ended') stopped.wake();
			},
		});
		store.onDue(() => dispatcher.wake());
		const admission = createAdmission({
			// What PostgreSQL has left can't be seen from here; it says when it is full.
			disk:
				config.databaseUrl === null
					? createDiskSpace({
							free: () => free(config.dataFolder),
							reserve: config.diskReserveBytes,
							clock,
						})
					: null,
		});
		const inbox = createInbox({ store, bodies, clock, ids, log, onStored: () => dispatcher.wake() });

		const reference = config.reference.enabled
			? await createDemoReference({ config, keys, clock, ids, log })
			: null;
		if (reference) opened.push(() => reference.stop());

		const retention = createRetention({
			...{ store, clock, ids, log },
			rules: config.retention,
			onDeleted: (deleted) => metrics.deleted(deleted),
			onGivenUp: (deliveries) => metrics.givenUp(deliveries),
		});

		let baseUrl: string | null = config.publicUrl;
		let stopping = false;
		const ingestUrl = (sourceId: string) => {
			if (baseUrl === null) throw new Error('The ingest URL is known once the relay listens.');
			return `${baseUrl}/in/${deriveIngestToken(keys.masterKey, sourceId)}`;
		};
		const { http, routes } = await createHttp({
			store,
			inbox,
			admission,
			guard,
			sealer,
			bodies,
			clock,
			ids,
			log,
			onDue: () => dispatcher.wake(),
			onStopped: () => stopped.wake(),
			metrics,
			openMetrics: config.openMetrics,
			trustProxy: config.trustProxy,
			limits: { ...LIMITS, connections: config.maxConnections, ...options.limits },
			ingestUrl,
			isStopping: () => stopping,
			reference: reference?.routes ?? null,
		});
		opened.push(() => http.close());

		/** Requests and attempts under way come to their end, or are cut off. */
		const finish = async (budgetMs: number) => {
			const cancelCut = clock.schedule(budgetMs, () => http.server.closeAllConnections());
			await Promise.all([http.close(), dispatcher.stop(budgetMs)]);
			cancelCut();
		};
		const close = async () => {
			await retention.stop();
			await stopped.stop();
			await reference?.stop();
			await store.close();
		};
		let closed: Promise<void> | null = null;

		return {
			http,
			routes,
			store,
			hasReference: reference !== null,
			async listen() {
				// By this name Fastify would make a second server, for the other address that it has: without our limits on
				// connections, and one that never answers a request that offers HTTP/2, as some clients' do.
				const host = config.host === 'localhost' ? '127.0.0.1' : config.host;
				await http.listen({ host, port: config.port }).catch((error: unknown) => {
					throw new ListenError(listenSentence(error, config), { cause: error });
				});
				const { port } = http.server.address() as AddressInfo;
				baseUrl ??= localUrl({ host: config.host, port });
				dispatcher.start();
				retention.start();
				stopped.start();
				reference?.start();
				return baseUrl;
			},
			ingestUrl: () => ingestUrl(DEFAULT_SOURCE),
			close() {
				stopping = true;
				// Where nobody could reach it, nobody has to notice that it ends.
				const graceMs = http.server.listening ? config.shutdownGraceMs : 0;
				const budgetMs = config.shutdownBudgetMs;
				return (closed ??= shutDown({ clock, graceMs, budgetMs, finish, close }));
			},
		};
	} catch (error) {
		for (const undo of opened.reverse()) await undo().catch(() => undefined);
		throw error;
	}
}

async function openEngine(options: {
	config: Config;
	keys: Keys;
	token: Token;
	clock: Clock;
	ids: Ids;
	log: Logger;
}): Promise<Store> {
	const { config, keys, token, clock, ids, log } = options;
	if (config.databaseUrl !== null) {
		// Loaded only where it is used, `pg` with it: 60 files.
		const { openPostgresStore } = await import('./store/postgres/index.ts');
		return openPostgresStore({
			...{ url: config.databaseUrl, clock, ids, fingerprints: keyFingerprints(keys) },
			...(config.token === null && { firstToken: token }),
		});
	}
	const path = join(config.dataFolder, STORE_FILE);
	// The lock on the data folder makes this the only process: what is leased was its predecessor's.
	return openDatabaseFile(path, () =>
		openSqliteStore({
			path,
			endLeasesAt: clock.now(),
			onLost: (error) => log.fatal({ err: error }, 'the store is lost: restart the relay'),
		}),
	);
}

/** The default source and the first management token. Their secrets come from outside the store, on every start. */
async function seed(options: {
	store: Store;
	keys: Keys;
	token: Token;
	config: Config;
	clock: Clock;
}): Promise<void> {
	const { store, keys, token, config, clock } = options;
	await store.putSource({
		id: DEFAULT_SOURCE,
		name: 'Cleanlist',
		tokenHash: sha256(deriveIngestToken(keys.masterKey, DEFAULT_SOURCE)),
		createdAt: clock.now(),
	});
	// One that only a key file names was compared, or put there, when the shared database was opened.
	if (config.databaseUrl !== null && config.token === null) return;
	// Only when it is another one: when it was last used should outlive a restart.
	if (!(await store.findTokenByHash(token.hash))) await store.putToken(token);
}

function listenSentence(error: unknown, { host, port }: Config): string {
	const { code, message } = error as NodeJS.ErrnoException;
	switch (code) {
		case 'EADDRINUSE':
			return `Port ${port} on ${host} is in use: stop what listens there, or set RELAY_PORT to another port.`;
		case 'EACCES':
			return `This user may not listen on port ${port}: set RELAY_PORT to one above 1023.`;
		case 'EADDRNOTAVAIL':
		case 'ENOTFOUND':
		case 'EAI_AGAIN':
			return `${host} is no address of this machine: set RELAY_HOST to one that is, e.g. 127.0.0.1.`;
		default:
			return `The relay can't listen on ${host}, port ${port} (${message}): check RELAY_HOST and RELAY_PORT.`;
	}
}
