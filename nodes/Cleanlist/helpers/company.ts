import type { IDataObject } from 'n8n-workflow';
import { withoutEnvelope } from './envelope';
import { outputFields, shaped, type Output } from './output';
import { asRecord } from './result';

/** Everything that Cleanlist has a name for. */
const COMPANY_FIELDS = [
	'found',
	'status',
	'reason',
	'company_id',
	'name',
	'domain',
	'industry',
	'industries',
	'employee_count',
	'employee_count_range',
	'revenue_range',
	'hq_location',
	'funding_stage',
	'total_funding_usd',
	'tech_stack',
	'linkedin_url',
	'credits_used',
] as const;

const SIMPLE = [
	'found',
	'name',
	'domain',
	'industry',
	'employee_count',
	'revenue_range',
	'hq_location',
	'linkedin_url',
	'company_id',
	'credits_used',
];

export const companyOutputFields = outputFields(
	COMPANY_FIELDS,
	'Ten flat fields: found, name, domain, industry, employee_count, revenue_range, hq_location, linkedin_url, company_id and credits_used',
);

/** @param creditsUsed null when it is not known */
export function companyItem(output: Output, response: IDataObject, creditsUsed: number | null): IDataObject {
	const company = asRecord(response.company);
	const found = Object.values(company).some((value) => value !== null && value !== '');
	return shaped(output, {
		raw: withoutEnvelope(response),
		flat: {
			...(company as IDataObject),
			found,
			status: found ? 'completed' : 'failed',
			credits_used: creditsUsed,
		},
		simple: SIMPLE,
		ids: ['company_id'],
	});
}

/** In place of a company that was not asked about. */
export function companyNotSent(output: Output, reason: string): IDataObject {
	return shaped(output, {
		raw: { status: 'not_sent', reason },
		flat: { found: false, status: 'not_sent', reason, credits_used: 0 },
		simple: ['found', 'status', 'reason', 'company_id', 'credits_used'],
		ids: ['company_id'],
	});
}
