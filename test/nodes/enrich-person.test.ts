import type { IDataObject } from 'n8n-workflow';
import { startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';
import { liveIn } from './support/virtual-time.ts';

jest.mock('../../nodes/Cleanlist/transport/clock.ts', () => ({ now: jest.fn() }));
jest.mock('../../nodes/Cleanlist/transport/pause.ts', () => ({ pause: jest.fn() }));

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const person = (n: number) => ({ first: `First${n}`, last: 'Last', company: 'Acme' });
const people = (count: number) => Array.from({ length: count }, (_, n) => person(n));
const SIMPLE = [
	'found',
	'status',
	'email',
	'email_status',
	'phone',
	'full_name',
	'company_name',
	'credits_used',
	'workflow_id',
	'lead_id',
];

describe('Enrichment → Enrich Person', () => {
	let bench: Bench;
	let list: string;
	let waits: number[];
	beforeEach(async () => {
		bench = await startBench({ poor: { credits: 1 }, writer: { scopes: ['enrich:write'] } });
		waits = liveIn(bench.clock);
		list = await makeList('api', 'People 🚀');
	});
	afterEach(() => bench.close());

	const makeList = async (account: string, name: string): Promise<string> =>
		(await bench.accounts[account]!.call('POST', '/api/v2/lead-lists', { name })).body.list_id;
	const enrich = (parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run(
			{
				resource: 'enrichment',
				operation: 'enrichPerson',
				enrichmentType: 'full',
				leadList: byId(list),
				email: '={{ $json.email }}',
				linkedinUrl: '={{ $json.linkedin }}',
				firstName: '={{ $json.first }}',
				lastName: '={{ $json.last }}',
				companyName: '={{ $json.company }}',
				...parameters,
			},
			options,
		);
	const credits = async () =>
		(await bench.accounts.api!.get('/api/v2/credits/balance')).body.credits as number;
	const sent = () =>
		bench.reference.recorder
			.page(1_000, null)
			.requests.filter(({ operation }) => operation === 'enrich_person');

	it('looks each person up, waits, and charges what it says', async () => {
		const before = await credits();
		const { json, items } = await enrich({}, { items: people(20) });
		expect(items.map((item) => item.pairedItem)).toEqual(people(20).map((_, item) => ({ item })));
		for (const [n, item] of json.entries()) {
			expect(Object.keys(item)).toEqual(SIMPLE);
			expect(item.full_name).toBe(`First${n} Last`);
			expect(item.found).toBe(item.email !== null || item.phone !== null);
			expect(item.status).toBe(item.found ? 'completed' : 'failed');
			expect(item.credits_used).toBe((item.email ? 1 : 0) + (item.phone ? 10 : 0));
		}
		const found = json.filter((item) => item.found);
		expect([found.length > 0, found.length < 20]).toEqual([true, true]);
		expect(before - (await credits())).toBe(json.reduce((sum, item) => sum + Number(item.credits_used), 0));
		const { leads } = (await bench.accounts.api!.get(`/api/v2/lead-lists/${list}/leads`)).body;
		expect(leads.map(({ lead_id }: IDataObject) => lead_id).sort()).toEqual(
			found.map(({ lead_id }) => lead_id).sort(),
		);
	});

	it('finds people by an email address or a profile alone, or by who they are at Cleanlist', async () => {
		const { json } = await enrich(
			{},
			{
				items: [{ email: 'ada@example.com' }, { linkedin: 'linkedin.com/in/ada-example' }, person(1)],
			},
		);
		expect(json.map(({ status }) => status)).toEqual(expect.arrayContaining(['completed']));
		expect(json.every(({ workflow_id }) => workflow_id !== null)).toBe(true);
		const known = json.find(({ lead_id }) => lead_id !== null)!;
		const again = await enrich({ additionalFields: { personId: known.lead_id as string } });
		expect(again.json[0]).toMatchObject({ found: true, lead_id: known.lead_id });
	});

	it('puts out what was started, when it shall not wait; its result is had by its workflow', async () => {
		const { json } = await enrich({ waitForResult: false }, { items: people(5) });
		expect(waits).toEqual([]);
		expect(json[0]).toEqual({
			status: 'pending',
			workflow_id: expect.stringMatching(/^enrich-/),
			lead_list_id: list,
			credits_reserved: 11,
			contact: { first_name: 'First0', last_name: 'Last', company_name: 'Acme' },
		});
		const get = { resource: 'enrichment', operation: 'get', workflowId: '={{ $json.workflow_id }}' };
		const early = await bench.run(get, { items: json });
		expect(early.json.map(({ finished }) => finished)).toEqual(Array(5).fill(false));
		await bench.clock.advance(5_000);
		const done = await bench.run(get, { items: json });
		expect(done.json.map(({ full_name, finished }) => [full_name, finished])).toEqual(
			people(5).map(({ first }) => [`${first} Last`, true]),
		);
		expect(Object.keys(done.json[0]!)).toHaveLength(10);
	});

	it('sends somebody once whom several items are about, and answers on each, free of charge but for the first', async () => {
		const items = [
			person(1),
			{ ...person(1), first: ' FIRST1 ' },
			{ email: 'A@x.example' },
			{ email: 'a@X.example' },
		];
		const { json } = await enrich({}, { items });
		expect(sent()).toHaveLength(2);
		expect(json[1]).toEqual({ ...json[0], credits_used: 0 });
		expect(json[3]).toEqual({ ...json[2], credits_used: 0 });
		await enrich({ options: { sendDuplicatesOnce: false } }, { items });
		expect(sent()).toHaveLength(6);
	});

	it('keeps people apart who share a name, and no company, or what stands where a profile belongs', async () => {
		const items = [
			{ first: 'John', last: 'Smith', email: 'john@a.example' },
			{ first: 'John', last: 'Smith', email: 'john@b.example' },
			{ first: 'John', last: 'Smith', email: 'John@a.example' },
		];
		const { json } = await enrich({}, { items });
		expect(sent()).toHaveLength(2);
		expect(json.map(({ workflow_id }) => workflow_id)).toEqual([
			json[0]!.workflow_id,
			json[1]!.workflow_id,
			json[0]!.workflow_id,
		]);
		expect(json[1]!.workflow_id).not.toBe(json[0]!.workflow_id);

		const addresses = ['a@x.example', 'b@x.example'].map((email) => ({ email, linkedin: '-' }));
		await enrich({}, { items: addresses });
		expect(sent()).toHaveLength(4);
	});

	it('keeps the lists of the items apart', async () => {
		const other = await makeList('api', 'Other');
		const { json } = await enrich(
			{ leadList: byId('={{ $json.list }}'), output: 'selectedFields', outputFields: ['lead_list_id'] },
			{
				items: [
					{ ...person(1), list },
					{ ...person(1), list: other },
				],
			},
		);
		expect(json.map(({ lead_list_id }) => lead_list_id)).toEqual([list, other]);
		expect(Object.keys(json[0]!)).toEqual(['lead_list_id', 'workflow_id', 'lead_id']);
	});

	it('reports who can not be looked up on their item, and looks the others up', async () => {
		const { json } = await enrich({}, { items: [{ first: 'Ada' }, person(1)] });
		expect(json[0]).toMatchObject({
			found: false,
			status: 'not_sent',
			reason: expect.stringContaining('A person needs an email address'),
			credits_used: 0,
		});
		expect(json[1]!.full_name).toBe('First1 Last');
		const stopped = await enrich(
			{ options: { whenNotSendable: 'stop' } },
			{ items: [person(1), { first: 'Ada' }] },
		);
		expect(stopped.error.context.itemIndex).toBe(1);
		expect(sent()).toHaveLength(1);
	});

	it('says so when time is up, and the result is there later', async () => {
		bench.reference.control.setCompletion({ mode: 'after_ms', ms: 20 * 60_000 });
		const began = bench.clock.now();
		const { json } = await enrich({ waitUpTo: 2 }, { items: [person(0), person(1)] });
		expect(bench.clock.now() - began).toBe(120_000);
		expect(json[0]).toMatchObject({
			found: false,
			status: 'timeout',
			reason: expect.stringContaining('by workflow'),
			credits_used: null,
			workflow_id: expect.stringMatching(/^enrich-/),
		});
	});

	it('waits for a minute as a tool of an AI agent', async () => {
		bench.reference.control.setCompletion({ mode: 'after_ms', ms: 20 * 60_000 });
		const { json } = await enrich({}, { items: [person(0)], asTool: true });
		expect(json[0]!.status).toBe('timeout');
		expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(60_000);
	});

	it.each(['failed', 'cancelled'] as const)(
		'tells a run that Cleanlist broke off (%s) from a person who was not found',
		async (mode) => {
			bench.reference.control.setCompletion({ mode });
			const { json } = await enrich({}, { items: [person(0)] });
			expect(json[0]).toMatchObject({
				found: false,
				status: mode,
				reason: expect.stringContaining('at Cleanlist'),
				credits_used: 0,
				lead_id: null,
			});
		},
	);

	it('by a key that may not read says what was started', async () => {
		list = await makeListAs('writer');
		const { error } = await enrich({}, { items: people(2), api: 'writer' });
		expect(error.message).toBe('The API key lacks the scope enrich:read');
		expect(error.description).toMatch(/took 2 of them \(workflow IDs: enrich-.*, enrich-.*\)/);
		const without = await enrich({ waitForResult: false }, { items: people(2), api: 'writer' });
		expect(without.json).toHaveLength(2);
	});
	/** A list of an account that may not make one. */
	const makeListAs = async (account: string) =>
		(await bench.reference.createList({ ownerId: bench.accounts[account]!.userId, name: 'W' })).listId;

	it.each([
		['too few credits', {}, { api: 'poor' }, 'Not enough Cleanlist credits: 10 are missing'],
		['an unknown list', { leadList: byId('nope') }, {}, 'The lead list was not found'],
		['no list', { leadList: byId('={{ $json.nothing }}') }, {}, 'No lead list is chosen'],
		['an unknown type', { enrichmentType: 'none' }, {}, 'There is no enrichment type "none"'],
		['no profile', { linkedinUrl: 'https://example.com/ada' }, {}, /LinkedIn/],
		['a made-up quote', { options: { quoteId: 'qte_x' } }, {}, /quote/],
		['no time', { waitUpTo: 0 }, {}, "'Wait Up To' is 0, and it must be more than 0"],
		['a wrong key', {}, { api: 'wrong' }, 'Cleanlist does not accept the API key'],
	])('refuses %s', async (_, parameters: IDataObject, options: RunOptions, message) => {
		if (options.api === 'poor') list = await makeListAs('poor');
		const { error } = await enrich(parameters, { items: [person(0)], ...options });
		expect(error.message).toMatch(message);
		const { json, items } = await enrich(parameters, {
			items: people(2),
			onError: 'continueRegularOutput',
			...options,
		});
		expect(json.map((item) => item.error)).toEqual(Array(2).fill(expect.stringMatching(message)));
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
	});
});
