import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import type { Connector } from './address-guard.ts';

/** How long the phases of connecting took, in ms; null: not reached, or not needed. */
export interface ConnectTimings {
	/** Null for an address that is written out. */
	dnsMs: number | null;
	connectMs: number | null;
	/** Null without TLS. */
	tlsMs: number | null;
}

export interface Connections {
	/** Sends a request over an open connection to its origin, or a new one, whose timings are written into `timings`. */
	dispatch(
		origin: string,
		request: Omit<Dispatcher.DispatchOptions, 'origin'>,
		handler: Dispatcher.DispatchHandler,
		timings: ConnectTimings,
	): void;
	/** Breaks off what is under way and closes everything. */
	close(): Promise<void>;
}

/** Receivers (origins) that connections are kept open to: the last used. Bounds what many subscriptions hold open. */
const MAX_ORIGINS = 100;
/** How long an idle connection is kept, when the receiver asks for longer than undici's 4 s. */
const KEEP_ALIVE_MAX_MS = 60_000;

/** Connections to receivers, kept open between requests: a pool for each origin. */
export function createConnections(options: {
	connector: Connector;
	clock: Clock;
	maxOrigins?: number;
}): Connections {
	const { clock, maxOrigins = MAX_ORIGINS } = options;
	/** Of the request that is being dispatched: undici connects inside of it, and tells nobody which one that was. */
	let asking: ConnectTimings | null = null;
	/** The least recently used first. */
	const pools = new Map<string, Pool>();
	/** Under load nearly always the next one's, too: spares moving it to the end, 0.7 µs. */
	let lastUsed: { origin: string; pool: Pool } | null = null;

	const connect: Connector = (connectOptions, callback) => {
		const lap = stopwatch(clock);
		const socket = options.connector(connectOptions, callback);
		const timings = asking;
		if (socket === null || timings === null) return socket;
		return socket
			.once('lookup', (error: Error | null) => {
				if (error === null) timings.dnsMs = lap();
			})
			.once('connect', () => (timings.connectMs = lap()))
			.once('secureConnect', () => (timings.tlsMs = lap()));
	};

	function poolFor(origin: string): Pool {
		if (lastUsed?.origin === origin) return lastUsed.pool;
		const pool = pools.get(origin) ?? new Pool(origin, { ...POOL, connect });
		pools.delete(origin);
		pools.set(origin, pool);
		lastUsed = { origin, pool };
		const [oldest] = pools;
		if (oldest && pools.size > maxOrigins) {
			pools.delete(oldest[0]);
			// Once what is under way there has ended.
			void oldest[1].close();
		}
		return pool;
	}

	return {
		dispatch(origin, request, handler, timings) {
			const pool = poolFor(origin);
			asking = timings;
			try {
				pool.dispatch(request, handler);
			} finally {
				asking = null;
			}
		},
		close: async () => {
			await Promise.all([...pools.values()].map((pool) => pool.destroy()));
		},
	};
}

const POOL: Pool.Options = {
	// The limits of an attempt come from the injected clock.
	headersTimeout: 0,
	bodyTimeout: 0,
	keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
	pipelining: 1,
	allowH2: false,
};

/** Gives the time since it was last asked, in ms. */
function stopwatch(clock: Clock): () => number {
	let since = clock.monotonic();
	return () => {
		const before = since;
		since = clock.monotonic();
		return since - before;
	};
}
