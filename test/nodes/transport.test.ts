import { pause } from '../../nodes/Cleanlist/transport/pause.ts';
import type { N8nEngine } from '../support/n8n-engine.ts';
import { CLEANLIST_NODE, cleanlistCredential, engineWith, runCleanlist } from './support/bench.ts';
import { inTurn, json, reset, startServer } from './support/scripted-server.ts';
import type { ScriptedServer } from './support/scripted-server.ts';

// Waits are noted, not waited.
jest.mock('../../nodes/Cleanlist/transport/pause.ts', () => ({ pause: jest.fn(async () => {}) }));
const waits = () => (pause as jest.Mock).mock.calls.map(([ms]) => ms as number);

const lists = { resource: 'leadList', operation: 'getAll', returnAll: true };
const page = (names: string[], cursor: unknown = null) =>
	json(200, { lists: names.map((name) => ({ list_id: name, name, lead_count: 0 })), total: 9, cursor });
const create = { resource: 'leadList', operation: 'create', name: 'A' };

describe('requests to the API', () => {
	let api: ScriptedServer;
	let engine: N8nEngine;
	beforeEach(async () => {
		(pause as jest.Mock).mockClear();
		api = await startServer(page([]));
		engine = engineWith({
			api: cleanlistCredential('clapi_x', `  ${api.url}///`),
			odd: cleanlistCredential('clapi_x', 'api.cleanlist.ai'),
		});
	});
	afterEach(async () => {
		await engine.close();
		await api.close();
	});
	const run = (parameters: object, api_ = 'api') => runCleanlist(engine, parameters as never, { api: api_ });

	it('carry the key and reach the path, whatever slashes the base URL ends in', async () => {
		await run(lists);
		expect(api.seen).toEqual([
			expect.objectContaining({
				method: 'GET',
				path: '/api/v2/lead-lists?limit=100',
				headers: expect.objectContaining({ authorization: 'Bearer clapi_x' }),
				body: undefined,
			}),
		]);
	});

	it('are not made with a base URL that is none', async () => {
		const { error } = await run(lists, 'odd');
		expect(error.message).toBe('The credential holds no usable address: "api.cleanlist.ai"');
		expect(error.description).toContain('https://');
	});

	it('follow the cursor, whatever it looks like, until there is none', async () => {
		api.answer = inTurn(page(['a', 'b'], 'x y&z='), page(['c'], 50), page(['d'], ''));
		expect((await run(lists)).json.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
		expect(api.seen.map(({ path }) => new URL(path, api.url).searchParams.get('cursor'))).toEqual([
			null,
			'x y&z=',
			'50',
		]);
	});

	it('ask for no more than is wanted, and not again for what they have', async () => {
		api.answer = page(
			Array.from({ length: 100 }, (_, n) => `${n}`),
			'next',
		);
		expect((await run({ ...lists, returnAll: false, limit: 150 })).json).toHaveLength(150);
		expect(api.seen.map(({ path }) => new URL(path, api.url).searchParams.get('limit'))).toEqual([
			'100',
			'50',
		]);
	});

	it('end when the cursor stands still', async () => {
		api.answer = page(['a'], 'same');
		expect((await run(lists)).json).toHaveLength(2);
	});

	it('of the read kind are repeated after 5xx, 429 and a broken connection', async () => {
		api.answer = inTurn(
			json(503, {}),
			json(429, {}, { 'retry-after': '37' }),
			reset,
			json(429, { error: { retry_after_ms: 9_000 } }),
			page(['a']),
		);
		expect((await run(lists)).json).toEqual([expect.objectContaining({ name: 'a' })]);
		expect(waits()).toEqual([1_000, 37_000, 4_000, 9_000]);
	});

	it('are given up after five times', async () => {
		api.answer = json(429, { detail: 'Slow down' }, { 'retry-after': '60' });
		const { error } = await run(lists);
		expect(api.seen).toHaveLength(5);
		expect(waits()).toEqual([60_000, 60_000, 60_000, 60_000]);
		expect(error.message).toBe('Cleanlist receives too many requests');
		expect(error.description).toContain('Slow down');
	});

	it('are not repeated when the wait would be longer than a rate limit lasts', async () => {
		api.answer = json(429, {}, { 'retry-after': '3600' });
		expect((await run(lists)).error.description).toContain('3600 seconds');
		expect(api.seen).toHaveLength(1);
	});

	it('that may not be carried out twice are repeated after 429 only', async () => {
		// The second one would find the list of the first, and take it for somebody else's.
		const createNew = { ...create, whenNameExists: 'fail' };
		api.answer = inTurn(json(429, {}), json(201, { list_id: 'l', name: 'A' }));
		expect((await run(createNew)).json).toEqual([{ list_id: 'l', name: 'A' }]);
		for (const answer of [json(503, {}), reset]) {
			api.seen.length = 0;
			api.answer = answer;
			expect((await run(createNew)).error).toBeDefined();
			expect(api.seen).toHaveLength(1);
		}
	});

	it('do not follow redirects, which could carry the key elsewhere', async () => {
		api.answer = (response) => void response.writeHead(302, { location: 'https://evil.example/' }).end();
		const { error } = await run(lists);
		expect(error.message).toContain('redirect');
		expect(error.description).toContain('https://evil.example/');
		expect(api.seen).toHaveLength(1);
	});

	it('never show the key in an error', async () => {
		for (const answer of [json(401, { detail: 'no' }), reset, json(500, {})]) {
			api.answer = answer;
			expect(JSON.stringify((await run(create)).run.data)).not.toContain('clapi_x');
		}
	});

	it('of the list search do not wait long, and tell what is wrong', async () => {
		api.answer = json(429, {}, { 'retry-after': '30' });
		const workflow = {
			nodes: [{ name: 'C', type: CLEANLIST_NODE, credentials: { cleanlistApi: { id: 'api', name: 'api' } } }],
			connections: {},
		};
		await expect(engine.listSearch(workflow, 'C', 'searchLeadLists')).rejects.toThrow('too many requests');
		expect(waits()).toEqual([]);
	});

	it('of the list search look through a few pages for a filter, and say where to go on', async () => {
		let n = 0;
		api.answer = (...args) => page([`List ${n}`], `cursor ${++n}`)(...args);
		const workflow = {
			nodes: [{ name: 'C', type: CLEANLIST_NODE, credentials: { cleanlistApi: { id: 'api', name: 'api' } } }],
			connections: {},
		};
		const found = await engine.listSearch(workflow, 'C', 'searchLeadLists', { filter: 'none' });
		expect(found).toEqual({ results: [], paginationToken: 'cursor 5' });
	});
});
