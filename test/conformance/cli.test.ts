import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { createReferenceApi } from '../../relay/src/reference/testing.ts';
import type { ReferenceApi } from '../../relay/src/reference/testing.ts';

const CLI = join(__dirname, 'cli.ts');

/** `npm run conformance -- …`, which is a process that knows the API by its address only. */
const conformance = (args: string[], env: Record<string, string> = {}) =>
	new Promise<{ code: number; out: string; err: string }>((resolve) => {
		const { PATH } = process.env;
		execFile(process.execPath, [CLI, ...args], { env: { PATH, ...env } }, (error, out, err) => {
			resolve({ code: (error?.code as number | undefined) ?? 0, out, err });
		});
	});

let api: ReferenceApi;
beforeAll(async () => void (api = await createReferenceApi()));
beforeEach(() => api.control.reset());
afterAll(() => api.close());

/** Against an API of its own process: the flags that everybody needs, and no pause, since there is no rate limit. */
const against = (...more: string[]) =>
	conformance(['--base-url', `${api.url}/api/v2`, '--pause', '0', ...more], { CLEANLIST_API_KEY: api.key });

/** Of the operations that spend or change something. */
const changes = () => {
	const { workflows, enrichment_runs, smart_agent_runs, lists, leads } = api.control.state().counts;
	return { workflows, enrichment_runs, smart_agent_runs, lists, leads };
};

it('reads only by default, finds nothing that differs, and shows no key', async () => {
	const before = changes();

	const { code, out, err } = await against();

	expect([code, err]).toEqual([0, '']);
	expect(out).toMatch(/No differences\.[^]* 0 differ/);
	expect(Number(/(\d+) as the contract says/.exec(out)![1])).toBeGreaterThan(300);
	expect(out).toMatch(/needs --allow-paid[^]*needs --allow-writes/);
	expect(out).not.toContain(api.key);
	expect(changes()).toEqual(before);
	// Not even as a request that is to be refused: the API under test may take it.
	const sent = new Set(api.control.requests().map(({ method, operation }) => `${method} ${operation}`));
	expect([...sent].filter((one) => !one.startsWith('GET ')).sort()).toEqual([
		'POST credits_estimate',
		'POST export_csv',
	]);
});

it('makes lists only when it may, and takes them away again', async () => {
	const before = changes().lists;

	const { code, out } = await against('--allow-writes', '--operation', 'create_list');

	expect(code).toBe(0);
	expect(out).toMatch(/ 0 differ/);
	expect(out).not.toContain('needs --allow-writes');
	const operations = api.control.requests().map(({ operation }) => operation);
	expect(operations).toContain('create_list');
	expect(operations).toContain('delete_list');
	expect(changes().lists).toBe(before);
});

it('spends credits only when it may', async () => {
	const { code, out } = await against('--allow-paid', '--operation', 'enrich_person');

	expect(code).toBe(0);
	expect(out).toMatch(/ 0 differ/);
	expect(changes().enrichment_runs).toBeGreaterThan(0);
});

it('reports what differs, and is no failure for it', async () => {
	api.control.behaviours({ v2_validation: '400_envelope' });

	const { code, out } = await against('--operation', 'list_lists', '--key', api.key);

	expect(code).toBe(0);
	expect(out).toMatch(/GET \/api\/v2\/lead-lists +\?limit=0 +answered 400, not 422[^]* 8 differ/);
});

it('says so when there is nobody, and takes wrong flags for a wrong call', async () => {
	const nobody = await conformance(['--base-url', 'http://127.0.0.1:9', '--pause', '0', '--key', 'clapi_x']);
	expect([nobody.code, nobody.err]).toEqual([0, expect.stringMatching(/can't be reached/)]);
	const wrong = await conformance(['--allow-everything']);
	expect([wrong.code, wrong.err]).toEqual([
		1,
		expect.stringMatching(/'--allow-everything'[^]*Usage: npm run conformance/),
	]);
	expect((await conformance([])).code).toBe(1);
	expect((await conformance(['--help'])).out).toMatch(/--allow-paid +also enrich/);
});
