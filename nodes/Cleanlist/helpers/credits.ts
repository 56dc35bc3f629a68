/** Credits for what is found, by enrichment type; nothing is charged for what is not. */
const PRICES: Record<string, { email: number; phone: number }> = {
	none: { email: 0, phone: 0 },
	partial: { email: 1, phone: 0 },
	phone_only: { email: 0, phone: 10 },
	full: { email: 1, phone: 10 },
};

export const ENRICHMENT_TYPES = Object.keys(PRICES);
export const PAID_TYPES = ENRICHMENT_TYPES.filter((type) => type !== 'none');

/** Most credits one contact can cost. */
export function mostCredits(enrichmentType: string): number {
	return creditsFor(enrichmentType, { emails: 1, phones: 1 });
}

/** What was found costs by the price list; the older endpoints do not say what they charged. */
export function creditsFor(enrichmentType: string, found: { emails: number; phones: number }): number {
	const price = PRICES[enrichmentType.replace('-', '_')] ?? { email: 0, phone: 0 };
	return found.emails * price.email + found.phones * price.phone;
}

/** The same for one contact. */
export function creditsForResult(enrichmentType: string, found: { email: unknown; phone: unknown }): number {
	return creditsFor(enrichmentType, { emails: found.email ? 1 : 0, phones: found.phone ? 1 : 0 });
}
