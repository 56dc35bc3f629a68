import type { IDataObject } from 'n8n-workflow';
import { Cleanlist } from '../../index.ts';
import { CONTACT_PARAMETERS } from '../../nodes/Cleanlist/actions/enrichment/contacts.fields.ts';
import { BulkEnrichRequest } from '../../relay/src/contract/index.ts';
import { SET_NODE, itemsOf } from '../support/n8n-engine.ts';
import type { N8nEngine } from '../support/n8n-engine.ts';
import { cleanlistCredential, engineWith, runCleanlist } from './support/bench.ts';
import type { RunOptions } from './support/bench.ts';
import { RELAY_TOKEN, startRelayStub } from './support/relay-stub.ts';
import type { RelayStub } from './support/relay-stub.ts';
import { json, reset, startServer } from './support/scripted-server.ts';
import type { Answer, ScriptedServer } from './support/scripted-server.ts';

const BELOW = {
	inputMode: 'fields',
	linkedinUrl: '={{ $json.linkedin }}',
	firstName: '={{ $json.first }}',
	lastName: '={{ $json.last }}',
	companyDomain: '={{ $json.domain }}',
	companyName: '={{ $json.company }}',
	email: '={{ $json.email }}',
};
const JSON_MODE = { inputMode: 'json', contactsJson: '={{ $json.contacts }}' };
const start = (more: IDataObject = {}) => ({
	resource: 'enrichment',
	operation: 'start',
	enrichmentType: 'partial',
	delivery: 'poll',
	...BELOW,
	...more,
});
const person = (n: number) => ({ first: `First${n}`, last: 'Last', company: 'Acme' });
const people = (count: number) => Array.from({ length: count }, (_, n) => person(n));
const contactOf = (n: number) => ({ first_name: `First${n}`, last_name: 'Last', company_name: 'Acme' });

/** Takes contacts as the API does; the task ids say which contact they are for. */
const accept: Answer = (response, request, nth) => {
	const { contacts } = BulkEnrichRequest.parse(request.body);
	json(200, {
		workflow_id: `public_bulk_${nth}`,
		status: 'processing',
		message: 'Bulk enrichment started',
		task_ids: contacts.map((contact) => `task of ${contact.first_name ?? contact.linkedin_url}`),
		total_contacts: contacts.length,
	})(response, request, nth);
};

