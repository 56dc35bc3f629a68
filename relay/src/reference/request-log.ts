import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Database } from './db/index.ts';
import type { LoggedRequest } from './db/request-log.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** As far back as the usage report can ask. */
const KEEP_MS = 365 * DAY_MS;
const KEEP_ROWS = 100_000;
/** Rows are written together, for one wait on the disk. */
const FLUSH_MS = 1_000;
/** Rows deleted in one go, at least; and twice what is written, so that the table never outgrows its bounds. */
const PRUNE_BATCH = 400;
/** Rows kept in memory while the disk takes none; the oldest go first. */
const MAX_WAITING = 10_000;

/**
 * The log of requests, which the usage report and "last used" are made from. Rows wait in memory for up to a
 * second, so a crash can lose that much of it; whoever reads it calls `flush` first.
 *
 * @param options.realClock what rows wait by; another than `clock` when that one may stand still
 */
export function createRequestLog(options: {
	db: Database;
	clock: Clock;
	realClock?: Pick<Clock, 'schedule'>;
	log: Logger;
}) {
	const { db, clock, realClock = clock, log } = options;
	let waiting: LoggedRequest[] = [];
	let cancel: (() => void) | null = null;

	/** @throws Error when the disk takes nothing; the rows go on waiting */
	const flush = (): void => {
		cancel?.();
		cancel = null;
		if (waiting.length === 0) return;
		const lastUse = new Map(waiting.flatMap(({ keyId, at }) => (keyId ? [[keyId, at] as const] : [])));
		const limit = Math.max(PRUNE_BATCH, 2 * waiting.length);
		db.transaction(() => {
			for (const row of waiting) db.requestLog.insert(row);
			for (const [keyId, at] of lastUse) db.requestLog.touchKey(keyId, at);
			db.requestLog.prune({ before: clock.now() - KEEP_MS, keep: KEEP_ROWS, limit });
		});
		waiting = [];
	};

	const flushLater = (): void => {
		cancel ??= realClock.schedule(FLUSH_MS, () => {
			try {
				flush();
			} catch (err) {
				log.error({ err }, 'request log not written; trying again');
				flushLater();
			}
		});
	};

	return {
		add(request: LoggedRequest): void {
			waiting.push(request);
			if (waiting.length > MAX_WAITING) waiting = waiting.slice(-MAX_WAITING);
			flushLater();
		},
		flush,
		/** Drops what waits. */
		forget(): void {
			cancel?.();
			cancel = null;
			waiting = [];
		},
		/** Writes what waits, as far as the disk lets it. */
		stop(): void {
			try {
				flush();
			} catch (err) {
				log.error({ err, rows: waiting.length }, 'request log not written');
			}
		},
	};
}

export type RequestLog = ReturnType<typeof createRequestLog>;
