import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { IDataObject } from 'n8n-workflow';
import { RESOURCES } from '../../nodes/Cleanlist/actions/resources.ts';
import { scopesOf } from '../../nodes/Cleanlist/actions/operation.ts';
import { SCOPES } from '../../relay/src/contract/index.ts';
import type { Scope } from '../../relay/src/contract/index.ts';
import { SET_NODE, itemsOf } from '../support/n8n-engine.ts';
import { startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';
import { mismatches } from './support/json-schema.ts';
import type { JsonSchema } from './support/json-schema.ts';
import { CASES, makeWorld } from './support/operations.ts';
import type { Case, World } from './support/operations.ts';
import { liveIn } from './support/virtual-time.ts';

jest.mock('../../nodes/Cleanlist/transport/clock.ts', () => ({ now: jest.fn() }));
jest.mock('../../nodes/Cleanlist/transport/pause.ts', () => ({ pause: jest.fn() }));

const operations = RESOURCES.flatMap(({ value: resource, operations: own }) =>
	own.map((operation) => ({ name: `${resource}/${operation.value}`, resource, operation })),
);
const schemaOf = (name: string) =>
	JSON.parse(
		readFileSync(join(resolve(__dirname, '../../nodes/Cleanlist/__schema__/v1.0.0'), `${name}.json`), 'utf8'),
	) as JsonSchema;

it('every operation is among these, with at least three things that it refuses', () => {
	expect(Object.keys(CASES).sort()).toEqual(operations.map(({ name }) => name).sort());
	for (const [name, { bad }] of Object.entries(CASES)) {
		expect([name, bad.length]).toEqual([name, expect.any(Number)]);
		expect(bad.length).toBeGreaterThanOrEqual(3);
		expect(new Set(bad.map(([what]) => what)).size).toBe(bad.length);
	}
});

describe.each(operations)('$name', ({ name, resource, operation }) => {
	const {
		parameters,
		item = (): IDataObject => ({}),
		binary,
		many,
		spoilt,
		bad,
		unusedScopes = [],
	} = CASES[name] as Case;
	const scopes = scopesOf(operation);
	let bench: Bench;
	let world: World;
	beforeAll(async () => {
		bench = await startBench({ poor: { credits: 0 } });
		liveIn(bench.clock);
		world = await makeWorld(bench, bench.accounts.api!);
	});
	afterAll(() => bench.close());

	const run = async (
		count: number,
		{ credential, ...more }: IDataObject = {},
		options: RunOptions = {},
		of = world,
		besides: IDataObject[] = [],
	) => {
		const items: IDataObject[] = [];
		for (let n = 0; n < count; n++) items.push({ n, ...(await item(of, n)), ...besides[n] });
		const result = await bench.run(
			{ resource, operation: operation.value, ...parameters, ...more },
			{
				items,
				binaries: items.map(() => binary),
				...(typeof credential === 'string' && { api: credential }),
				...options,
			},
		);
		return { ...result, given: items };
	};

	it('does it for every item, and links what it puts out to the item, which it leaves as it was', async () => {
		const {
			items,
			json,
			given,
			run: whole,
			error,
		} = await run(
			3,
			{},
			{
				after: [
					{ name: 'Out', type: SET_NODE, parameters: { fields: { n: "={{ $('Items').item.json.n }}" } } },
				],
			},
		);
		expect(error).toBeUndefined();
		const linked = items.map(({ pairedItem }) => (pairedItem as { item: number }).item);
		if (many) expect([...new Set(linked)]).toEqual([0, 1, 2]);
		else expect(linked).toEqual([0, 1, 2]);
		expect(linked).toEqual(linked.toSorted());
		expect(itemsOf(whole, 'Out').map((out) => out.json.n)).toEqual(linked);
		expect(itemsOf(whole, 'Items').map((each) => each.json)).toEqual(given);
		for (const out of json) {
			expect(Object.keys(out).length).toBeLessThanOrEqual(10);
			expect(mismatches(schemaOf(name), out)).toEqual([]);
		}
	});

	it('puts the same out as a tool, and little of it', async () => {
		const { json, error } = await run(1, {}, { asTool: true });
		expect(error).toBeUndefined();
		expect(json.length).toBeGreaterThan(0);
		for (const out of json) expect(JSON.stringify(out).length).toBeLessThan(2_000);
		expect(JSON.stringify(json)).not.toContain('agent_instructions');
	});

	it('does nothing with no items', async () => {
		const before = bench.reference.recorder.page(1, null).requests[0]?.id;
		const { run: whole, items } = await run(0);
		expect([whole.status, items]).toEqual(['success', []]);
		expect(bench.reference.recorder.page(1, null).requests[0]?.id).toBe(before);
	});

	it.each(bad)('refuses %s: it stops there, or puts out an item that says so', async (_, more, message) => {
		const stopped = await run(2, more);
		expect(stopped.error.message).toMatch(message);
		expect(stopped.error.description).toMatch(/\S/);
		// n8n asks not to dwell on it, but to say what to do. What is quoted are values.
		const words = `${stopped.error.message} ${stopped.error.description}`.replace(/'[^']*'/g, '');
		expect(words).not.toMatch(/\b(error|problem|failure|mistake)s?\b|undefined|\[object/i);
		expect(stopped.error.context.itemIndex).toBe(0);
		const { json, items } = await run(2, more, { onError: 'continueRegularOutput' });
		expect(json.map((out) => out.error)).toEqual(Array(2).fill(expect.stringMatching(message)));
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		const { json: good, errorItems } = await run(2, more, { onError: 'continueErrorOutput' });
		expect(good).toEqual([]);
		expect(errorItems.map((out) => out.json.n)).toEqual([0, 1]);
	});

	if (spoilt) {
		it('puts out one item that says so for an item that is refused, and does it for the others', async () => {
			const { items } = await run(3, {}, { onError: 'continueRegularOutput' }, world, [{}, spoilt, {}]);
			const of = (item: number) =>
				items.filter(({ pairedItem }) => (pairedItem as { item: number }).item === item);
			expect(of(1).map(({ json }) => json.error ?? json.reason)).toEqual([expect.stringMatching(/\S/)]);
			for (const item of [0, 2]) {
				expect(of(item).length).toBeGreaterThan(0);
				expect(of(item).filter(({ json }) => json.error !== undefined)).toEqual([]);
			}
		});
	} else {
		it('has nothing to read from an item', () => expect(parameters).toEqual({}));
	}

	it.each([
		['says 429', { type: 'rate_limit', retry_after_s: 20 }],
		['says 503', { type: 'status', status: 503 }],
		['does not answer', { type: 'empty_reply' }],
	] as const)('keeps an agent waiting for a minute at most, though the API always %s', async (_, fault) => {
		const stormy = await startBench();
		try {
			liveIn(stormy.clock);
			const there = await makeWorld(stormy, stormy.accounts.api!);
			const items: IDataObject[] = [];
			for (let n = 0; n < 3; n++) items.push(await item(there, n));
			stormy.reference.control.fault({ match: {}, times: 1_000, fault });
			const began = stormy.clock.now();
			const result = await stormy.run(
				{ resource, operation: operation.value, ...parameters },
				{ items, binaries: items.map(() => binary), asTool: true, onError: 'continueRegularOutput' },
			);
			expect(stormy.clock.now() - began).toBeLessThanOrEqual(60_000);
			expect(result.json.map((out) => out.error)).toEqual(Array(3).fill(expect.stringMatching(/\S/)));
		} finally {
			await stormy.close();
			liveIn(bench.clock);
		}
	});

	it(`needs the scopes it says (${scopes.join(', ') || 'none'}), and no other`, async () => {
		const { organizationId } = bench.accounts.api!;
		const owning = async (account: string, granted: Scope[]) =>
			makeWorld(
				bench,
				bench.accounts.api!,
				await bench.addAccount(account, { organizationId, scopes: granted }),
			);
		const enough = scopes.filter((scope) => !unusedScopes.includes(scope));
		const { error } = await run(1, {}, { api: 'enough' }, await owning('enough', enough));
		expect(error?.message).toBeUndefined();
		for (const missing of enough) {
			const others = SCOPES.filter((scope) => scope !== missing);
			const refused = await run(1, {}, { api: `no ${missing}` }, await owning(`no ${missing}`, others));
			expect(refused.error?.message).toBe(`The API key lacks the scope ${missing}`);
			expect(refused.error.description).toMatch(/It was granted: |your scopes are: /);
		}
	});
});
