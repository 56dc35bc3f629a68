import { isNullable, variantsOf } from '../../relay/src/description/fields.ts';
import type { JsonSchema } from '../../relay/src/description/json-schema.ts';
import type { ReferenceApi, ReferenceOperation } from '../../relay/src/reference/description/openapi.ts';
import { ENDPOINTS, ENVELOPE, prefixOf, scopeOf } from '../conformance/contract.ts';
import type { Endpoint, Field } from '../conformance/contract.ts';
import { startReference } from '../reference/harness.ts';

/** The description that the reference API gives of itself, held against the contract data field by field. */

let document: ReferenceApi;
beforeAll(async () => {
	const harness = await startReference();
	document = (await (await fetch(`${harness.baseUrl}/docs/openapi.json`)).json()) as ReferenceApi;
	await harness.close();
});

const targets = ENDPOINTS.flatMap((endpoint) =>
	endpoint.paths.map((path) => ({ name: endpoint.name, method: endpoint.method, path, endpoint })),
);
const operationOf = (path: string, method: string): ReferenceOperation =>
	document.paths[path]![method.toLowerCase()]!;

/** Where it differs on purpose, and why. */
const ON_PURPOSE: Record<string, string> = {
	// A contact is read leniently: a null beside is as good as nothing, as in a spreadsheet's empty cell.
	'enrich_bulk_contacts.contacts[].linkedin_url: null is taken': 'lenient',
	'enrich_bulk_contacts.contacts[].first_name: null is taken': 'lenient',
	'enrich_bulk_contacts.contacts[].last_name: null is taken': 'lenient',
	'enrich_bulk_contacts.contacts[].company_domain: null is taken': 'lenient',
	'enrich_bulk_contacts.contacts[].company_name: null is taken': 'lenient',
	'enrich_bulk_contacts.contacts[].email: null is taken': 'lenient',
};

/** Statuses that the contract's prose knows and its data does not, or that follow from another decision. */
const MORE_STATUSES: Record<string, number[]> = {
	// A list, a cohort or a folder that is not there; a quote that was used (B.7: 400 or 409).
	credits_estimate: [404],
	csv_import: [404, 409],
	enrich_person: [404, 409],
	enrich_company: [409],
	enrich_by_task: [404, 409],
	enrich_list: [404, 409],
	list_smart_agents: [404],
	// 250 contacts fit; a body of megabytes does not.
	enrich_bulk_contacts: [413],
};

describe('against the contract', () => {
	it('has every operation of the contract where it says, and no other', () => {
		const described = Object.entries(document.paths)
			.flatMap(([path, methods]) =>
				Object.entries(methods)
					.filter(([, operation]) => operation['x-contract-operation'] !== null)
					.map(([method, operation]) => `${operation['x-contract-operation']} ${method} ${path}`),
			)
			.sort();
		const wanted = targets.map(({ name, method, path }) => `${name} ${method.toLowerCase()} ${path}`).sort();
		expect(described).toEqual(wanted);
	});

	it.each(targets)('$method $path asks for the scope of the contract', ({ endpoint, method, path }) => {
		const operation = operationOf(path, method);
		const scope = scopeOf(endpoint);
		expect(operation['x-scope']).toBe(scope);
		expect(operation.security).toEqual([{ HTTPBearer: scope ? [scope] : [] }]);
	});

	it.each(targets)('$method $path has the statuses of the contract', ({ endpoint, method, path }) => {
		const described = Object.keys(operationOf(path, method).responses).map(Number);
		const wanted = [...Object.keys(endpoint.statuses).map(Number), ...(MORE_STATUSES[endpoint.name] ?? [])];
		expect(described.sort()).toEqual([...new Set(wanted)].sort());
	});

	it.each(targets)('$method $path has the parameters of the contract', ({ endpoint, method, path }) => {
		const { parameters } = operationOf(path, method);
		expect(parameters.map((one) => `${one.in} ${one.name}`).sort()).toEqual(
			endpoint.params.map((field) => `${field.in} ${field.name}`).sort(),
		);
		const found = endpoint.params.flatMap((field) => {
			const parameter = parameters.find((one) => one.name === field.name)!;
			return compare(
				field,
				parameter.schema,
				parameter.required,
				`${endpoint.name}.${field.name}`,
				'request',
			);
		});
		expect(found).toEqual([]);
	});

	it.each(targets)('$method $path has the body of the contract', ({ endpoint, method, path }) => {
		const { requestBody } = operationOf(path, method);
		if (endpoint.request_fields.length === 0) {
			expect(requestBody).toBeUndefined();
			return;
		}
		const { schema } = requestBody!.content['application/json']!;
		const found = compareBody(endpoint, schema).filter((line) => !(line in ON_PURPOSE));
		expect(found).toEqual([]);
	});

	it.each(targets)('$method $path has the answer of the contract', ({ endpoint, method, path }) => {
		const { responses } = operationOf(path, method);
		const success = Object.keys(responses).filter((status) => status.startsWith('2'));
		expect(success.length).toBeGreaterThan(0);
		for (const status of success) {
			const response = responses[status]!;
			const schema = 'content' in response ? response.content!['application/json']!.schema : {};
			expect(compareAnswer(endpoint, path, schema)).toEqual([]);
		}
	});

	it('lists every deviation that is on purpose, and none that is gone', () => {
		const bulk = ENDPOINTS.find(({ name }) => name === 'enrich_bulk_contacts')!;
		const { schema } = operationOf(bulk.paths[0]!, 'POST').requestBody!.content['application/json']!;
		expect(compareBody(bulk, schema).sort()).toEqual(Object.keys(ON_PURPOSE).sort());
	});
});

