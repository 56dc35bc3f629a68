import { DetailError } from '../../relay/src/contract/index.ts';
import { startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';

/** A 422 is worded as FastAPI words it: integrations read `type` and `msg`, too. */

let harness: Harness;
let client: Client;
let list: string;
beforeAll(async () => {
	harness = await startReference();
	client = await harness.client();
	const { listId } = await harness.reference.createList({ ownerId: client.userId, name: 'Fair' });
	list = listId;
});
afterAll(() => harness.close());

const LISTS = '/api/v2/lead-lists';
const LEADS = () => `${LISTS}/${list}/leads`;
const RUN = { list_id: 'x', quote_id: 'x', column_name: 'x' };

it.each<[string, () => string, unknown, string, (string | number)[], string]>([
	['POST', () => LISTS, {}, 'missing', ['body', 'name'], 'Field required'],
	['POST', () => LISTS, { name: 5 }, 'string_type', ['body', 'name'], 'Input should be a valid string'],
	[
		'POST',
		() => LISTS,
		{ name: ' ' },
		'string_too_short',
		['body', 'name'],
		'String should have at least 1 character',
	],
	[
		'POST',
		() => LISTS,
		{ name: '🐝'.repeat(201) },
		'string_too_long',
		['body', 'name'],
		'String should have at most 200 characters',
	],
	[
		'POST',
		() => LISTS,
		{ name: 'x', x: 1 },
		'extra_forbidden',
		['body', 'x'],
		'Extra inputs are not permitted',
	],
	[
		'POST',
		() => LISTS,
		[],
		'model_attributes_type',
		['body'],
		'Input should be a valid dictionary or object to extract fields from',
	],
	['POST', () => LISTS, undefined, 'missing', ['body'], 'Field required'],
	[
		'POST',
		LEADS,
		{ lead_ids: [] },
		'too_short',
		['body', 'lead_ids'],
		'List should have at least 1 item after validation, not 0',
	],
	[
		'POST',
		LEADS,
		{ lead_ids: Array(1_001).fill('x') },
		'too_long',
		['body', 'lead_ids'],
		'List should have at most 1000 items after validation, not 1001',
	],
	['POST', LEADS, { lead_ids: 'x' }, 'list_type', ['body', 'lead_ids'], 'Input should be a valid list'],
	[
		'POST',
		LEADS,
		{ lead_ids: ['x', 5] },
		'string_type',
		['body', 'lead_ids', 1],
		'Input should be a valid string',
	],
	[
		'POST',
		LEADS,
		{ lead_ids: ['x'], idempotency_key: 'k'.repeat(129) },
		'string_too_long',
		['body', 'idempotency_key'],
		'String should have at most 128 characters',
	],
	[
		'DELETE',
		LEADS,
		{ lead_ids: Array(101).fill('x') },
		'too_long',
		['body', 'lead_ids'],
		'List should have at most 100 items after validation, not 101',
	],
	[
		'POST',
		() => '/api/v2/smart-agents/run',
		{ ...RUN, max_rows: 'x' },
		'int_type',
		['body', 'max_rows'],
		'Input should be a valid integer',
	],
	[
		'POST',
		() => '/api/v2/smart-agents/run',
		{ ...RUN, max_rows: 1.5 },
		'int_type',
		['body', 'max_rows'],
		'Input should be a valid integer',
	],
	[
		'POST',
		() => '/api/v2/smart-agents/run',
		{ ...RUN, max_rows: 0 },
		'greater_than_equal',
		['body', 'max_rows'],
		'Input should be greater than or equal to 1',
	],
	[
		'POST',
		() => '/api/v2/smart-agents/run',
		{ ...RUN, max_rows: 10_001 },
		'less_than_equal',
		['body', 'max_rows'],
		'Input should be less than or equal to 10000',
	],
	[
		'POST',
		() => '/api/v2/smart-agents/run',
		{ ...RUN, overwrite: 'yes' },
		'bool_type',
		['body', 'overwrite'],
		'Input should be a valid boolean',
	],
	[
		'POST',
		() => '/api/v2/smart-agents/run',
		{ ...RUN, lead_scope: 'some' },
		'enum',
		['body', 'lead_scope'],
		"Input should be 'subset' or 'all'",
	],
	[
		'POST',
		() => '/api/v2/credits/estimate',
		{ tool: 'x', filters: [] },
		'dict_type',
		['body', 'filters'],
		'Input should be a valid dictionary',
	],
	[
		'GET',
		() => `${LISTS}?limit=x`,
		undefined,
		'int_parsing',
		['query', 'limit'],
		'Input should be a valid integer, unable to parse string as an integer',
	],
	[
		'GET',
		() => `${LISTS}?limit=101`,
		undefined,
		'less_than_equal',
		['query', 'limit'],
		'Input should be less than or equal to 100',
	],
	[
		'GET',
		() => '/api/v2/usage?days=1.5',
		undefined,
		'int_parsing',
		['query', 'days'],
		'Input should be a valid integer, unable to parse string as an integer',
	],
])('%s %s %j: %s', async (method, path, body, type, loc, msg) => {
	const reply = await client.call(method, path(), body);
	expect([reply.status, DetailError.parse(reply.body).detail]).toEqual([422, [{ type, loc, msg }]]);
});

it('counts characters as code points, up to each bound', async () => {
	const bees = (count: number) => '🐝'.repeat(count);
	expect((await client.call('POST', LISTS, { name: bees(200) })).status).toBe(201);
	const body = { lead_ids: ['x'], idempotency_key: bees(128) };
	expect((await client.call('POST', LEADS(), body)).status).toBe(200);
	expect((await client.call('POST', LEADS(), { ...body, idempotency_key: bees(129) })).status).toBe(422);
});
