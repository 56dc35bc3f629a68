import type { IDataObject } from 'n8n-workflow';
import { startBench } from './support/bench.ts';
import type { Bench } from './support/bench.ts';
import { CASES, makeWorld } from './support/operations.ts';
import type { World } from './support/operations.ts';
import { liveIn } from './support/virtual-time.ts';

jest.mock('../../nodes/Cleanlist/transport/clock.ts', () => ({ now: jest.fn() }));
jest.mock('../../nodes/Cleanlist/transport/pause.ts', () => ({ pause: jest.fn() }));

/** Around the contacts of one request, and many. */
const COUNTS = [1, 250, 251, 2_000];

describe.each(Object.entries(CASES))(
	'%s',
	(name, { parameters, item = (): IDataObject => ({}), binary, many }) => {
		const [resource, operation] = name.split('/');
		let bench: Bench;
		let world: World;
		beforeAll(async () => {
			bench = await startBench({ api: { credits: 10_000_000 } });
			liveIn(bench.clock);
			world = await makeWorld(bench, bench.accounts.api!);
		});
		afterAll(() => bench.close());

		it.each(COUNTS)(
			'answers %i items, each on its own, in order',
			async (count) => {
				const items: IDataObject[] = [];
				for (let n = 0; n < count; n++) items.push(await item(world, n));
				const { run, items: out } = await bench.run(
					{ resource, operation, ...parameters },
					{ items, binaries: items.map(() => binary) },
				);
				expect(run.data.resultData.error).toBeUndefined();
				const linked = out.map(({ pairedItem }) => (pairedItem as { item: number }).item);
				const every = items.map((_, index) => index);
				expect(many ? [...new Set(linked)] : linked).toEqual(every);
				expect(out.filter(({ json }) => json.error !== undefined)).toEqual([]);
			},
			120_000,
		);
	},
);