function compareBody(endpoint: Endpoint, schema: JsonSchema): string[] {
	const forms = variantsOf(schema);
	const isClosed = endpoint.error_format === 'v2';
	return [
		...forms.flatMap((form, index) => {
			const mode = forms.length > 1 ? String.fromCharCode(65 + index) : null;
			const fields = endpoint.request_fields.filter(
				(field) => mode === null || field.mode!.split(',').includes(mode),
			);
			return [
				...compareFields(fields, form, endpoint.name, 'request', mode !== null),
				...(isClosed === (form.additionalProperties === false) ? [] : [`${endpoint.name}: open or closed`]),
			];
		}),
	];
}

function compareAnswer(endpoint: Endpoint, path: string, schema: JsonSchema): string[] {
	if (endpoint.response_fields.some(({ name }) => name === '*')) return [];
	const isBare = endpoint.name === 'credits_balance' && prefixOf(path) === '/api/v1/public';
	const envelope = endpoint.response_has_envelope && !isBare ? ENVELOPE : [];
	const fields = [...endpoint.response_fields, ...envelope].map((field) =>
		// G18: whole credits on v2, a number on the legacy prefix.
		isBare && field.name === 'credits' ? { ...field, type: 'number' } : field,
	);
	return compareFields(fields, schema, endpoint.name, 'answer');
}

type Direction = 'request' | 'answer';

function compareFields(
	fields: Field[],
	schema: JsonSchema,
	at: string,
	direction: Direction,
	ofOneForm = false,
): string[] {
	const { properties = {}, required = [] } = schema;
	const names = new Set(fields.map(({ name }) => name));
	return [
		...Object.keys(properties)
			.filter((name) => !names.has(name))
			.map((name) => `${at}.${name}: not in the contract`),
		...fields.flatMap((field) => {
			const path = `${at}.${field.name}`;
			const property = properties[field.name];
			if (!property) return [`${path}: missing`];
			// The form of a body is told by what only it requires: the contract data can't say so.
			const isRequired = required.includes(field.name) && !(ofOneForm && !field.required);
			return compare(field, property, isRequired, path, direction);
		}),
	];
}

const BOUNDS = [
	'minimum',
	'maximum',
	'minLength',
	'maxLength',
	'minItems',
	'maxItems',
	'minProperties',
] as const;

function compare(
	field: Field,
	schema: JsonSchema,
	required: boolean,
	path: string,
	direction: Direction,
): string[] {
	const [inner = {}] = variantsOf(schema);
	const found: string[] = [];
	// An answer may promise more than the contract asks for; what it takes must be what the contract says.
	const isRight = (exactly: boolean, promises: boolean) => exactly || (direction === 'answer' && promises);

	if (!isRight(required === field.required, required)) {
		found.push(`${path}: ${required ? 'required' : 'not required'}`);
	}
	const takesNull = isNullable(schema);
	if (!isRight(takesNull === field.nullable, !takesNull)) {
		found.push(`${path}: null is ${takesNull ? 'taken' : 'not taken'}`);
	}
	found.push(...compareType(field, field.type, inner, path, direction));
	for (const bound of BOUNDS) {
		const of = inner[bound];
		if (!isRight(of === field[bound], field[bound] === undefined)) {
			// The reference bounds the size of what it counts rows by; the contract names no bound for it.
			if (path === 'credits_estimate.row_count') continue;
			found.push(`${path}: ${bound} is ${JSON.stringify(of)}`);
		}
	}
	if (JSON.stringify(schema.default ?? null) !== JSON.stringify(field.default ?? null)) {
		found.push(`${path}: the default is ${JSON.stringify(schema.default)}`);
	}
	return found;
}

function compareType(
	field: Field,
	type: string,
	schema: JsonSchema,
	path: string,
	direction: Direction,
): string[] {
	const wrong = [`${path}: ${JSON.stringify(schema).slice(0, 100)} is no ${type}`];
	const { items, additionalProperties, propertyNames } = schema as Record<string, JsonSchema | undefined>;
	const array = /^array<(.+)>$/.exec(type);
	if (array) {
		if (schema.type !== 'array') return wrong;
		return compareType(field, array[1]!, variantsOf(items ?? {})[0]!, `${path}[]`, direction);
	}
	const record = /^object<(.+)>$/.exec(type);
	if (record) {
		if (schema.type !== 'object') return wrong;
		const keys = propertyNames?.enum as string[] | undefined;
		const known = field.keys === undefined || JSON.stringify(keys) === JSON.stringify(field.keys);
		return [
			...(known ? [] : [`${path}: the keys are ${JSON.stringify(keys)}`]),
			...compareType(field, record[1]!, additionalProperties!, `${path}.*`, direction),
		];
	}
	switch (type) {
		case 'any':
		case 'unknown':
			return [];
		case 'enum':
			return sameSet(schema.enum as string[] | undefined, field.enum) ? [] : wrong;
		case 'const':
			return schema.const === field.const ? [] : wrong;
		case 'object':
			if (schema.type !== 'object') return wrong;
			return field.items ? compareFields(field.items, schema, path, direction) : [];
		case 'string':
			if (schema.type !== 'string' && schema.const === undefined) return wrong;
			// Open at the vendor; an answer names those it can give, among those that are known.
			return direction === 'answer' || (schema.enum === undefined && schema.const === undefined) ? [] : wrong;
		default:
			return schema.type === type ? [] : wrong;
	}
}

