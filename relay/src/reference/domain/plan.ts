import type { z } from 'zod';
import type { WhoamiResponse } from '../../contract/account.ts';

export type Tier = z.infer<typeof WhoamiResponse>['tier'];

/** The feature that opens the API at all (contract A.5). */
export const API_ACCESS = 'API_ACCESS';

/** AppSumo licences from this tier on include the API, whatever `tier` says. */
const APPSUMO_API_TIER = 5;

const EVERYONE = ['data_source_csv_upload', 'enrich_email'];
const PAYING = ['enrich_phone', 'search_people'];
const WITH_API = [API_ACCESS, 'sync_to_crm'];

/** The effective grants of an organization, sorted. Access is judged by these, never by the tier. */
export function featuresOf(tier: Tier, appsumoTier: number | null): string[] {
	const api = tier === 'pro' || tier === 'enterprise' || (appsumoTier ?? 0) >= APPSUMO_API_TIER;
	const paying = tier !== 'free' || appsumoTier !== null;
	return [...EVERYONE, ...(paying ? PAYING : []), ...(api ? WITH_API : [])].sort();
}