describe('Enrichment → Start', () => {
	let api: ScriptedServer;
	let relay: RelayStub;
	let engine: N8nEngine;
	beforeEach(async () => {
		api = await startServer(accept);
		relay = await startRelayStub();
		engine = engineWith({
			api: cleanlistCredential('clapi_x', `${api.url}/`),
			relay: { type: 'cleanlistRelayApi', data: { url: `${relay.url}/`, token: RELAY_TOKEN } },
		});
	});
	afterEach(async () => {
		await engine.close();
		await api.close();
		await relay.close();
	});
	const run = (parameters: IDataObject, options?: RunOptions) => runCleanlist(engine, parameters, options);
	const sent = () => api.seen.map(({ body }) => body as BulkEnrichRequest);

	it('sends the contacts of all items in one request, and answers each on its item', async () => {
		const {
			json: out,
			items,
			run: whole,
		} = await run(start(), {
			items: [
				person(0),
				{ linkedin: 'https://l/in/a', email: 'a@example.com' },
				{ ...person(2), first: 'Zoë 🚀' },
			],
			after: [
				{
					name: 'Out',
					type: SET_NODE,
					parameters: { fields: { of: "={{ $('Items').item.json.first }}", task: '={{ $json.task_id }}' } },
				},
			],
		});
		expect(api.seen).toHaveLength(1);
		expect(api.seen[0]).toMatchObject({
			method: 'POST',
			path: '/api/v1/public/enrich/bulk',
			headers: { authorization: 'Bearer clapi_x', 'content-type': 'application/json' },
		});
		const contacts = [
			contactOf(0),
			{ linkedin_url: 'https://l/in/a', email: 'a@example.com' },
			{ ...contactOf(2), first_name: 'Zoë 🚀' },
		];
		expect(sent()).toEqual([{ enrichment_type: 'partial', contacts }]);
		expect(out).toEqual(
			contacts.map((contact) => ({
				status: 'processing',
				workflow_id: 'public_bulk_1',
				task_id: `task of ${'first_name' in contact ? contact.first_name : contact.linkedin_url}`,
				contact,
			})),
		);
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }, { item: 2 }]);
		expect(itemsOf(whole, 'Out').map((item) => item.json)).toEqual([
			{ of: 'First0', task: 'task of First0' },
			{ of: undefined, task: 'task of https://l/in/a' },
			{ of: 'Zoë 🚀', task: 'task of Zoë 🚀' },
		]);
	});

	it.each([
		[1, [1]],
		[250, [250]],
		[251, [250, 1]],
		[601, [250, 250, 101]],
	])('sends %i contacts as %j, and answers in the order of the items', async (count, requests) => {
		const { json: out, items } = await run(start(), { items: people(count) });
		expect(sent().map(({ contacts }) => contacts.length)).toEqual(requests);
		expect(out.map(({ task_id }) => task_id)).toEqual(people(count).map(({ first }) => `task of ${first}`));
		expect(items.map((item) => item.pairedItem)).toEqual(people(count).map((_, item) => ({ item })));
		expect(new Set(out.map(({ workflow_id }) => workflow_id)).size).toBe(requests.length);
	});

	it('sends fewer in a request when told to', async () => {
		await run(start({ options: { contactsPerRequest: 2 } }), { items: people(5) });
		expect(sent().map(({ contacts }) => contacts.length)).toEqual([2, 2, 1]);
	});

	it.each([251, 0, -1, 1.5, 'many'])('refuses %s contacts per request, whatever the items', async (size) => {
		const continued = await run(start({ options: { contactsPerRequest: size } }), {
			items: people(3),
			onError: 'continueRegularOutput',
		});
		expect(continued.json).toEqual(
			Array(3).fill(expect.objectContaining({ details: { parameter: 'Contacts per Request' } })),
		);
		expect(continued.items.map((item) => item.pairedItem)).toEqual([0, 1, 2].map((item) => ({ item })));
		const stopped = await run(start({ options: { contactsPerRequest: size } }), { items: people(3) });
		expect(stopped.error.message).toMatch(/'Contacts per Request' is .*, and Cleanlist takes 1 to 250/);
		expect(stopped.error.description).toContain('whole number from 1 to 250');
		expect(api.seen).toEqual([]);
	});

	it('sends items of different enrichment types apart, and still answers in order', async () => {
		const { json: out } = await run(start({ enrichmentType: '={{ $json.type }}' }), {
			items: [
				{ ...person(0), type: 'full' },
				{ ...person(1), type: 'phone_only' },
				{ ...person(2), type: 'full' },
			],
		});
		expect(sent()).toEqual([
			{ enrichment_type: 'full', contacts: [contactOf(0), contactOf(2)] },
			{ enrichment_type: 'phone_only', contacts: [contactOf(1)] },
		]);
		expect(out.map(({ task_id }) => task_id)).toEqual(
			['First0', 'First1', 'First2'].map((n) => `task of ${n}`),
		);
	});

	it('refuses an enrichment type that there is not', async () => {
		const { error } = await run(start({ enrichmentType: '={{ $json.type }}' }), {
			items: [
				{ ...person(0), type: 'full' },
				{ ...person(1), type: 'phones' },
			],
		});
		expect(error.message).toBe('There is no enrichment type "phones"');
		expect(error.description).toContain('none, partial, phone_only, full');
		expect(error.context.itemIndex).toBe(1);
		expect(api.seen).toEqual([]);
	});

	it('does nothing with no items', async () => {
		const { run: whole } = await run(start(), { items: [] });
		expect(whole.status).toBe('success');
		expect(api.seen).toEqual([]);
	});

	describe('result delivery', () => {
		it('by the relay asks it once where it takes results in', async () => {
			await run(start({ delivery: 'relay' }), { items: people(601) });
			expect(relay.calls()).toEqual(['GET sources']);
			expect(sent().map(({ webhook_url }) => webhook_url)).toEqual(Array(3).fill(`${relay.url}/in/t0ken`));
		});

		it('by the relay fails before anything is sent when the relay can not be asked', async () => {
			relay.answer = json(401, { detail: 'no', code: 'unauthorized' });
			const { error } = await run(start({ delivery: 'relay' }), { items: people(2) });
			expect(error.message).toBe('The relay does not accept the token');
			const { json: out } = await run(start({ delivery: 'relay' }), {
				items: people(2),
				onError: 'continueRegularOutput',
			});
			expect(out).toHaveLength(2);
			expect(api.seen).toEqual([]);
		});

		it("tells what to do about the relay's URL when Cleanlist does not take it", async () => {
			api.answer = json(422, {
				detail: [{ loc: ['body', 'webhook_url'], msg: 'URL must be public', type: 'value_error' }],
			});
			const { error } = await run(start({ delivery: 'relay' }), { items: people(2) });
			expect(error.message).toBe("Cleanlist did not accept 'Result Delivery': URL must be public");
			expect(error.description).toContain('RELAY_PUBLIC_URL');
			const webhook = await run(start({ delivery: 'webhook', webhookUrl: 'https://10.0.0.1/' }), {
				items: people(2),
			});
			expect(webhook.error.message).toBe("Cleanlist did not accept 'Webhook URL': URL must be public");
			expect(webhook.error.description).toContain('Correct the value');
		});

		it('by webhook sends the URL, which may differ by item', async () => {
			await run(start({ delivery: 'webhook', webhookUrl: '={{ "https://example.com/" + $json.first }}' }), {
				items: [person(0), person(1), { ...person(2), first: 'First0', last: 'Other' }],
			});
			expect(sent().map(({ webhook_url, contacts }) => [webhook_url, contacts.length])).toEqual([
				['https://example.com/First0', 2],
				['https://example.com/First1', 1],
			]);
			expect(relay.seen).toEqual([]);
		});

		it.each(['', 'example.com/hook', 'ftp://example.com', 'https://'])(
			'by webhook refuses %j',
			async (url) => {
				const { error } = await run(start({ delivery: 'webhook', webhookUrl: `={{ '${url}' }}` }));
				expect(error.message).toContain('is not a URL');
				expect(error.description).toContain("'Webhook URL'");
				expect(api.seen).toEqual([]);
			},
		);

		it('later sends no URL and asks no relay', async () => {
			await run(start(), { items: people(1) });
			expect(sent()[0]).not.toHaveProperty('webhook_url');
			expect(relay.seen).toEqual([]);
		});
	});

	describe("a contact that can't be sent", () => {
		it('is reported on its item, in its place, and the others go on', async () => {
			const { json: out, items } = await run(start(), {
				items: [{ email: 'only@example.com' }, person(1), { first: 'A', last: 'B' }, person(3)],
			});
			expect(out.map(({ status }) => status)).toEqual(['not_sent', 'processing', 'not_sent', 'processing']);
			expect(out[0]).toEqual({
				status: 'not_sent',
				reason: expect.stringContaining('LinkedIn URL'),
				contact: { email: 'only@example.com' },
			});
			expect(items.map((item) => item.pairedItem)).toEqual([0, 1, 2, 3].map((item) => ({ item })));
			expect(sent()[0]!.contacts).toEqual([contactOf(1), contactOf(3)]);
		});

		it('means no request when there is no other', async () => {
			const { json: out } = await run(start({ delivery: 'relay' }), { items: [{}, {}] });
			expect(out.map(({ status }) => status)).toEqual(['not_sent', 'not_sent']);
			expect([...api.seen, ...relay.seen]).toEqual([]);
		});

		it('stops the run before anything is sent, on request', async () => {
			const { error } = await run(start({ options: { whenNotSendable: 'stop' } }), {
				items: [person(0), { first: 'A' }],
			});
			expect(error.message).toBe('The contact of this item can not be sent');
			expect(error.description).toContain('last name');
			expect(error.context.itemIndex).toBe(1);
			expect(api.seen).toEqual([]);
		});
	});

	describe('contacts as JSON', () => {
		it('may be one or many for an item', async () => {
			const { items } = await run(start(JSON_MODE), {
				items: [
					{ contacts: [contactOf(0), contactOf(1)] },
					{ contacts: contactOf(2) },
					{ contacts: JSON.stringify([contactOf(3)]) },
				],
			});
			expect(sent()[0]!.contacts).toEqual([0, 1, 2, 3].map(contactOf));
			expect(items.map((item) => item.pairedItem)).toEqual([0, 0, 1, 2].map((item) => ({ item })));
		});

		it('may be 601 on one item', async () => {
			const contacts = Array.from({ length: 601 }, (_, n) => contactOf(n));
			const { items } = await run(start(JSON_MODE), { items: [{ contacts }] });
			expect(sent().map((body) => body.contacts.length)).toEqual([250, 250, 101]);
			expect(items).toHaveLength(601);
			expect(items.every((item) => (item.pairedItem as { item: number }).item === 0)).toBe(true);
		});

		it('may be none, which is reported', async () => {
			const { json: out } = await run(start(JSON_MODE), {
				items: [{ contacts: [] }, { contacts: contactOf(1) }],
			});
			expect(out.map(({ status }) => status)).toEqual(['not_sent', 'processing']);
		});

		it('that is malformed stops the run before anything is sent', async () => {
			const { error } = await run(start(JSON_MODE), {
				items: [{ contacts: contactOf(0) }, { contacts: '{"first_name": ' }],
			});
			expect(error.message).toMatch(/The JSON in 'Contacts \(JSON\)' can not be used: it is not valid JSON/);
			expect(error.context.itemIndex).toBe(1);
			expect(api.seen).toEqual([]);
		});

		it('that is malformed gives one error item, and the others go on', async () => {
			const { json: out, items } = await run(start(JSON_MODE), {
				items: [{ contacts: contactOf(0) }, { contacts: '[}' }, { contacts: contactOf(2) }],
				onError: 'continueRegularOutput',
			});
			expect(out).toEqual([
				expect.objectContaining({ status: 'processing' }),
				expect.objectContaining({ error: expect.stringContaining('not valid JSON') }),
				expect.objectContaining({ status: 'processing' }),
			]);
			expect(items.map((item) => item.pairedItem)).toEqual([0, 1, 2].map((item) => ({ item })));
		});
	});

	describe('contacts by columns', () => {
		const BY_COLUMNS = { inputMode: 'columns', columns: { mappingMode: 'autoMapInputData', value: null } };

		it('are recognised by the usual headers, and the rest is left out', async () => {
			const { json: out } = await run(start(BY_COLUMNS), {
				items: [
					{ 'First Name': 'Zoë', 'Last Name': '🚀', Company: 'Acme', Email: 'z@acme.com', Notes: 'x' },
					{ firstName: 'Ada', lastName: 'Lovelace', Website: 'https://www.Acme.com/about?x=1' },
					{ first_name: 'Al', last_name: 'Bo', company_domain: 'b.example', Title: 'CEO' },
					{ LinkedIn: 'https://linkedin.com/in/x', 'LinkedIn URL': '' },
					{ Name: 'Maria del Mar Ruiz', Organization: 1800 },
					{ Notes: 'nobody', nested: { email: 'x' }, first_name: null },
				],
			});
			expect(sent()).toEqual([
				{
					enrichment_type: 'partial',
					contacts: [
						{ first_name: 'Zoë', last_name: '🚀', company_name: 'Acme', email: 'z@acme.com' },
						{ first_name: 'Ada', last_name: 'Lovelace', company_domain: 'acme.com' },
						{ first_name: 'Al', last_name: 'Bo', company_domain: 'b.example' },
						{ linkedin_url: 'https://linkedin.com/in/x' },
						{ first_name: 'Maria', last_name: 'del Mar Ruiz', company_name: '1800' },
					],
				},
			]);
			expect(out.map(({ status }) => status)).toEqual([...Array(5).fill('processing'), 'not_sent']);
		});

		it.each([
			['Lovelace, Ada', 'Ada', 'Lovelace'],
			['Lovelace,Ada King', 'Ada King', 'Lovelace'],
			['Ada Lovelace, PhD', 'Ada', 'Lovelace, PhD'],
			['Ada King Lovelace', 'Ada', 'King Lovelace'],
		])('have the names in %j', async (Name, first_name, last_name) => {
			await run(start(BY_COLUMNS), { items: [{ Name, Company: 'Acme' }] });
			expect(sent()[0]!.contacts).toEqual([{ first_name, last_name, company_name: 'Acme' }]);
		});

		it('may be mapped by hand, with expressions for each item', async () => {
			await run(
				start({
					inputMode: 'columns',
					columns: {
						mappingMode: 'defineBelow',
						value: { first_name: '={{ $json.a }}', last_name: 'Last', company_name: '={{ $json.b }}' },
						schema: [{ id: 'company_name', displayName: 'Company Name', type: 'string', required: false }],
					},
				}),
				{
					items: [
						{ a: 'A', b: 1 },
						{ a: 'B', b: 'Acme' },
					],
				},
			);
			expect(sent()[0]!.contacts).toEqual([
				{ first_name: 'A', last_name: 'Last', company_name: '1' },
				{ first_name: 'B', last_name: 'Last', company_name: 'Acme' },
			]);
		});

		it('are offered by the names that the API has for them', async () => {
			const { fields } = await new Cleanlist().methods.resourceMapping.getContactColumns();
			expect(fields.map(({ id }) => id)).toEqual(Object.keys(CONTACT_PARAMETERS));
		});
	});

	describe('duplicates', () => {
		const twice = [person(0), person(1), { ...person(0), first: ' FIRST0 ', company: 'ACME' }];

		it('are sent once, and answered on each of their items', async () => {
			const { json: out, items } = await run(start(), { items: twice });
			expect(sent()[0]!.contacts).toEqual([contactOf(0), contactOf(1)]);
			expect(out.map(({ task_id }) => task_id)).toEqual(
				['First0', 'First1', 'First0'].map((n) => `task of ${n}`),
			);
			expect(out[2]!.contact).toEqual({ first_name: 'FIRST0', last_name: 'Last', company_name: 'ACME' });
			expect(items.map((item) => item.pairedItem)).toEqual([0, 1, 2].map((item) => ({ item })));
		});

		it('are sent as often as they come when told to', async () => {
			await run(start({ options: { sendDuplicatesOnce: false } }), { items: twice });
			expect(sent()[0]!.contacts).toHaveLength(3);
		});

		it('are told by the profile, however its address is written', async () => {
			await run(start(), {
				items: [
					'https://www.linkedin.com/in/Zo%C3%AB/',
					'http://de.linkedin.com/in/zoë?trk=x',
					'linkedin.com/in/ZOË/details#a',
					'https://www.linkedin.com/in/zoe',
				].map((linkedin) => ({ linkedin })),
			});
			expect(sent()[0]!.contacts).toHaveLength(2);
		});

		it('are none where type, company or profile differ', async () => {
			await run(start({ enrichmentType: '={{ $json.type }}' }), {
				items: [
					{ ...person(0), type: 'full' },
					{ ...person(0), type: 'partial' },
					{ ...person(0), type: 'full', company: 'Other' },
					{ ...person(0), type: 'full', domain: 'acme.com' },
					{ ...person(0), type: 'full', linkedin: 'https://linkedin.com/in/x' },
				],
			});
			expect(sent().map(({ contacts }) => contacts.length)).toEqual([4, 1]);
		});

		it('are none where the LinkedIn column holds no profile of theirs', async () => {
			const notTheirs = ['N/A', 'https://www.linkedin.com/company/acme', 'https://www.linkedin.com/in/'];
			const items = notTheirs.flatMap((linkedin) => [
				{ ...person(0), linkedin },
				{ ...person(1), linkedin },
				{ ...person(1), linkedin },
			]);
			const { json: out } = await run(start(), { items });
			expect(sent()[0]!.contacts).toHaveLength(6);
			expect(out.map(({ task_id }) => task_id)).toEqual(items.map(({ first }) => `task of ${first}`));
		});

		it('are none where the domain column holds no domain', async () => {
			const items = ['N/A', '-', 'none', 'n.a.'].flatMap((domain) => [
				{ ...person(0), domain, company: 'Acme' },
				{ ...person(0), domain, company: 'Globex' },
			]);
			await run(start(), { items });
			expect(sent()[0]!.contacts).toEqual([contactOf(0), { ...contactOf(0), company_name: 'Globex' }]);
		});

		it('all get the error when their one request fails', async () => {
			api.answer = json(422, { detail: 'no' });
			const { json: out } = await run(start(), { items: twice, onError: 'continueRegularOutput' });
			expect(out).toEqual(Array(3).fill(expect.objectContaining({ error: 'no' })));
		});
	});

	describe('when a later request fails', () => {
		const failThird: Answer = (response, request, nth) =>
			(nth === 3 ? json(402, { detail: 'Insufficient credits' }) : accept)(response, request, nth);
		/** The request after a 402 asks for the balance. */
		const outOfCredits: Answer = (response, request, nth) =>
			(request.method === 'GET' ? json(200, { organization_id: 'o', credits: 40.5 }) : failThird)(
				response,
				request,
				nth,
			);

		it('the error names what was submitted, so that nothing paid is lost', async () => {
			api.answer = outOfCredits;
			const { error } = await run(start(), { items: people(601) });
			expect(error.message).toBe('Not enough Cleanlist credits: 60.5 are missing');
			expect(error.description).toContain('may cost up to 101 credits');
			expect(error.description).toContain('500 contacts of this run had already been submitted');
			expect(error.description).toContain('public_bulk_1, public_bulk_2');
			expect(error.context.itemIndex).toBe(500);
		});

		it('only its contacts get error items when the node continues', async () => {
			api.answer = outOfCredits;
			const { json: out, items } = await run(start(), {
				items: people(601),
				onError: 'continueRegularOutput',
			});
			expect(out).toHaveLength(601);
			expect(out.slice(0, 500).every(({ status }) => status === 'processing')).toBe(true);
			expect(out.slice(500).every(({ error }) => (error as string).startsWith('Not enough'))).toBe(true);
			expect(items.map((item) => item.pairedItem)).toEqual(people(601).map((_, item) => ({ item })));
		});

		it('an item with contacts in several failed requests still gets one error item', async () => {
			api.answer = (response, request, nth) => (nth === 1 ? accept : json(500, {}))(response, request, nth);
			const contacts = Array.from({ length: 601 }, (_, n) => contactOf(n));
			const { json: out } = await run(start(JSON_MODE), {
				items: [{ contacts }],
				onError: 'continueRegularOutput',
			});
			expect(out.filter(({ status }) => status === 'processing')).toHaveLength(250);
			expect(out.filter(({ error }) => error)).toHaveLength(1);
		});

		it('the balance that can not be read is left out', async () => {
			api.answer = (response, request, nth) =>
				json(request.method === 'GET' ? 403 : 402, { detail: 'Insufficient credits' })(
					response,
					request,
					nth,
				);
			const { error } = await run(start(), { items: people(1) });
			expect(error.message).toBe('Not enough Cleanlist credits');
			expect(error.description).not.toContain('submitted');
		});
	});

	describe('a request that may have been charged', () => {
		it('is not sent again after the connection broke, and says what is unknown', async () => {
			api.answer = reset;
			const { error } = await run(start(), { items: people(3) });
			expect(api.seen).toHaveLength(1);
			expect(error.message).toContain('did not answer');
			expect(error.description).toContain(
				'whether the 3 contacts were accepted, and will be charged, is unknown',
			);
			expect(error.description).toContain('Extension Leads');
		});

		it.each([500, 502, 503, 504])('is not sent again after %s', async (status) => {
			api.answer = json(status, { detail: 'Oops' });
			const { error } = await run(start(), { items: people(3) });
			expect(api.seen).toHaveLength(1);
			expect(error.description).toContain('unknown');
		});

		it('is not sent again when the answer can not be read', async () => {
			api.answer = (response) => void response.end('<html>');
			const { error } = await run(start(), { items: people(3) });
			expect(api.seen).toHaveLength(1);
			expect(error.message).toContain('not JSON');
			expect(error.description).toContain('unknown');
		});
	});

	it('finds the item of the contact that the API complains about', async () => {
		api.answer = json(422, { detail: [{ type: 'v', loc: ['body', 'contacts', 1], msg: 'Bad contact' }] });
		const { error } = await run(start(), { items: [{}, person(1), person(2)] });
		expect(error.message).toBe("Cleanlist did not accept 'Contacts': Bad contact");
		expect(error.context.itemIndex).toBe(2);
	});

	it('takes answers with missing parts', async () => {
		api.answer = json(200, { workflow_id: 'w' });
		const { json: out } = await run(start(), { items: people(1) });
		expect(out).toEqual([{ status: 'processing', workflow_id: 'w', task_id: null, contact: contactOf(0) }]);
	});
});
