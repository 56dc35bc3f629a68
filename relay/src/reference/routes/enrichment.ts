import type { z } from 'zod';
import type { Clock } from '../../clock.ts';
import {
	EnrichByTaskRequest,
	EnrichByTaskResponse,
	EnrichCompanyRequest,
	EnrichCompanyResponse,
	EnrichListRequest,
	EnrichListResponse,
	EnrichPersonRequest,
	EnrichPersonResponse,
	EnrichmentStatusResponse,
	PERSON_RULE,
} from '../../contract/enrichment-v2.ts';
import type { ByTask } from '../by-task.ts';
import type { Companies } from '../companies.ts';
import type { Database } from '../db/index.ts';
import { text } from '../domain/contact.ts';
import { canonicalProfile } from '../domain/linkedin.ts';
import { saysWho } from '../domain/person.ts';
import { enrichmentStatus } from '../enrichment-status.ts';
import { pollPath } from '../enrichments.ts';
import type { Enrichments } from '../enrichments.ts';
import { envelope } from '../envelope.ts';
import { invalid } from '../errors.ts';
import { defineRoute, ok } from '../http.ts';
import { validate } from '../validation.ts';

const COMPANY_RULE = 'Provide domain, company_name, company_ticker or company_id.';

export interface EnrichmentRouteOptions {
	db: Database;
	clock: Clock;
	enrichments: Enrichments;
	companies: Companies;
	byTask: ByTask;
}

/** v2 enrichment (B.19 to B.23), on both prefixes. */
export function enrichmentRoutes({ db, clock, enrichments, companies, byTask }: EnrichmentRouteOptions) {
	const writing = { errors: 'v2', plan: 'api', scope: 'enrich:write' } as const;

	return [
		defineRoute({
			...writing,
			method: 'POST',
			path: '/enrichment/person',
			about: { summary: 'Enriches one person', body: EnrichPersonRequest, errors: [404, 409] },
			response: EnrichPersonResponse,
			handle({ caller, body, baseUrl }) {
				const request = parsePerson(body);
				const { workflowId, creditsReserved } = enrichments.startPerson(caller, request);
				return ok({
					...envelope(clock),
					workflow_id: workflowId,
					status: 'pending' as const,
					credits_reserved: creditsReserved,
					lead_list_id: request.lead_list_id,
					poll_url: baseUrl + pollPath(workflowId),
				});
			},
		}),

		defineRoute({
			...writing,
			method: 'POST',
			path: '/enrichment/company',
			about: { summary: 'Looks a company up, at once', body: EnrichCompanyRequest, errors: [409] },
			response: EnrichCompanyResponse,
			handle({ caller, body }) {
				const request = validate(EnrichCompanyRequest, body, 'body');
				const { quote_id: _, ...identifiers } = request;
				if (!Object.values(identifiers).some(text)) refuse([], COMPANY_RULE);
				const { company, charged } = companies.enrich(caller, request);
				return ok({
					...envelope(clock),
					message: company ? null : 'Nothing is known about this company; nothing was charged.',
					company: company ?? {},
					credits_charged: charged,
				});
			},
		}),

		defineRoute({
			...writing,
			method: 'POST',
			path: '/enrichment/by-task',
			about: { summary: 'Enriches a cohort', body: EnrichByTaskRequest, errors: [404, 409] },
			response: EnrichByTaskResponse,
			handle: ({ caller, body }) =>
				ok({ ...envelope(clock), ...byTask.enrich(caller, validate(EnrichByTaskRequest, body, 'body')) }),
		}),

		defineRoute({
			...writing,
			method: 'POST',
			path: '/enrichment/bulk',
			about: { summary: 'Enriches a whole list', body: EnrichListRequest, errors: [404, 409] },
			response: EnrichListResponse,
			handle({ caller, body, baseUrl }) {
				const request = validate(EnrichListRequest, body, 'body');
				const { workflowId, creditsReserved, total } = enrichments.startList(caller, request);
				return ok({
					...envelope(clock),
					workflow_id: workflowId,
					status: 'pending' as const,
					total_leads: total,
					estimated_cost: creditsReserved,
					credits_reserved: creditsReserved,
					poll_url: baseUrl + pollPath(workflowId),
				});
			},
		}),

		defineRoute({
			method: 'GET',
			path: '/enrichment/status/:workflow_id',
			about: { summary: 'How a run stands', errors: [404] },
			errors: 'v2',
			plan: 'api',
			scope: 'enrich:read',
			response: EnrichmentStatusResponse,
			handle: ({ caller, params }) =>
				ok({ ...envelope(clock), ...enrichmentStatus(db, caller, params.workflow_id!) }),
		}),
	];
}

/** The request with its profile in the canonical form. @throws ApiError 422 */
function parsePerson(body: unknown): z.output<typeof EnrichPersonRequest> {
	const request = validate(EnrichPersonRequest, body, 'body');
	const profile = text(request.linkedin_url);
	const canonical = profile && canonicalProfile(profile);
	if (profile && !canonical) {
		refuse(['linkedin_url'], 'Not a LinkedIn profile, such as https://www.linkedin.com/in/jane-doe');
	}
	if (!saysWho(request)) refuse([], PERSON_RULE);
	return { ...request, linkedin_url: canonical };
}

function refuse(path: string[], msg: string): never {
	throw invalid([{ type: 'value_error', loc: ['body', ...path], msg }]);
}
