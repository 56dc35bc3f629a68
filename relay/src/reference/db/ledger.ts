import type { DatabaseSync } from 'node:sqlite';
import { effectOf } from '../domain/ledger.ts';
import type { LedgerKind } from '../domain/ledger.ts';

/** A trigger keeps the organization's balance, so that an entry and its effect can't come apart. */
const BOOK = `
	INSERT INTO credit_ledger (organization_id, kind, amount, reserved, reference, created_at)
	VALUES (:organizationId, :kind, :amount, :reserved, :reference, :createdAt)`;

const RESERVED_FOR = `
	SELECT coalesce(sum(reserved), 0) AS reserved FROM credit_ledger
	WHERE reference = :reference AND organization_id = :organizationId`;

const LATEST = `
	SELECT entry_id AS entryId, kind, amount, reserved, reference, created_at AS createdAt
	FROM credit_ledger WHERE organization_id = ? ORDER BY entry_id DESC LIMIT ?`;

export interface LedgerEntry {
	entryId: number;
	kind: LedgerKind;
	/** What it did to the balance; the sum over all entries is the balance. */
	amount: number;
	/** What it did to the credits set aside for work under way. */
	reserved: number;
	/** The workflow or run it belongs to; null for a grant. */
	reference: string | null;
	createdAt: number;
}

export function ledgerQueries(db: DatabaseSync) {
	const book = db.prepare(BOOK);
	const reservedFor = db.prepare(RESERVED_FOR);
	const latest = db.prepare(LATEST);

	return {
		/**
		 * @param entry `credits` is positive; the kind says which way they go
		 * @throws Error when the balance, or what is reserved, would fall below zero
		 */
		book({
			kind,
			credits,
			...entry
		}: {
			organizationId: string;
			kind: LedgerKind;
			credits: number;
			reference: string | null;
			createdAt: number;
		}): void {
			book.run({ ...entry, kind, ...effectOf(kind, credits) });
		},
		/** What is still set aside for one piece of work. */
		reservedFor: (organizationId: string, reference: string) =>
			(reservedFor.get({ organizationId, reference }) as { reserved: number }).reserved,
		/** Newest first. */
		latest: (organizationId: string, limit: number) =>
			latest.all(organizationId, limit) as unknown as LedgerEntry[],
	};
}
