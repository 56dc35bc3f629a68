/** Credits for what is found, by enrichment type; nothing is charged for what is not. */
const PRICES: Record<string, { email: number; phone: number }> = {
	none: { email: 0, phone: 0 },
	partial: { email: 1, phone: 0 },
	phone_only: { email: 0, phone: 10 },
	full: { email: 1, phone: 10 },
};

export const ENRICHMENT_TYPES = Object.keys(PRICES);

/** Most credits one contact can cost. */
export function mostCredits(enrichmentType: string): number {
	return creditsFor(enrichmentType, { email: true, phone: true });
}

/** What a contact costs by the price list; the older endpoints do not say what they charged. */
export function creditsFor(enrichmentType: string, found: { email: unknown; phone: unknown }): number {
	const price = PRICES[enrichmentType] ?? { email: 0, phone: 0 };
	return (found.email ? price.email : 0) + (found.phone ? price.phone : 0);
}
