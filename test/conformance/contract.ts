import api from '../contract/cleanlist-api.json' with { type: 'json' };

/** One field of a request or an answer, as the contract data describes it. */
export interface Field {
	name: string;
	/** `string`, `integer`, `enum`, `array<object>`, `object<integer>`, … */
	type: string;
	required: boolean;
	nullable: boolean;
	in?: 'path' | 'query';
	enum?: string[];
	const?: string;
	/** Values that are known, of a field that is open. */
	known?: string[];
	/** The only keys an object may have. */
	keys?: string[];
	default?: unknown;
	minimum?: number;
	maximum?: number;
	minLength?: number;
	maxLength?: number;
	minItems?: number;
	maxItems?: number;
	minProperties?: number;
	/** Of a body with two shapes: those this field belongs to. */
	mode?: string;
	additionalProperties?: boolean;
	items?: Field[];
}

export interface Endpoint {
	name: string;
	method: string;
	paths: string[];
	/** With what it also needs in brackets, as in `lists:write (+ enrich:write when …)`. */
	scope: string | null;
	params: Field[];
	request_fields: Field[];
	response_fields: Field[];
	response_has_envelope: boolean;
	/** By status: what it means. */
	statuses: Record<string, string>;
	error_format: 'legacy' | 'v2';
}

export const ENDPOINTS = api.endpoints as unknown as Endpoint[];
export const ENVELOPE = api.envelope_fields as Field[];
export const ERROR_FIELDS = api.error_formats.v2.error as Field[];

export const PREFIXES = ['/api/v2', '/api/v1/public'] as const;
export type Prefix = (typeof PREFIXES)[number];

export const prefixOf = (path: string): Prefix => (path.startsWith('/api/v2') ? '/api/v2' : '/api/v1/public');

/** The scope a caller must have. The original endpoints name none; what was decided for them is here. */
export function scopeOf({ name, scope }: Endpoint): string | null {
	if (name === 'enrich_bulk_contacts') return 'enrich:write';
	if (name === 'enrich_status_legacy' || name === 'webhook_deliveries') return 'enrich:read';
	return scope?.split(' ')[0] ?? null;
}

/** What one call costs: nothing, a change to the account's lists, or credits. */
export type Effect = 'read' | 'write' | 'paid';

const PAID = new Set([
	'enrich_bulk_contacts',
	'enrich_person',
	'enrich_company',
	'enrich_by_task',
	'enrich_list',
	'run_smart_agent',
]);
const FREE_POSTS = new Set(['credits_estimate', 'export_csv']);

export function effectOf({ name, method }: Endpoint): Effect {
	if (PAID.has(name)) return 'paid';
	return method === 'GET' || FREE_POSTS.has(name) ? 'read' : 'write';
}
