import type { IDataObject } from 'n8n-workflow';
import { startBench } from './support/bench.ts';
import type { Bench } from './support/bench.ts';

const contact = { linkedin_url: 'https://www.linkedin.com/in/ada-example' };
/** Different people: the same one would be sent once. */
const contacts = (count: number) =>
	Array.from({ length: count }, (_, n) => ({ linkedin_url: `${contact.linkedin_url}-${n}` }));
const id = (value: string) => ({ __rl: true, mode: 'id', value });
const lists: IDataObject = { resource: 'leadList', operation: 'getAll' };
const createList: IDataObject = { resource: 'leadList', operation: 'create', name: '={{ $json.name }}' };
const onList = (operation: string, list: string, more: IDataObject = {}): IDataObject => ({
	resource: 'leadList',
	operation,
	leadList: id(list),
	...more,
});
const start = (more: IDataObject = {}): IDataObject => ({
	resource: 'enrichment',
	operation: 'start',
	enrichmentType: 'partial',
	delivery: 'poll',
	inputMode: 'json',
	contactsJson: '={{ $json }}',
	...more,
});

describe('what the API refuses', () => {
	let bench: Bench;
	beforeAll(async () => {
		bench = await startBench({
			api: { credits: 100_000 },
			reader: { scopes: ['lists:read', 'credits:read'] },
			nothing: { scopes: [] },
			free: { tier: 'free' },
			appsumo: { tier: 'free', appsumoTier: 5 },
			poor: { credits: 3 },
			blind: { credits: 3, scopes: ['enrich:write'] },
		});
	});
	afterAll(() => bench.close());

	/** Runs it on two items: the first must stop the run, and with "continue" each item has its one error item. */
	async function refused(api: string, parameters: IDataObject, items: IDataObject[] = [contact, contact]) {
		const { error, run } = await bench.run(parameters, { api, items });
		expect(run.status).toBe('error');
		const continued = await bench.run(parameters, { api, items, onError: 'continueRegularOutput' });
		expect(continued.items.map((item) => item.pairedItem)).toEqual(items.map((_, item) => ({ item })));
		for (const json of continued.json) expect(json).toMatchObject({ error: error.message });
		return error;
	}

	it('a wrong key, in both formats', async () => {
		for (const parameters of [lists, start()]) {
			const error = await refused('wrong', parameters);
			expect(error).toMatchObject({
				name: 'NodeApiError',
				httpCode: '401',
				message: 'Cleanlist does not accept the API key',
			});
			expect(error.description).toContain('paste a key that starts with clapi_');
			expect(error.context.itemIndex).toBe(0);
		}
	});

	it('a key without the scope, naming it and the granted ones', async () => {
		const error = await refused('reader', createList, [{ name: 'A' }, { name: 'B' }]);
		expect(error.message).toBe('The API key lacks the scope lists:write');
		expect(error.description).toContain('It was granted: lists:read, credits:read.');
		expect(error.description).toContain('administrator');
		expect(error.description).toMatch(/req_\S+/);
		expect((await refused('nothing', lists)).description).toContain('no scope at all');
	});

	it('a key without the scope, in the older format', async () => {
		const error = await refused('reader', start());
		expect(error.message).toBe('The API key lacks the scope enrich:write');
		expect(error.description).toContain('lists:read, credits:read');
	});

	it('a plan without the API, in both formats', async () => {
		for (const parameters of [lists, start()]) {
			const error = await refused('free', parameters);
			expect(error).toMatchObject({
				httpCode: '403',
				message: 'The Cleanlist plan does not include the API',
			});
			expect(error.description).toContain('Pro plan or above, or an AppSumo licence of tier 5');
		}
		expect((await bench.run(lists, { api: 'appsumo' })).error).toBeUndefined();
	});

	it('a run that costs more than there is, with the shortfall', async () => {
		const items = contacts(5);
		const error = await refused('poor', start(), items);
		expect(error).toMatchObject({ httpCode: '402', message: 'Not enough Cleanlist credits: 2 are missing' });
		expect(error.description).toContain('may cost up to 5 credits');
		expect(error.description).toContain('3 are available');
		expect((await bench.run(start({ enrichmentType: 'full' }), { api: 'poor', items })).error.message).toBe(
			'Not enough Cleanlist credits: 52 are missing',
		);
	});

	it('the same for a key that may not see the balance', async () => {
		const error = await refused('blind', start(), contacts(5));
		expect(error.message).toBe('Not enough Cleanlist credits');
		expect(error.description).toContain('Buy credits');
	});

	it('a list that there is not', async () => {
		const unknown = '3f2b8c1e-7d4a-4b57-9a39-1f0c5f3d2e6a';
		for (const parameters of [
			onList('get', unknown),
			onList('delete', unknown),
			onList('update', unknown, { updateFields: { name: 'X' } }),
			{ resource: 'lead', operation: 'getAll', leadList: id(unknown) },
		]) {
			const error = await refused('api', parameters);
			expect(error).toMatchObject({ httpCode: '404', message: 'The lead list was not found' });
			expect(error.description).toContain(unknown);
			expect(error.description).toContain("'Lead List'");
		}
	});

	it('a folder that there is not', async () => {
		const error = await refused('api', { ...createList, additionalFields: { folderId: 'nowhere' } }, [
			{ name: 'In a folder' },
		]);
		expect(error).toMatchObject({ httpCode: '404', message: 'The folder was not found' });
		expect(error.description).toContain("'Folder ID'");
	});

	it('changes to the protected list', async () => {
		await bench.run(start(), { items: [contact] });
		const [list] = (await bench.run(lists)).json.filter(({ name }) => name === 'Extension Leads');
		for (const parameters of [
			onList('delete', list!.list_id as string),
			onList('update', list!.list_id as string, { updateFields: { name: 'Mine' } }),
		]) {
			const error = await refused('api', parameters);
			expect(error).toMatchObject({ httpCode: '403', message: 'The lead list is protected' });
			expect(error.description).toContain('can not be renamed, moved or deleted');
		}
	});

	it('a malformed JSON body', async () => {
		const text = '{"linkedin_url": ';
		const error = await refused('api', start({ contactsJson: '={{ $json.text }}' }), [{ text }, { text }]);
		expect(error.message).toContain('not valid JSON');
		expect(error.description).toContain('{"linkedin_url": "…"}');
		expect(error.context.itemIndex).toBe(0);
	});

	it('251 contacts in one request: the node sends two, and refuses to send more in one', async () => {
		const items = contacts(251);
		const { json } = await bench.run(start(), { items });
		expect(new Set(json.map(({ workflow_id }) => workflow_id)).size).toBe(2);
		expect(new Set(json.map(({ task_id }) => task_id)).size).toBe(251);
		const { error } = await bench.run(start({ options: { contactsPerRequest: 251 } }), { items });
		expect(error.message).toBe(
			"'Contacts per Request' is 251, and Cleanlist takes 1 to 250 contacts in a request",
		);
	});

	it('a name of 201 characters, on its item', async () => {
		const items = [{ name: 'Good' }, { name: 'n'.repeat(201) }, { name: 'Good too' }];
		const { error } = await bench.run(createList, { items });
		expect(error.message).toBe('The name of the lead list has 201 characters, and 200 are allowed');
		expect(error.context.itemIndex).toBe(1);
		const { json } = await bench.run(createList, { items, onError: 'continueRegularOutput' });
		expect(json.map((entry) => 'error' in entry)).toEqual([false, true, false]);
	});

	it('an API that is not there', async () => {
		const error = await refused('nowhere', start());
		expect(error.message).toBe('Cleanlist could not be reached');
		expect(error.description).toContain('ECONNREFUSED');
		expect(error.description).toContain('nothing was charged');
	});
});

describe('the credentials', () => {
	let bench: Bench;
	beforeAll(async () => {
		bench = await startBench();
	});
	afterAll(() => bench.close());

	it('test a Cleanlist key with whoami, whatever slashes and blanks were pasted', async () => {
		expect(await bench.engine.testCredential('api')).toMatchObject({ status: 'OK' });
		expect(await bench.engine.testCredential('wrong')).toMatchObject({ status: 'Error' });
	});
});
