import type { Clock } from '../clock.ts';
import type { Database } from './db/index.ts';
import { insufficientCreditsV2 } from './errors.ts';

/**
 * The credits of all organizations. Every method that books belongs inside the transaction of the work it is
 * for, so that no work is done unpaid and no credit is taken for nothing.
 */
export function createLedger({ db, clock }: { db: Database; clock: Clock }) {
	const book = (
		kind: Parameters<Database['ledger']['book']>[0]['kind'],
		organizationId: string,
		credits: number,
		reference: string | null,
	): void => {
		if (credits > 0) {
			db.ledger.book({ organizationId, kind, credits, reference, createdAt: clock.now() });
		}
	};

	/** The balance less what legacy workflows still running may yet be charged: what may be promised to new work. */
	const spendable = (organizationId: string): number =>
		db.accounts.credits(organizationId) - db.accounts.heldCredits(organizationId);

	/** @throws ApiError 400 `insufficient_credits` unless that much may be spent */
	const cover = (organizationId: string, credits: number): void => {
		const available = spendable(organizationId);
		if (credits > available) throw insufficientCreditsV2(credits, available);
	};

	return {
		spendable,
		cover,

		grant(organizationId: string, credits: number): void {
			book('grant', organizationId, credits, null);
		},

		/** Takes credits out of the balance at once. The caller has made sure that they are there. */
		charge(organizationId: string, credits: number, reference: string): void {
			book('charge', organizationId, credits, reference);
		},

		/**
		 * Sets aside the most that a piece of work can cost.
		 *
		 * @throws ApiError 400 `insufficient_credits`
		 */
		reserve(organizationId: string, credits: number, reference: string): void {
			cover(organizationId, credits);
			book('reserve', organizationId, credits, reference);
		},

		/**
		 * Ends a reservation: spends what the work did cost and gives back the rest.
		 *
		 * @throws Error when it cost more than was set aside
		 */
		settle(organizationId: string, reference: string, cost: number): { charged: number; refunded: number } {
			const refunded = db.ledger.reservedFor(organizationId, reference) - cost;
			if (refunded < 0) throw new Error(`${reference} cost ${cost} credits, more than was set aside for it.`);
			book('settle', organizationId, cost, reference);
			book('refund', organizationId, refunded, reference);
			return { charged: cost, refunded };
		},
	};
}

export type Ledger = ReturnType<typeof createLedger>;
