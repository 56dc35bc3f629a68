import { createHmac, timingSafeEqual } from 'node:crypto';
import { QUOTE_TTL_S } from '../contract/credits.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Caller } from './auth.ts';
import type { Database } from './db/index.ts';
import type { QuoteRow, QuoteTerms } from './db/quotes.ts';
import { SUBJECT, typeOf } from './domain/pricing.ts';
import type { Work } from './domain/pricing.ts';
import {
	quoteExpired,
	quoteInvalid,
	quoteMismatch,
	quoteRequired,
	quoteUsed,
	spendCapExceeded,
} from './errors.ts';

const SECRET_BYTES = 32;

/** Quotes are kept this long after they expired, to be told apart from unknown ones. */
const KEEP_EXPIRED_S = 24 * 60 * 60;
/** Each new quote removes at most this many old ones, so that none of them pays for a long clean-up. */
const PRUNE_BATCH = 20;

const QUOTE_ID = /^qte_([0-9a-z]{1,32})_(\d{1,12})_([0-9a-f]{64})$/;

/** What a quote is for, or what a call that redeems one is about to do. */
export type Quoted = Work & {
	/** The list worked on; of `enrich_person` and `bulk_import_csv`, the one that leads go to. */
	listId?: string | null;
	/** The cohort worked on. */
	taskId?: string | null;
};

/**
 * Signed quotes (B.7): `qte_<kid>_<issued_at>_<sig>`, where `sig` is the HMAC-SHA256 of all the terms under the
 * key `kid`. A quote belongs to the user who asked for it, holds for five minutes, and works once.
 */
export function createQuotes({ db, clock, ids }: { db: Database; clock: Clock; ids: Ids }) {
	const signingKey = (): { kid: string; secret: Uint8Array } => {
		const existing = db.quotes.latestKey();
		if (existing) return existing;
		const key = { kid: ids.uuid().slice(0, 8), secret: ids.bytes(SECRET_BYTES) };
		db.quotes.insertKey({ ...key, createdAt: clock.now() });
		return key;
	};

	/** @throws ApiError 400 unless this API gave the quote out, to this caller, on the terms it has on file */
	const authentic = (caller: Caller, quoteId: string): QuoteRow => {
		const [, kid = '', , signature = ''] = QUOTE_ID.exec(quoteId) ?? [];
		const secret = db.quotes.secret(kid);
		const row = db.quotes.get(quoteId);
		if (!secret || !row) throw quoteInvalid();
		const signed = timingSafeEqual(Buffer.from(signature, 'hex'), sign(secret, row));
		if (!signed || row.userId !== caller.userId || row.organizationId !== caller.organizationId) {
			throw quoteInvalid();
		}
		return row;
	};

	return {
		/** Writes a quote down and returns its id and the second it expires in. */
		issue(
			caller: Caller,
			quoted: Quoted & { filterHash: string; rowCount: number; cost: number },
		): { quoteId: string; expiresAt: number } {
			const now = clock.now();
			const issuedAt = Math.floor(now / 1000);
			const terms: QuoteTerms = {
				organizationId: caller.organizationId,
				userId: caller.userId,
				tool: quoted.tool,
				type: typeOf(quoted),
				listId: quoted.listId ?? null,
				taskId: quoted.taskId ?? null,
				filterHash: quoted.filterHash,
				rowCount: quoted.rowCount,
				costCap: quoted.cost,
				nonce: ids.uuid(),
				issuedAt,
				expiresAt: issuedAt + QUOTE_TTL_S,
			};
			return db.transaction(() => {
				db.quotes.prune(issuedAt - KEEP_EXPIRED_S, PRUNE_BATCH);
				const { kid, secret } = signingKey();
				const quoteId = `qte_${kid}_${issuedAt}_${sign(secret, terms).toString('hex')}`;
				db.quotes.insert({ ...terms, quoteId });
				return { quoteId, expiresAt: terms.expiresAt };
			});
		},

		/**
		 * Uses a quote up for a call. Call it inside the transaction of the work itself, so that a call that fails
		 * leaves its quote unused.
		 *
		 * @param call what is about to be done and what it may cost now, in credits
		 * @throws ApiError 400 `quote_required` (no id), `quote_invalid` (malformed, never given out, or another
		 *   user's), `quote_expired`, `quote_mismatch` (another tool, list, cohort or type), `spend_cap_exceeded`
		 *   (it would cost more than was quoted); 409 `quote_used`
		 */
		redeem(
			caller: Caller,
			quoteId: string | null | undefined,
			call: Quoted & { recomputedCost: number },
		): void {
			if (!quoteId) throw quoteRequired(call.tool);
			const now = clock.now();
			const quote = authentic(caller, quoteId);
			if (quote.usedAt !== null) throw quoteUsed();
			if (now >= quote.expiresAt * 1000) throw quoteExpired();
			const differences = differencesOf(quote, call);
			if (differences.length > 0) throw quoteMismatch(differences);
			if (call.recomputedCost > quote.costCap) throw spendCapExceeded(call.recomputedCost, quote.costCap);
			if (!db.quotes.use(quoteId, now)) throw quoteUsed();
		},
	};
}

export type Quotes = ReturnType<typeof createQuotes>;

const sign = (secret: Uint8Array, t: QuoteTerms): Buffer =>
	createHmac('sha256', secret)
		.update(
			JSON.stringify([
				t.organizationId,
				t.userId,
				t.tool,
				t.type,
				t.listId,
				t.taskId,
				t.filterHash,
				t.rowCount,
				t.costCap,
				t.nonce,
				t.issuedAt,
				t.expiresAt,
			]),
		)
		.digest();

function differencesOf(quote: QuoteRow, call: Quoted): string[] {
	const compared: { what: string; quoted: string | null; called: string | null }[] = [
		{ what: 'tool', quoted: quote.tool, called: call.tool },
		{ what: 'type', quoted: quote.type, called: typeOf(call) },
	];
	const list = { what: 'list_id', quoted: quote.listId, called: call.listId ?? null };
	const subject = SUBJECT[call.tool];
	if (subject === 'list') compared.push(list);
	if (subject === 'cohort') {
		compared.push({ what: 'task_id', quoted: quote.taskId, called: call.taskId ?? null });
	}
	// A quote that left open where leads go is good for any list.
	if (subject === 'call' && quote.listId !== null) compared.push(list);
	return compared
		.filter(({ quoted, called }) => quoted !== called)
		.map(
			({ what, quoted, called }) => `${what}: ${quoted ?? 'none'} was quoted, ${called ?? 'none'} is called`,
		);
}
