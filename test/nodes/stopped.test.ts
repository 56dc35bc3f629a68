import type { IDataObject } from 'n8n-workflow';
import { BulkEnrichRequest } from '../../relay/src/contract/index.ts';
import type { N8nEngine } from '../support/n8n-engine.ts';
import { cleanlistCredential, engineWith, runCleanlist } from './support/bench.ts';
import type { RunOptions } from './support/bench.ts';
import { json, startServer } from './support/scripted-server.ts';
import type { Answer, ScriptedServer } from './support/scripted-server.ts';

const people = (count: number) =>
	Array.from({ length: count }, (_, n) => ({ first_name: `First${n}`, last_name: 'Last', company: 'Acme' }));
const CONTACTS = { resource: 'enrichment', inputMode: 'columns', options: { contactsPerRequest: 2 } };
const START = { ...CONTACTS, operation: 'start', delivery: 'poll' };
const byId = (value: string) => ({ __rl: true, mode: 'id', value });

/** Takes contacts, and never has a result. */
const accept: Answer = (response, request, nth) => {
	if (request.method === 'GET') return json(200, { status: 'processing' })(response, request, nth);
	if (request.path === '/api/v2/lead-lists') return json(201, { list_id: `l${nth}` })(response, request, nth);
	const { contacts } = BulkEnrichRequest.parse(request.body);
	json(200, { workflow_id: `w${nth}`, status: 'processing', task_ids: contacts.map((_, n) => `t${n}`) })(
		response,
		request,
		nth,
	);
};

describe('an execution that its user stops', () => {
	let api: ScriptedServer;
	let engine: N8nEngine;
	let stop: AbortController;
	beforeEach(async () => {
		api = await startServer(accept);
		stop = new AbortController();
		engine = engineWith({
			api: cleanlistCredential('clapi_x', api.url),
			slow: cleanlistCredential('clapi_slow', api.url, 1),
		});
	});
	afterEach(async () => {
		await engine.close();
		await api.close();
	});
	/** Runs it, and waits until nothing of it is left. */
	const run = async (parameters: IDataObject, options: RunOptions = {}) =>
		(await runCleanlist(engine, parameters, { stop: stop.signal, ...options })).run;
	/** Stops when the `nth` request has come in, which is answered only then, or never. */
	const stopAt =
		(nth: number, answer: Answer | null = null): Answer =>
		(response, request, count) => {
			if (count === nth) stop.abort();
			if (count < nth) accept(response, request, count);
			else answer?.(response, request, count);
		};

	it.each([undefined, 'continueRegularOutput', 'continueErrorOutput'] as const)(
		'sends no further contacts, whatever happens on an error (%s)',
		async (onError) => {
			api.answer = stopAt(3);
			const { status } = await run(START, { items: people(20), onError });
			expect(status).toBe('canceled');
			expect(api.seen).toHaveLength(3);
		},
	);

	it('sends no further contacts though the last request was answered', async () => {
		api.answer = stopAt(3, accept);
		const { status } = await run(START, { items: people(20) });
		expect(status).toBe('canceled');
		expect(api.seen).toHaveLength(3);
	});

	describe.each([undefined, 'continueRegularOutput'] as const)('(on an error: %s)', (onError) => {
		it('does not wait for results any longer, and asks no more', async () => {
			api.answer = stopAt(1, accept);
			const { status } = await run(
				{ ...CONTACTS, operation: 'enrichAndWait' },
				{ items: people(2), onError },
			);
			expect(status).toBe('canceled');
			expect(api.seen).toHaveLength(1);
		});

		it('does not wait for its turn under the limit of requests', async () => {
			api.answer = stopAt(1, accept);
			const { status } = await run(START, { items: people(4), api: 'slow', onError });
			expect(status).toBe('canceled');
			expect(api.seen).toHaveLength(1);
		});

		it('goes on with no further item', async () => {
			api.answer = stopAt(2);
			const { status } = await run(
				{ resource: 'leadList', operation: 'create', name: '={{ $json.first_name }}' },
				{ items: people(5), onError },
			);
			expect(status).toBe('canceled');
			expect(api.seen).toHaveLength(2);
		});
	});

	it('does not wait for a file', async () => {
		api.answer = (response, request, nth) => {
			if (request.method === 'POST')
				json(200, { download_url: `${api.url}/file`, row_count: 1 })(response, request, nth);
			else stop.abort();
		};
		const { status } = await run({ resource: 'export', operation: 'getCsv', leadList: byId('l') });
		expect(status).toBe('canceled');
		expect(api.seen).toHaveLength(2);
	});
});
