import type { IDataObject } from 'n8n-workflow';
import { VENDOR_LIMITS } from '../../relay/src/reference/limits.ts';
import { SET_NODE, itemsOf } from '../support/n8n-engine.ts';
import { startBench } from './support/bench.ts';
import type { Bench } from './support/bench.ts';
import { liveIn } from './support/virtual-time.ts';

jest.mock('../../nodes/Cleanlist/transport/clock.ts', () => ({ now: jest.fn() }));
jest.mock('../../nodes/Cleanlist/transport/pause.ts', () => ({ pause: jest.fn() }));

const enrich = (more: IDataObject = {}) => ({
	resource: 'enrichment',
	operation: 'enrichAndWait',
	enrichmentType: 'full',
	...more,
});
const person = (n: number) => ({ 'First Name': `First${n}`, lastName: 'Last', Company: 'Acme', n });
const people = (count: number) => Array.from({ length: count }, (_, n) => person(n));
const indexes = (count: number) => Array.from({ length: count }, (_, item) => ({ item }));
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
	'task_id',
];

describe('Enrichment → Enrich and Wait', () => {
	let bench: Bench;
	let waits: number[];
	const others: Bench[] = [];
	const another = async (options: Parameters<typeof startBench>[1]) => {
		const made = await startBench({}, options);
		others.push(made);
		waits = liveIn(made.clock);
		return made;
	};
	beforeEach(async () => {
		bench = await startBench({ poor: { credits: 1 }, reader: { scopes: ['enrich:write'] } });
		waits = liveIn(bench.clock);
	});
	afterEach(async () => {
		for (const each of [bench, ...others.splice(0)]) await each.close();
	});

	const credits = async () => {
		const { body } = await bench.accounts.api!.get('/api/v2/credits/balance');
		return body.credits as number;
	};

	it('gives every contact its result, flat, in the order of the items and linked to them', async () => {
		const {
			json,
			items,
			run: whole,
		} = await bench.run(enrich(), {
			items: people(40),
			after: [
				{ name: 'Out', type: SET_NODE, parameters: { fields: { n: "={{ $('Items').item.json.n }}" } } },
			],
		});
		expect(items.map((item) => item.pairedItem)).toEqual(indexes(40));
		expect(itemsOf(whole, 'Out').map((item) => item.json.n)).toEqual(people(40).map(({ n }) => n));
		expect(json.map(({ full_name }) => full_name)).toEqual(people(40).map(({ n }) => `First${n} Last`));
		for (const item of json) {
			expect(Object.keys(item)).toEqual(SIMPLE);
			expect(item.found).toBe(item.email !== null || item.phone !== null);
			expect(item.credits_used).toBe((item.email ? 1 : 0) + (item.phone ? 10 : 0));
		}
		const found = json.filter((item) => item.found).length;
		expect(found).toBeGreaterThan(0);
		expect(found).toBeLessThan(40);
	});

	it('does nothing with no items', async () => {
		const { run } = await bench.run(enrich(), { items: [] });
		expect(run.status).toBe('success');
		expect(waits).toEqual([]);
	});

	it.each([1, 250, 251, 2_000])('waits for %i contacts', async (count) => {
		const { json, items } = await bench.run(enrich(), { items: people(count) });
		expect(items.map((item) => item.pairedItem)).toEqual(indexes(count));
		expect(json.map(({ full_name }) => full_name)).toEqual(people(count).map(({ n }) => `First${n} Last`));
		expect(new Set(json.map(({ workflow_id }) => workflow_id)).size).toBe(Math.ceil(count / 250));
		expect(new Set(json.map(({ task_id }) => task_id)).size).toBe(count);
		expect(json.filter(({ status }) => status === 'timeout')).toEqual([]);
	});

	it('charges what it says it used', async () => {
		const before = await credits();
		const { json } = await bench.run(enrich(), { items: [...people(30), person(0), person(1)] });
		const used = json.reduce((sum, { credits_used }) => sum + Number(credits_used), 0);
		expect(used).toBeGreaterThan(0);
		expect(before - (await credits())).toBe(used);
		expect(json[30]).toEqual({ ...json[0], credits_used: 0 });
	});

	it.each([
		['partial', ['email']],
		['phone_only', ['phone']],
		['none', []],
	])('looks for what the type %s is for, by item', async (type, looked) => {
		const { json } = await bench.run(enrich({ enrichmentType: '={{ $json.type }}' }), {
			items: people(30).map((item, n) => ({ ...item, type: n < 20 ? type : 'full' })),
		});
		for (const key of ['email', 'phone']) {
			expect(json.slice(0, 20).some((item) => item[key] !== null)).toBe(looked.includes(key));
		}
		expect(json.slice(20).some((item) => item.phone !== null)).toBe(true);
		if (looked.length === 0)
			expect(json[0]).toMatchObject({ found: false, status: 'completed', credits_used: 0 });
	});

	it('reports a contact that can not be sent on its own item, and waits for the rest', async () => {
		const { json, items } = await bench.run(enrich(), {
			items: [person(0), { Email: 'a@b.example' }, person(2)],
		});
		expect(items.map((item) => item.pairedItem)).toEqual(indexes(3));
		expect(json[1]).toEqual({
			found: false,
			status: 'not_sent',
			email: null,
			email_status: null,
			phone: null,
			full_name: null,
			reason: expect.stringContaining('A contact needs a LinkedIn URL'),
			credits_used: 0,
			workflow_id: null,
			task_id: null,
		});
		expect([json[0]!.full_name, json[2]!.full_name]).toEqual(['First0 Last', 'First2 Last']);
	});

	it('gives what is asked for: the raw answer, or chosen fields', async () => {
		const { json: raw } = await bench.run(enrich({ output: 'raw' }), { items: people(1) });
		expect(raw[0]).toMatchObject({
			task_id: expect.any(String),
			result: { prospect: { first_name: 'First0' } },
		});
		const { json: chosen } = await bench.run(
			enrich({ output: 'selectedFields', outputFields: ['last_name', 'found', 'reason'] }),
			{ items: people(2) },
		);
		expect(chosen.map((item) => Object.keys(item))).toEqual(
			Array(2).fill(['last_name', 'found', 'reason', 'workflow_id', 'task_id']),
		);
		expect(chosen[0]).toMatchObject({ last_name: 'Last', reason: null });
	});

	describe('when time is up', () => {
		it('gives every item its IDs, with which the result can be had later', async () => {
			const slow = await another({ completionMs: 20 * 60_000 });
			const began = slow.clock.now();
			const { json, items } = await slow.run(enrich(), { items: [person(0), {}, person(2), person(0)] });
			expect(slow.clock.now() - began).toBe(5 * 60_000);
			expect(items.map((item) => item.pairedItem)).toEqual(indexes(4));
			expect(json.map(({ status }) => status)).toEqual(['timeout', 'not_sent', 'timeout', 'timeout']);
			expect(json[0]).toEqual({
				found: false,
				status: 'timeout',
				email: null,
				email_status: null,
				phone: null,
				full_name: 'First0 Last',
				reason: expect.stringContaining('Get it later'),
				credits_used: null,
				workflow_id: expect.stringMatching(/^public_bulk_/),
				task_id: expect.any(String),
			});
			expect(json[3]!.task_id).toBe(json[0]!.task_id);

			await slow.clock.advance(20 * 60_000);
			const later = await slow.run(
				{ resource: 'enrichment', operation: 'get', getBy: 'task', taskId: '={{ $json.task_id }}' },
				{ items: [json[0]!, json[2]!] },
			);
			expect(later.json.map(({ task_id }) => task_id)).toEqual([json[0]!.task_id, json[2]!.task_id]);
			expect(later.json.map(({ status }) => status)).not.toContain('processing');
		});

		it('asks less and less often, and not once too often', async () => {
			const slow = await another({ completionMs: 20 * 60_000 });
			await slow.run(enrich({ waitUpTo: 0.5 }), { items: people(1) });
			expect(waits).toEqual([2_000, 3_000, 5_000, 8_000, 10_000, 2_000]);
		});

		it('comes after a minute for a tool of an AI agent', async () => {
			const slow = await another({ completionMs: 20 * 60_000 });
			const { json } = await slow.run(enrich(), { items: people(1), asTool: true });
			expect(json[0]!.status).toBe('timeout');
			expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(60_000);
		});

		it('comes before a request whose turn a tool can not wait for, which is never sent', async () => {
			const limited = await another({ requestsPerMinute: 1 });
			await limited.run({ resource: 'account', operation: 'get' });
			waits.length = 0;
			for (const operation of [enrich(), { resource: 'leadList', operation: 'getAll' }]) {
				const { error } = await limited.run(operation, { items: people(1), asTool: true });
				expect(error.message).toBe(
					'Cleanlist takes no further request within the minute that a tool may take',
				);
				expect(error.description).toContain('nothing was charged');
			}
			expect(waits).toEqual([]);
			expect(limited.reference.recorder.page(10, null).total).toBe(1);
		});

		it.each([0, -1, 1441, 'soon', null])(
			'of %s minutes is refused before anything is sent',
			async (waitUpTo) => {
				const { error } = await bench.run(enrich({ waitUpTo: `={{ ${JSON.stringify(waitUpTo)} }}` }), {
					items: people(2),
				});
				expect(error.message).toMatch(/'Wait Up To' is .* minutes/);
				const { json } = await bench.run(enrich({ waitUpTo: `={{ ${JSON.stringify(waitUpTo)} }}` }), {
					items: people(2),
					onError: 'continueRegularOutput',
				});
				expect(json).toHaveLength(2);
				expect(waits).toEqual([]);
			},
		);
	});

	describe('refused', () => {
		it.each([
			['an unknown type', { enrichmentType: 'phones' }, {}, 'There is no enrichment type "phones"'],
			[
				'no chosen field',
				{ output: 'selectedFields', outputFields: '={{ [] }}' },
				{},
				'No fields are chosen',
			],
			['251 in a request', { options: { contactsPerRequest: 251 } }, {}, /takes 1 to 250/],
			['a wrong key', {}, { api: 'wrong' }, 'Cleanlist does not accept the API key'],
			['too few credits', {}, { api: 'poor' }, 'Not enough Cleanlist credits: 21 are missing'],
			['a key that may not read', {}, { api: 'reader' }, 'The API key lacks the scope enrich:read'],
		])('with %s', async (_, parameters, options, message) => {
			const { error } = await bench.run(enrich(parameters), { items: people(2), ...options });
			expect(error.message).toMatch(message);
			const continued = await bench.run(enrich(parameters), {
				items: people(2),
				onError: 'continueRegularOutput',
				...options,
			});
			expect(continued.json).toEqual(
				Array(2).fill(expect.objectContaining({ error: expect.stringMatching(message) })),
			);
			expect(continued.items.map((item) => item.pairedItem)).toEqual(indexes(2));
		});

		it('by a key that may not read, it says what was sent', async () => {
			const { error } = await bench.run(enrich(), { items: people(2), api: 'reader' });
			expect(error.description).toMatch(/2 contacts of this run had already been submitted .*public_bulk_/);
		});
	});

	/** Requests that the API's log says it refused for their number. */
	const refused = ({ reference }: Bench) =>
		reference.recorder.page(1_000, null).requests.filter(({ status }) => status === 429).length;

	it('would be refused by the limit if it did not keep to it, and waits then as long as the API says', async () => {
		const unlimited = await another({ limits: VENDOR_LIMITS, requestsPerMinute: 0 });
		const { json } = await unlimited.run(enrich({ waitUpTo: 10 }), { items: people(60) });
		expect(json.filter(({ status }) => status === 'timeout')).toEqual([]);
		expect(refused(unlimited)).toBeGreaterThan(0);
	});

	it('stays under the limit of 30 requests a minute, so that none is refused', async () => {
		const limited = await another({ limits: VENDOR_LIMITS, requestsPerMinute: 30 });
		const { json } = await limited.run(enrich({ waitUpTo: 10 }), { items: people(120) });
		expect(json.filter(({ status }) => status === 'timeout')).toEqual([]);
		expect(refused(limited)).toBe(0);
		const took = limited.clock.now() - Date.UTC(2026, 0, 5, 9);
		expect(took).toBeGreaterThan(3 * 60_000);
		expect(took).toBeLessThan(5 * 60_000);
	});

	it.each(['many', '', -1, 0.5])(
		'stays under it with %j in the credential, which is no number of requests',
		async (requestsPerMinute) => {
			const limited = await another({
				limits: VENDOR_LIMITS,
				requestsPerMinute: requestsPerMinute as number,
			});
			await limited.run({ resource: 'account', operation: 'getCreditBalance' }, { items: people(35) });
			expect(limited.reference.recorder.page(1_000, null).total).toBe(35);
			expect(refused(limited)).toBe(0);
		},
	);

	it('returns in time what the limit on requests let it fetch', async () => {
		const limited = await another({ limits: VENDOR_LIMITS, requestsPerMinute: 30 });
		const { json } = await limited.run(enrich({ waitUpTo: 1 }), { items: people(60) });
		const inTime = json.filter(({ status }) => status !== 'timeout').length;
		expect(inTime).toBeGreaterThan(20);
		expect(inTime).toBeLessThan(30);
		expect(json.slice(inTime).every(({ status, task_id }) => status === 'timeout' && task_id)).toBe(true);
		expect(limited.clock.now() - Date.UTC(2026, 0, 5, 9)).toBeLessThanOrEqual(60_000);
	});
});
