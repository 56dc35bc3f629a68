import type { DatabaseSync } from 'node:sqlite';
import type { EstimateTool } from '../../contract/credits.ts';

const LATEST_KEY = 'SELECT kid, secret FROM quote_keys ORDER BY created_at DESC, kid DESC LIMIT 1';
const KEY = 'SELECT secret FROM quote_keys WHERE kid = ?';
const INSERT_KEY = 'INSERT INTO quote_keys (kid, secret, created_at) VALUES (:kid, :secret, :createdAt)';

const INSERT = `
	INSERT INTO quotes (quote_id, organization_id, user_id, tool, type, list_id, task_id, filter_hash, row_count,
		cost_cap, nonce, issued_at, expires_at)
	VALUES (:quoteId, :organizationId, :userId, :tool, :type, :listId, :taskId, :filterHash, :rowCount,
		:costCap, :nonce, :issuedAt, :expiresAt)`;

const QUOTE = `
	SELECT quote_id AS quoteId, organization_id AS organizationId, user_id AS userId, tool, type, list_id AS listId,
		task_id AS taskId, filter_hash AS filterHash, row_count AS rowCount, cost_cap AS costCap, nonce,
		issued_at AS issuedAt, expires_at AS expiresAt, used_at AS usedAt
	FROM quotes WHERE quote_id = ?`;

const USE = 'UPDATE quotes SET used_at = :usedAt WHERE quote_id = :quoteId AND used_at IS NULL';

const PRUNE = `
	DELETE FROM quotes WHERE quote_id IN
		(SELECT quote_id FROM quotes WHERE expires_at < :before ORDER BY expires_at LIMIT :limit)`;

/** Everything the signature covers. */
export interface QuoteTerms {
	organizationId: string;
	userId: string;
	tool: EstimateTool;
	type: string | null;
	listId: string | null;
	taskId: string | null;
	filterHash: string;
	rowCount: number;
	/** Credits; the most the quoted call may spend. */
	costCap: number;
	/** Sets apart quotes on the same terms in the same second. */
	nonce: string;
	/** Epoch seconds, as are `expiresAt`'s. */
	issuedAt: number;
	expiresAt: number;
}

export interface QuoteRow extends QuoteTerms {
	quoteId: string;
	/** Ms since the epoch. */
	usedAt: number | null;
}

export function quoteQueries(db: DatabaseSync) {
	const latestKey = db.prepare(LATEST_KEY);
	const key = db.prepare(KEY);
	const insertKey = db.prepare(INSERT_KEY);
	const insert = db.prepare(INSERT);
	const quote = db.prepare(QUOTE);
	const use = db.prepare(USE);
	const prune = db.prepare(PRUNE);

	return {
		latestKey: () => latestKey.get() as { kid: string; secret: Uint8Array } | undefined,
		secret: (kid: string) => (key.get(kid) as { secret: Uint8Array } | undefined)?.secret,
		insertKey(row: { kid: string; secret: Buffer; createdAt: number }): void {
			insertKey.run(row);
		},
		insert(row: QuoteTerms & { quoteId: string }): void {
			insert.run({ ...row });
		},
		get: (quoteId: string) => quote.get(quoteId) as QuoteRow | undefined,
		/** @returns false when it was used already */
		use: (quoteId: string, usedAt: number): boolean => use.run({ quoteId, usedAt }).changes === 1,
		/** Deletes at most `limit` quotes that expired before `before` (epoch seconds). */
		prune(before: number, limit: number): void {
			prune.run({ before, limit });
		},
	};
}
