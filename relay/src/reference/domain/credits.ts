import { CREDITS } from '../../contract/enrichment.ts';
import type { EnrichmentType } from '../../contract/enrichment.ts';

/** What an enrichment of this type looks for. */
export const SEEKS: Record<EnrichmentType, { email: boolean; phone: boolean }> = {
	none: { email: false, phone: false },
	partial: { email: true, phone: false },
	phone_only: { email: false, phone: true },
	full: { email: true, phone: true },
	prospecting_only: { email: false, phone: false },
};

/** The most a run can cost: every contact a hit on everything sought. */
export function maximumCost(type: EnrichmentType, contacts: number): number {
	const { email, phone } = SEEKS[type];
	return contacts * ((email ? CREDITS.email : 0) + (phone ? CREDITS.phone : 0));
}

/** What a run did cost: hits only. */
export const costOf = (found: { emails: number; phones: number }): number =>
	found.emails * CREDITS.email + found.phones * CREDITS.phone;
