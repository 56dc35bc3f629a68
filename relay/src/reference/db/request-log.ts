import type { DatabaseSync } from 'node:sqlite';
import type { USAGE_GROUPS } from '../../contract/workspace.ts';

const INSERT = `
	INSERT INTO request_log (at, organization_id, key_id, method, tool, status, error_code, duration_ms)
	VALUES (:at, :organizationId, :keyId, :method, :tool, :status, :errorCode, :durationMs)`;

const TOUCH_KEY = `
	UPDATE api_keys SET last_used_at = :at WHERE key_id = :keyId AND coalesce(last_used_at, 0) < :at`;

const PRUNE_OLD = `
	DELETE FROM request_log WHERE seq IN (SELECT seq FROM request_log WHERE at < :before ORDER BY at LIMIT :limit)`;

const PRUNE_SURPLUS = `
	DELETE FROM request_log WHERE seq IN (
		SELECT seq FROM request_log WHERE seq <= (SELECT max(seq) FROM request_log) - :keep ORDER BY seq LIMIT :limit)`;

const TOTALS = `
	SELECT count(*) AS calls, coalesce(sum(status >= 400), 0) AS errors FROM request_log
	WHERE organization_id = :organizationId AND at >= :since`;

type UsageGroup = (typeof USAGE_GROUPS)[number];

/** The most calls first, but days in their order. */
const groupedBy = (group: string, where: string, order: string) => `
	SELECT ${group} AS "group", count(*) AS calls, sum(status >= 400) AS errors FROM request_log
	WHERE organization_id = :organizationId AND at >= :since ${where}
	GROUP BY 1 ORDER BY ${order} LIMIT :limit`;

const GROUPED: Record<UsageGroup, string> = {
	tool: groupedBy('tool', '', 'calls DESC, 1'),
	key: groupedBy('key_id', '', 'calls DESC, 1'),
	day: groupedBy(`date(at / 1000, 'unixepoch')`, '', '1'),
	error: groupedBy('error_code', 'AND error_code IS NOT NULL', 'calls DESC, 1'),
};

export interface LoggedRequest {
	/** Ms since the epoch. */
	at: number;
	/** Null when nobody knows who called. */
	organizationId: string | null;
	keyId: string | null;
	method: string;
	tool: string;
	status: number;
	errorCode: string | null;
	durationMs: number;
}

export interface UsageRow {
	group: string;
	calls: number;
	errors: number;
}

export function requestLogQueries(db: DatabaseSync) {
	const insert = db.prepare(INSERT);
	const touchKey = db.prepare(TOUCH_KEY);
	const pruneOld = db.prepare(PRUNE_OLD);
	const pruneSurplus = db.prepare(PRUNE_SURPLUS);
	const totals = db.prepare(TOTALS);
	const grouped = {
		tool: db.prepare(GROUPED.tool),
		key: db.prepare(GROUPED.key),
		day: db.prepare(GROUPED.day),
		error: db.prepare(GROUPED.error),
	};

	return {
		insert(row: LoggedRequest): void {
			insert.run({ ...row });
		},
		/** Notes when a key was last used; does nothing for what is no key. */
		touchKey(keyId: string, at: number): void {
			touchKey.run({ keyId, at });
		},
		/** Deletes at most `limit` rows older than `before`, and as many of those beyond the newest `keep`. */
		prune({ before, keep, limit }: { before: number; keep: number; limit: number }): void {
			pruneOld.run({ before, limit });
			pruneSurplus.run({ keep, limit });
		},
		totals: (organizationId: string, since: number) =>
			totals.get({ organizationId, since }) as { calls: number; errors: number },
		grouped: (by: UsageGroup, organizationId: string, since: number, limit: number) =>
			grouped[by].all({ organizationId, since, limit }) as unknown as UsageRow[],
	};
}
