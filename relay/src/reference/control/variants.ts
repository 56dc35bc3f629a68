import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TaskResult } from '../../contract/enrichment.ts';
import type { Ids } from '../../ids.ts';
import type { Behaviours } from '../behaviours.ts';
import type { Database } from '../db/index.ts';
import { encodeCursor } from '../domain/cursor.ts';
import { ApiError, notFound, renderError } from '../errors.ts';
import { operationOf } from './operations.ts';

type Json = Record<string, unknown>;

/** E-mail statuses as older parts of the vendor's documentation have them (contract D). */
const OLDER_STATUSES: Record<Exclude<Behaviours['emailStatuses'], 'verified'>, Record<string, string>> = {
	reliable: { verified: 'reliable', likely_valid: 'reliable', invalid: 'unknown' },
	valid: { verified: 'valid', likely_valid: 'valid' },
};
const STATUS_FIELDS = new Set(['email_status', 'primary_email_status']);
const LIST_ID_FIELDS = new Set(['list_id', 'lead_list_id']);
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The other behaviours that the vendor may have, laid over answers that were checked against the contract already,
 * and taken back from requests before they are read. So the implementation itself knows the decided ones only.
 */
export function createVariants(o: { db: Database; ids: Ids; behaviours: Behaviours }) {
	const { db, ids, behaviours } = o;

	const rename = (value: unknown, field: string | null): unknown => {
		if (Array.isArray(value)) return value.map((entry) => rename(entry, field));
		if (typeof value === 'object' && value !== null) {
			return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, rename(entry, name)]));
		}
		if (typeof value !== 'string' || field === null) return value;
		if (behaviours.emailStatuses !== 'verified' && STATUS_FIELDS.has(field)) {
			return OLDER_STATUSES[behaviours.emailStatuses][value] ?? value;
		}
		if (behaviours.listIds !== 'uuid' && LIST_ID_FIELDS.has(field) && UUID.test(value)) {
			return behaviours.listIds + value;
		}
		if (behaviours.scopeNames === 'enrichment' && SCOPE_FIELDS.has(field)) {
			return value.replace(/\benrich:(?=read|write)/g, 'enrichment:');
		}
		return value;
	};

	const bareListId = (value: unknown): unknown =>
		typeof value === 'string' && behaviours.listIds !== 'uuid' && value.startsWith(behaviours.listIds)
			? value.slice(behaviours.listIds.length)
			: value;

	const bareIds = (fields: unknown): void => {
		if (typeof fields !== 'object' || fields === null) return;
		for (const name of LIST_ID_FIELDS) {
			if (name in fields) (fields as Json)[name] = bareListId((fields as Json)[name]);
		}
	};

	return {
		/**
		 * Takes the variants out of a request.
		 *
		 * @throws ApiError 404 for an id that the variant does not know
		 */
		read(request: FastifyRequest): void {
			const params = request.params as Json;
			const query = request.query as Json;
			const operation = operationOf(request.method, request.routeOptions.url);
			for (const fields of [params, query, request.body]) bareIds(fields);
			if (behaviours.cursors === 'numeric' && typeof query.cursor === 'string') {
				const kind = cursorKind(operation, params, query);
				// Anything else is no cursor of this variant's, and refused as malformed.
				if (kind) {
					query.cursor = /^\d{1,15}$/.test(query.cursor) ? encodeCursor(kind, Number(query.cursor)) : '?';
				}
			}
			const id = params.workflow_id;
			if (
				behaviours.v2StatusOfBulkIds === '404' &&
				operation === 'enrichment_status' &&
				String(id).startsWith('public_bulk_')
			) {
				throw notFound('workflow', String(id));
			}
		},

		/** An answer with the variants laid over it. */
		write(request: FastifyRequest, reply: FastifyReply, answer: unknown): unknown {
			let body = answer as Json;
			const operation = operationOf(request.method, request.routeOptions.url);
			if (reply.statusCode === 422) {
				const isV2 = (request.routeOptions.config.referenceErrors ?? 'v2') === 'v2';
				// A fault may have ordered this status for what is no validation.
				const isValidation = isV2 && 'detail' in body;
				if (behaviours.v2Validation !== '400_envelope' || !isValidation) return body;
				void reply.code(400);
				return validationEnvelope(body, ids);
			}
			if (reply.statusCode < 300 && operation === 'enrich_status_legacy') {
				if (behaviours.workflowStatusResults && !('task_id' in body)) {
					const results = db.steering.results(String(body.workflow_id));
					body = { ...body, results: results.map((result) => JSON.parse(result) as unknown) };
				}
				if ('task_id' in body) body = placeResult(body, behaviours.taskResult);
			}
			if (behaviours.cursors === 'numeric' && typeof body.cursor === 'string') {
				const text = Buffer.from(body.cursor, 'base64url').toString();
				body = { ...body, cursor: text.slice(text.lastIndexOf(':') + 1) };
			}
			return renames(behaviours) ? rename(body, null) : body;
		},

		/** A webhook with the variants laid over it. */
		webhook(payload: { results: unknown[] }): unknown {
			const items = behaviours.webhookItems === 'nested' ? payload.results.map(nest) : payload.results;
			return rename({ ...payload, results: items }, null);
		},
	};
}

export type Variants = ReturnType<typeof createVariants>;

/** Where scopes stand in answers, and texts that name them. */
const SCOPE_FIELDS = new Set(['scopes', 'required', 'granted', 'problem', 'fix']);

const renames = ({ emailStatuses, listIds, scopeNames }: Behaviours): boolean =>
	emailStatuses !== 'verified' || listIds !== 'uuid' || scopeNames !== 'enrich';

/** A webhook item in the shape that was seen in use: the answer nested under `result` (G7). */
export function nest(item: unknown): unknown {
	if ('result' in (item as object)) return item;
	const { task_id, status, primary_email, primary_email_status, personal_phone_numbers, prospect, company } =
		item as TaskResult;
	return {
		task_id,
		status,
		prospect_id: null,
		lead_id: null,
		result: {
			email: primary_email,
			email_status: primary_email_status,
			other_emails: [],
			phones: personal_phone_numbers,
			linkedin_url: null,
			provider: null,
		},
		input: {
			first_name: prospect.first_name,
			last_name: prospect.last_name,
			company_name: company.name,
			company_domain: company.domain,
		},
	};
}

function placeResult(body: Json, place: Behaviours['taskResult']): Json {
	if (place === 'result') return body;
	const { result, ...rest } = body;
	const list = result === null ? [] : [result];
	switch (place) {
		case 'top_level':
			return { ...rest, ...(result as Json | null) };
		case 'results_0':
			return { ...rest, results: list };
		case 'data_0':
			return { ...rest, data: list };
	}
}

/** What a cursor of that operation walks, as the routes name it. */
function cursorKind(operation: string | null, params: Json, query: Json): string | null {
	switch (operation) {
		case 'list_lists':
			return 'lists';
		case 'list_leads_in_list':
			return `leads:${String(params.list_id)}`;
		case 'export_json':
			return `export:${String(query.list_id)}`;
		default:
			return null;
	}
}

function validationEnvelope(body: Json, ids: Ids): object {
	const issues = body.detail as { loc: unknown[]; msg: string }[];
	const error = new ApiError({
		status: 400,
		code: 'validation_error',
		problem: issues.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '),
		fix: 'Correct the fields that are named and send the request again.',
	});
	return renderError(error, 'v2', `req_${ids.uuid().replaceAll('-', '')}`);
}
