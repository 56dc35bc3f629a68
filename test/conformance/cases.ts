import { randomInt, randomUUID } from 'node:crypto';
import type { Call } from './client.ts';
import { ENDPOINTS, effectOf, prefixOf, scopeOf } from './contract.ts';
import type { Endpoint, Field, Prefix } from './contract.ts';
import { SPECIAL } from './special.ts';
import { VALID } from './valid.ts';
import type { Request } from './valid.ts';
import type { Persona, World } from './world.ts';
import type { Reply } from './client.ts';

/** One request, and the status it must be answered with. */
export interface Case {
	endpoint: Endpoint;
	prefix: Prefix;
	/** With its prefix and the names of its parameters in braces. */
	path: string;
	title: string;
	status: number;
	/** The error's code, where the case is about one. */
	code?: string;
	send(world: World): Promise<Reply>;
}

/** A case on its way: `request` is what is sent instead of the operation's valid request. */
export interface Draft {
	title: string;
	status: number;
	code?: string;
	as?: Persona;
	/** Whose account the request is about, besides being sent by them. */
	owner?: Persona;
	/** Fields to replace; undefined leaves one out. */
	body?: Record<string, unknown>;
	query?: Record<string, string | string[] | undefined>;
	params?: Record<string, string>;
	/** The body as it goes over the wire, instead of JSON. */
	raw?: string;
	headers?: Record<string, string>;
	/** Instead of all of the above. */
	send?: (world: World, call: (request: Request, as?: Persona) => Promise<Reply>) => Promise<Reply>;
}

/** Every case, by operation and path. */
export const allCases = (): Case[] =>
	ENDPOINTS.flatMap((endpoint) =>
		endpoint.paths.flatMap((path) =>
			[
				...callers(endpoint),
				...endpoint.params.flatMap((field) =>
					field.in === 'query' ? ofQuery(field) : ofPath(endpoint, field),
				),
				...ofBody(endpoint),
				...(SPECIAL[endpoint.name] ?? []),
			].map((draft) => toCase(endpoint, path, draft)),
		),
	);

function toCase(endpoint: Endpoint, path: string, draft: Draft): Case {
	const call = (world: World, request: Request, as?: Persona) =>
		world.send(toCall(endpoint, path, request, draft), as);
	return {
		endpoint,
		prefix: prefixOf(path),
		path,
		title: draft.title,
		status: draft.status,
		...(draft.code === undefined ? {} : { code: draft.code }),
		async send(anyone) {
			const world = draft.owner ? anyone.as(draft.owner) : anyone;
			world.allow(effectOf(endpoint));
			if (draft.send) return draft.send(world, (request, as) => call(world, request, as));
			const given = { ...draft.body, ...draft.query };
			const valid = await VALID[endpoint.name]!(world, given);
			const request = {
				params: { ...valid.params, ...draft.params },
				query: present({ ...valid.query, ...draft.query }),
				...(valid.body || draft.body ? { body: { ...valid.body, ...draft.body } } : {}),
			};
			return call(world, request, draft.as);
		},
	};
}

function toCall(endpoint: Endpoint, path: string, request: Request, draft: Draft): Call {
	const { params = {}, query = {}, body } = request;
	return {
		method: endpoint.method,
		path: path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? name)),
		query,
		body: draft.raw ?? body,
		headers: draft.headers ?? {},
	};
}

const present = (query: Record<string, string | string[] | undefined>) =>
	Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as Record<
		string,
		string | string[]
	>;

const success = ({ statuses }: Endpoint): number => ('201' in statuses ? 201 : 200);

function callers(endpoint: Endpoint): Draft[] {
	const scope = scopeOf(endpoint);
	const drafts: Draft[] = [
		{ title: 'is answered', status: success(endpoint) },
		{ title: 'without a key', status: 401, code: 'unauthorized', as: 'nobody' },
		{ title: 'with an unknown key', status: 401, code: 'unauthorized', as: 'unknown key' },
		{ title: 'over the rate limit', status: 429, code: 'rate_limited', as: 'rate limited' },
	];
	if ('403' in endpoint.statuses) {
		drafts.push({ title: 'on a plan without the API', status: 403, code: 'feature_gated', as: 'no plan' });
	}
	if (scope) {
		const as: Persona = `without ${scope}`;
		drafts.push({ title: `without the scope ${scope}`, status: 403, code: 'insufficient_scope', as });
	}
	return drafts;
}

function ofPath(endpoint: Endpoint, { name }: Field): Draft[] {
	if (!('404' in endpoint.statuses)) return [];
	return [
		{ title: `${name} unknown`, status: 404, code: 'not_found', params: { [name]: randomUUID() } },
		{ title: `${name} no id at all`, status: 404, code: 'not_found', params: { [name]: 'x '.repeat(40) } },
	];
}