const sameSet = (a: string[] | undefined, b: string[] | undefined): boolean =>
	JSON.stringify([...(a ?? [])].sort()) === JSON.stringify([...(b ?? [])].sort());

describe('as OpenAPI 3.1', () => {
	const operations = () =>
		Object.entries(document.paths).flatMap(([path, methods]) =>
			Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
		);
	const schemas = (value: unknown): JsonSchema[] => {
		if (Array.isArray(value)) return value.flatMap(schemas);
		if (typeof value !== 'object' || value === null) return [];
		const inner = Object.values(value).flatMap(schemas);
		return 'type' in value || 'anyOf' in value || '$ref' in value ? [value, ...inner] : inner;
	};

	it('has what every document must have', () => {
		expect(document.openapi).toBe('3.1.0');
		expect(document.info).toEqual({
			title: expect.any(String),
			version: expect.stringMatching(/^\d+\.\d+\.\d+/),
			description: expect.any(String),
		});
		expect(Object.keys(document.paths).length).toBeGreaterThan(40);
		const allowed = ['openapi', 'info', 'servers', 'tags', 'paths', 'components'];
		expect(
			Object.keys(document)
				.filter((key) => !key.startsWith('x-'))
				.sort(),
		).toEqual(allowed.sort());
	});

	it('names each operation once', () => {
		const ids = operations().map(({ operation }) => operation.operationId);
		expect(new Set(ids).size).toBe(ids.length);
		for (const id of ids) expect(id).toMatch(/^[a-z][\w]*$/);
	});

	it('declares the parameters in each path, each once, and each as required', () => {
		for (const { path, method, operation } of operations()) {
			expect(path).toMatch(/^\/[^?#]*[^/]$/);
			expect(['get', 'post', 'patch', 'delete']).toContain(method);
			const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
			const declared = operation.parameters.filter((one) => one.in === 'path');
			expect(declared.map((one) => one.name)).toEqual(inPath);
			expect(declared.every((one) => one.required)).toBe(true);
			const all = operation.parameters.map((one) => `${one.in} ${one.name}`);
			expect(new Set(all).size).toBe(all.length);
		}
	});

	it('answers each operation with a success and with errors that are described', () => {
		for (const { operation } of operations()) {
			const entries = Object.entries(operation.responses);
			expect(entries.some(([status]) => /^2\d\d$/.test(status))).toBe(true);
			expect(entries.some(([status]) => status === '401')).toBe(true);
			for (const [status, response] of entries) {
				expect(status).toMatch(/^[245]\d\d$/);
				expect('$ref' in response || response.description.length > 0).toBe(true);
			}
		}
	});

	it('refers to nothing that is not there, security schemes included', () => {
		const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref!);
		expect(refs.length).toBeGreaterThan(100);
		for (const ref of refs) {
			const [hash, ...steps] = ref.split('/');
			expect(hash).toBe('#');
			const found = steps.reduce<unknown>(
				(at, key) => (at as Record<string, unknown> | undefined)?.[key],
				document,
			);
			expect([ref, typeof found]).toEqual([ref, 'object']);
		}
		for (const { operation } of operations()) {
			for (const name of operation.security.flatMap((one) => Object.keys(one))) {
				expect(Object.keys(document.components.securitySchemes)).toContain(name);
			}
		}
	});

	it('writes schemas as JSON Schema 2020-12 has them, not as OpenAPI 3.0 did', () => {
		const types = ['string', 'integer', 'number', 'boolean', 'object', 'array', 'null'];
		const all = schemas([document.paths, document.components.schemas]).filter(
			// A security scheme has a type as well, which is another thing.
			(schema) => schema.type !== 'http',
		);
		expect(all.length).toBeGreaterThan(500);
		for (const schema of all) {
			expect(schema).not.toHaveProperty('nullable');
			if (schema.type === undefined) continue;
			// A property may be called "type": then it is a schema, and is looked at by itself.
			if (typeof schema.type === 'object' && !Array.isArray(schema.type)) continue;
			for (const type of [schema.type].flat()) expect(types).toContain(type);
		}
	});

	it('says what is known to exist and not served', () => {
		expect(document['x-not-served'].map(({ path }) => path)).toEqual(
			expect.arrayContaining(['/search/people', '/folders', '/sync/crm']),
		);
	});
});
