import type { TaskResult } from '../contract/enrichment.ts';
import type { Database } from './db/index.ts';
import type { Enrichment } from './domain/generator.ts';

/** What every answer of this build names as its source. */
export const PROVIDER = 'reference';

/** Writes what a run found into the lead it was about: gaps are filled, older findings replaced, nothing is lost. */
export function writeFindings(
	db: Database,
	leadId: string,
	found: Enrichment,
	result: TaskResult,
	now: number,
): void {
	const phone = result.personal_phone_numbers[0] ?? null;
	const hit = result.primary_email !== null || phone !== null;
	db.lists.enrichLead({
		leadId,
		firstName: found.firstName,
		lastName: found.lastName,
		company: found.companyName,
		companyDomain: found.companyDomain,
		linkedinUrl: found.linkedinUrl,
		email: result.primary_email,
		phone,
		title: found.title,
		location: found.location,
		provider: hit ? PROVIDER : null,
		enrichedAt: hit ? now : null,
	});
}