function ofQuery(field: Field): Draft[] {
	const { name, type, enum: values = [], minimum, maximum } = field;
	const set = (value: string, status: number): Draft => ({
		title: `?${name}=${value}`,
		status,
		query: { [name]: value },
	});
	const drafts: Draft[] = [];
	if (field.required) drafts.push({ title: `without ?${name}`, status: 422, query: { [name]: undefined } });
	if (minimum !== undefined) drafts.push(set(String(minimum), 200), set(String(minimum - 1), 422));
	if (maximum !== undefined) drafts.push(set(String(maximum), 200), set(String(maximum + 1), 422));
	if (type === 'integer') drafts.push(set('x', 422), set('1.5', 422));
	if (type === 'enum') drafts.push(...values.map((value) => set(value, 200)), set('nonsense', 422));
	return drafts;
}

const isClosed = ({ error_format }: Endpoint): boolean => error_format === 'v2';

function ofBody(endpoint: Endpoint): Draft[] {
	const { request_fields: fields } = endpoint;
	if (fields.length === 0) return [];
	const strays: Draft = {
		title: 'with an unknown key',
		status: isClosed(endpoint) ? 422 : success(endpoint),
		body: { conformance_unknown: true },
	};
	return [
		strays,
		{ title: 'with a body that is not JSON', status: 422, raw: '{"name":' },
		{ title: 'with a body that is a list', status: 422, raw: '[]' },
		{ title: 'with a body that is null', status: 422, raw: 'null' },
		...fields.flatMap((field) => ofField(endpoint, field)),
	];
}

const WRONG: Record<string, unknown[]> = {
	string: [5, {}],
	enum: [5],
	integer: ['x', 1.5],
	boolean: ['yes'],
	object: [[], 'text'],
};

function ofField(endpoint: Endpoint, field: Field): Draft[] {
	const { name, type } = field;
	const fine = success(endpoint);
	// A field of one of two modes replaces that mode's valid request, which has the others in it.
	const set = (title: string, value: unknown, status: number): Draft => ({
		title: `${name} ${title}`,
		status: EXCEPTIONS[`${endpoint.name}.${name} ${title}`] ?? status,
		body: { [name]: value },
	});

	const drafts: Draft[] = [set('null', null, field.nullable ? fine : 422)];
	if (field.required) drafts.push({ ...set('missing', undefined, 422), title: `without ${name}` });
	for (const wrong of type.startsWith('array') ? ['text', {}, [5]] : (WRONG[type.split('<')[0]!] ?? [])) {
		drafts.push(set(`= ${JSON.stringify(wrong)}`, wrong, 422));
	}
	for (const value of field.enum ?? []) drafts.push(set(`= ${value}`, value, fine));
	if (field.enum) drafts.push(set('= nonsense', 'nonsense', 422));
	for (const value of type === 'array<string>' ? (field.known ?? []) : []) {
		drafts.push(set(`= [${value}]`, [value], fine));
	}
	return [
		...drafts,
		...bounds(field).map(({ title, value, inside }) => set(title, value, inside ? fine : 422)),
	];
}

/** Each bound at its edge and one past it. */
function bounds(field: Field): { title: string; value: unknown; inside: boolean }[] {
	const { minimum, maximum, minLength, maxLength, minItems, maxItems, minProperties } = field;
	const number = (value: number, inside: boolean) => ({ title: `= ${value}`, value, inside });
	const text = (length: number, inside: boolean) => ({
		title: `of ${length} characters`,
		value: unusedText(length),
		inside,
	});
	const items = (count: number, inside: boolean) => ({
		title: `of ${count}`,
		value: Array.from({ length: count }, (_, n) => item(field, n)),
		inside,
	});
	return [
		...(minimum === undefined ? [] : [number(minimum, true), number(minimum - 1, false)]),
		...(maximum === undefined ? [] : [number(maximum, true), number(maximum + 1, false)]),
		...(minLength === undefined ? [] : [text(minLength, true), text(minLength - 1, false)]),
		...(maxLength === undefined ? [] : [text(maxLength, true), text(maxLength + 1, false)]),
		...(minItems === undefined ? [] : [items(minItems, true), items(minItems - 1, false)]),
		...(maxItems === undefined ? [] : [items(maxItems, true), items(maxItems + 1, false)]),
		...(minProperties === undefined ? [] : [{ title: 'of 0 properties', value: {}, inside: false }]),
	];
}

/** From where on the characters have not been used: names are remembered, so none must come twice. */
let unused = randomInt(0x4e00, 0x9000);

const unusedText = (length: number): string =>
	length === 0 ? '' : String.fromCharCode(unused++) + 'x'.repeat(length - 1);

function item({ name, known }: Field, n: number): unknown {
	if (name === 'contacts') return { first_name: `First${n}`, last_name: 'Last', company_name: 'Acme' };
	return known?.[n] ?? randomUUID();
}

/** Where the prose of the contract says more than its data. */
const EXCEPTIONS: Record<string, number> = {
	// B.2: too many and too few contacts are a bad request.
	'enrich_bulk_contacts.contacts of 0': 400,
	'enrich_bulk_contacts.contacts of 251': 400,
	// G11
	'enrich_bulk_contacts.enrichment_type = prospecting_only': 422,
	// B.21: nullable, but required in practice.
	'enrich_by_task.quote_id null': 400,
	// F: without a prompt there is nothing for custom_ai to do.
	'run_smart_agent.prompt null': 400,
};
