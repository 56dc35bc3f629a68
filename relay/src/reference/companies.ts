import type { z } from 'zod';
import type { CompanyRecord, EnrichCompanyRequest } from '../contract/enrichment-v2.ts';
import type { Ids } from '../ids.ts';
import type { Caller } from './auth.ts';
import type { Settings } from './control/settings.ts';
import type { Database } from './db/index.ts';
import { describeCompany } from './domain/company.ts';
import type { CompanyQuery } from './domain/company.ts';
import { text } from './domain/contact.ts';
import type { Ledger } from './ledger.ts';
import type { Quotes } from './quotes.ts';

/** Credits for one company that is found (B.20). */
const CREDITS_PER_COMPANY = 1;

/** Looks companies up, at once. */
export function createCompanies(o: {
	db: Database;
	ledger: Ledger;
	quotes: Quotes;
	ids: Ids;
	settings: Settings;
}) {
	const { db, ledger, quotes, ids, settings } = o;

	const lookUp = (query: CompanyQuery): CompanyRecord | null => {
		const company = describeCompany(settings.seed, query);
		if (company) db.companies.remember(company.company_id as string, query);
		return company;
	};

	return {
		/** @returns null when nothing is known. Call it in a transaction: it remembers which company an id stands for. */
		lookUp,

		/**
		 * Looks one company up and charges for it when it is found: misses cost nothing (contract D).
		 *
		 * @throws ApiError 400 `insufficient_credits`, or for the quote; 409 for a used one
		 */
		enrich(
			caller: Caller,
			request: z.output<typeof EnrichCompanyRequest>,
		): { company: CompanyRecord | null; charged: number } {
			return db.transaction(() => {
				if (text(request.quote_id)) {
					quotes.redeem(caller, request.quote_id, {
						tool: 'add_company_enrichments',
						recomputedCost: CREDITS_PER_COMPANY,
					});
				}
				ledger.cover(caller.organizationId, CREDITS_PER_COMPANY);
				const companyId = text(request.company_id);
				const remembered = companyId ? db.companies.queryOf(companyId) : null;
				const { domain, company_name, company_ticker } = request;
				const company = lookUp(remembered ?? { domain, company_name, company_ticker });
				if (!company) return { company, charged: 0 };
				ledger.charge(caller.organizationId, CREDITS_PER_COMPANY, `enrich-company-${ids.uuid()}`);
				return { company, charged: CREDITS_PER_COMPANY };
			});
		},
	};
}

export type Companies = ReturnType<typeof createCompanies>;
