/**
 * The kinds of entry in the credits ledger, which follow one another like this:
 *
 * - `grant` puts credits into the balance, `charge` takes them out for good, both at once;
 * - `reserve` sets credits aside for work under way: they leave the balance but are not spent yet;
 * - `settle` spends reserved credits, `refund` puts those that were not needed back into the balance.
 *
 * So at any time granted = balance + reserved + spent, and none of the three is ever negative.
 */
export const LEDGER_KINDS = ['grant', 'reserve', 'settle', 'refund', 'charge'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** What an entry of `credits` (a positive number) does to the balance and to what is reserved. */
export function effectOf(kind: LedgerKind, credits: number): { amount: number; reserved: number } {
	switch (kind) {
		case 'grant':
			return { amount: credits, reserved: 0 };
		case 'charge':
			return { amount: -credits, reserved: 0 };
		case 'reserve':
			return { amount: -credits, reserved: credits };
		case 'settle':
			return { amount: 0, reserved: -credits };
		case 'refund':
			return { amount: credits, reserved: -credits };
	}
}
