import { allCases } from './cases.ts';
import { ENDPOINTS, PREFIXES } from './contract.ts';
import { startTarget } from './reference-target.ts';
import { run } from './run.ts';
import { World } from './world.ts';

/** The reference API, over HTTP and from outside, held against the contract data case by case. */

const CASES = allCases();
let target: Awaited<ReturnType<typeof startTarget>>;
const worlds = new Map<string, World>();

beforeAll(async () => {
	target = await startTarget();
	for (const prefix of PREFIXES) worlds.set(prefix, new World(target, prefix));
});
afterAll(() => target.close());

describe.each(ENDPOINTS.flatMap(({ method, paths }) => paths.map((path) => ({ method, path }))))(
	'$method $path',
	({ method, path }) => {
		const cases = CASES.filter((one) => one.path === path && one.endpoint.method === method);

		it.each(cases)('$title: $status', async (one) => {
			const outcome = await run(one, worlds.get(one.prefix)!);
			expect(outcome).toEqual({ status: one.status, differences: [] });
		});
	},
);
