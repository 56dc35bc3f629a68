import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReferenceApi } from '../../relay/src/reference/description/openapi.ts';
import { UNSCOPED } from '../../relay/src/reference/routes/unscoped.ts';
import { allCases } from './cases.ts';
import { ENDPOINTS, PREFIXES } from './contract.ts';
import { coverageOf } from './coverage.ts';
import { createRecord } from './record.ts';
import { startTarget } from './reference-target.ts';
import { run } from './run.ts';
import { World } from './world.ts';

/** The reference API, over HTTP and from outside, held against the contract data case by case. */

const COVERAGE_FILE = join(__dirname, '../../docs/reference-coverage.md');
const CASES = allCases();
const record = createRecord();
const worlds = new Map<string, World>();
let target: Awaited<ReturnType<typeof startTarget>>;

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
			if (outcome.status !== undefined) record.add(one.endpoint.name, one.prefix, outcome.status);
			expect(outcome).toEqual({ status: one.status, differences: [] });
		});
	},
);

const NOT_SERVED = PREFIXES.flatMap((prefix) => UNSCOPED.map(({ path }) => prefix + path));
it.each(NOT_SERVED)('%s: 501, in the format of v2', async (path) => {
	const reply = await target.send({ method: 'POST', path, body: {} }, 'caller');
	expect([reply.status, reply.body.error.code]).toEqual([501, 'not_implemented']);
});

/** Last, for it is about all of the above. */
describe('docs/reference-coverage.md', () => {
	let coverage: ReturnType<typeof coverageOf>;

	beforeAll(async () => {
		const reply = await target.send({ method: 'GET', path: '/docs/openapi.json' }, 'nobody');
		coverage = coverageOf(record.produced(), reply.body as ReferenceApi);
		// `npm run docs:coverage`
		if (process.env.WRITE_COVERAGE) writeFileSync(COVERAGE_FILE, coverage.markdown);
	});

	it('leaves no operation without a test, and no status without one or a reason', () => {
		expect(coverage.gaps).toEqual([]);
	});

	it('is what this run produced; if not, run npm run docs:coverage', () => {
		expect(coverage.markdown).toBe(readFileSync(COVERAGE_FILE, 'utf8'));
	});
});
