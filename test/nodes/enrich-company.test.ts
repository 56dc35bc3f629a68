import type { IDataObject } from 'n8n-workflow';
import { startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';

const SIMPLE = [
	'found',
	'name',
	'domain',
	'industry',
	'employee_count',
	'revenue_range',
	'hq_location',
	'linkedin_url',
	'company_id',
	'credits_used',
];

describe('Enrichment → Enrich Company', () => {
	let bench: Bench;
	beforeEach(async () => {
		bench = await startBench({ poor: { credits: 0 }, reader: { scopes: ['lists:read'] } });
	});
	afterEach(() => bench.close());

	const enrich = (parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run(
			{
				resource: 'enrichment',
				operation: 'enrichCompany',
				companyDomain: '={{ $json.domain }}',
				companyName: '={{ $json.name }}',
				...parameters,
			},
			options,
		);
	const credits = async () =>
		(await bench.accounts.api!.get('/api/v2/credits/balance')).body.credits as number;
	const domains = (count: number) => Array.from({ length: count }, (_, n) => ({ domain: `c${n}.example` }));

	it('finds each out, and charges what it says', async () => {
		const before = await credits();
		const { json, items } = await enrich({}, { items: domains(20) });
		expect(items.map((item) => item.pairedItem)).toEqual(domains(20).map((_, item) => ({ item })));
		for (const item of json) {
			expect(Object.keys(item)).toEqual(SIMPLE);
			expect(item.credits_used).toBe(item.found ? 1 : 0);
		}
		const found = json.filter((item) => item.found);
		expect(found.length).toBeGreaterThan(0);
		expect(before - (await credits())).toBe(found.length);
		expect(found[0]).toMatchObject({ name: expect.any(String), company_id: expect.any(String) });
		const again = await enrich({ additionalFields: { companyId: found[0]!.company_id as string } });
		expect(again.json[0]).toMatchObject({ name: found[0]!.name });
	});

	it('asks once about a company that several items are of, however it is written', async () => {
		const before = await credits();
		const items = ['globex.com', 'https://www.Globex.com/about', ' GLOBEX.com '].map((domain) => ({
			domain,
		}));
		const { json } = await enrich({}, { items });
		expect(json[0]).toMatchObject({ found: true, credits_used: 1 });
		expect(json.slice(1)).toEqual(Array(2).fill({ ...json[0], credits_used: 0 }));
		expect(before - (await credits())).toBe(1);
		await enrich({ options: { sendDuplicatesOnce: false } }, { items });
		expect(before - (await credits())).toBe(4);
	});

	it('asks about each company by its name where the domain column holds no domain', async () => {
		const names = ['Acme', 'Globex', 'Initech'];
		const items = names.map((name, n) => ({ name, domain: ['N/A', '-', 'N/A'][n] }));
		const { json } = await enrich({}, { items });
		expect(json.map(({ name }) => name)).toEqual(names);
	});

	it('gives the whole record, or chosen fields of it', async () => {
		const { json: raw } = await enrich({ output: 'raw' }, { items: [{ domain: 'globex.com' }] });
		expect(Object.keys(raw[0]!).sort()).toEqual(['company', 'credits_charged']);
		const { json } = await enrich(
			{ output: 'selectedFields', outputFields: ['tech_stack', 'funding_stage'] },
			{ items: [{ domain: 'globex.com' }] },
		);
		expect(Object.keys(json[0]!)).toEqual(['tech_stack', 'funding_stage', 'company_id']);
		expect(json[0]!.tech_stack).toEqual(expect.any(Array));
	});

	it('reports an item that says nothing, or stops before anything is sent', async () => {
		const items = [{ name: ' ' }, { domain: 'globex.com' }];
		const { json } = await enrich({}, { items });
		expect(json).toEqual([
			{
				found: false,
				status: 'not_sent',
				reason: 'A company needs a domain, a name, a ticker or an ID.',
				company_id: null,
				credits_used: 0,
			},
			expect.objectContaining({ found: true }),
		]);
		const before = await credits();
		const { error } = await enrich({ options: { whenNotSendable: 'stop' } }, { items: items.toReversed() });
		expect(error.context).toMatchObject({ itemIndex: 1, cleanlist: { parameter: 'Company Domain' } });
		expect(await credits()).toBe(before);
	});

	it.each([
		['a wrong key', { api: 'wrong' }, 'Cleanlist does not accept the API key'],
		['no credits', { api: 'poor' }, 'Not enough Cleanlist credits: 1 are missing'],
		['no scope', { api: 'reader' }, 'The API key lacks the scope enrich:write'],
	])('refuses %s', async (_, options: RunOptions, message) => {
		expect((await enrich({}, { items: domains(1), ...options })).error.message).toBe(message);
		const { json } = await enrich({}, { items: domains(2), onError: 'continueRegularOutput', ...options });
		expect(json.map((item) => item.error)).toEqual([message, message]);
	});

	it('refuses an empty choice of fields', async () => {
		const { error } = await enrich(
			{ output: 'selectedFields', outputFields: '={{ [] }}' },
			{ items: domains(1) },
		);
		expect(error.message).toBe('No fields are chosen');
	});
});
