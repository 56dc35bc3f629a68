import { z } from 'zod';
import {
	BULK_MAX_CONTACTS,
	BulkEnrichRequest,
	BulkEnrichResponse,
	CONTACT_RULE,
	TaskStatusResponse,
	WorkflowStatusResponse,
} from '../../contract/enrichment.ts';
import { namesSomeone } from '../domain/contact.ts';
import { badRequest, invalid } from '../errors.ts';
import { defineRoute, ok } from '../http.ts';
import { validate } from '../validation.ts';
import type { Workflows } from '../workflows.ts';

/** 250 contacts with every field filled are some 100 KB; this leaves room for long names in any script. */
const BULK_BODY_LIMIT = 2 * 1024 * 1024;

const StatusQuery = z.object({ workflow_id: z.string().optional(), task_id: z.string().optional() });

/** `enrich/bulk` and `enrich/status` (B.2, B.3). Legacy prefix only. */
export function enrichRoutes(workflows: Workflows) {
	return [
		defineRoute({
			method: 'POST',
			path: '/enrich/bulk',
			about: {
				summary: 'Enriches contacts, and posts the results to a webhook',
				body: BulkEnrichRequest,
				errors: [413],
			},
			errors: 'legacy',
			plan: 'api',
			scope: 'enrich:write',
			bodyLimit: BULK_BODY_LIMIT,
			response: BulkEnrichResponse,
			handle: ({ caller, body }) => ok(workflows.start(caller, parseBulk(body))),
		}),

		defineRoute({
			method: 'GET',
			path: '/enrich/status',
			about: { summary: 'How a workflow or one of its tasks stands', query: StatusQuery },
			errors: 'legacy',
			plan: 'api',
			scope: 'enrich:read',
			response: z.union([WorkflowStatusResponse, TaskStatusResponse]),
			handle({ caller, query }) {
				const { workflow_id, task_id } = validate(StatusQuery, query, 'query');
				if (workflow_id && task_id) {
					throw badRequest('Provide either workflow_id or task_id, not both');
				}
				if (workflow_id) return ok(workflows.status(caller, workflow_id));
				if (task_id) return ok(workflows.taskStatus(caller, task_id));
				throw badRequest('Provide workflow_id or task_id');
			},
		}),
	];
}

function parseBulk(body: unknown): z.output<typeof BulkEnrichRequest> {
	// Counted first, so that a body of a million entries is refused before each of them is looked at.
	const contacts = (body as { contacts?: unknown } | null | undefined)?.contacts;
	if (Array.isArray(contacts)) {
		if (contacts.length === 0) throw badRequest('At least one contact is required');
		if (contacts.length > BULK_MAX_CONTACTS) {
			throw badRequest(`Bulk enrichment supports up to ${BULK_MAX_CONTACTS} contacts per request`);
		}
	}

	const request = validate(BulkEnrichRequest, body, 'body');
	if (request.enrichment_type === 'prospecting_only') {
		const msg =
			"'prospecting_only' is not available through the API: prospecting stays in the portal. Use 'none', 'partial', 'phone_only' or 'full'";
		const loc = ['body', 'enrichment_type'];
		throw invalid([{ type: 'value_error', loc, msg, input: request.enrichment_type }]);
	}
	const nameless = request.contacts.flatMap((contact, index) =>
		namesSomeone(contact)
			? []
			: [{ type: 'value_error', loc: ['body', 'contacts', index], msg: CONTACT_RULE, input: contact }],
	);
	if (nameless.length > 0) throw invalid(nameless);
	return request;
}
