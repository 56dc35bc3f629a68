import fc from 'fast-check';
import { BULK_MAX_CONTACTS, Contact } from '../../relay/src/contract/index.ts';
import { namesSomeone } from '../../relay/src/reference/domain/contact.ts';
import { MAX_CONTACTS, toBatches } from '../../nodes/Cleanlist/helpers/batches.ts';
import {
	CONTACT_FIELDS,
	parseContacts,
	readContact,
	whyNotSendable,
} from '../../nodes/Cleanlist/helpers/contacts.ts';

describe('a contact', () => {
	it('has the fields of the contract', () => {
		expect(Object.keys(CONTACT_FIELDS).sort()).toEqual(Object.keys(Contact.shape).sort());
	});

	it.each([
		['is taken as it is', { linkedin_url: 'https://l/in/a', email: 'a@example.com' }, undefined],
		[
			'is trimmed, and what is empty left out',
			{ first_name: ' Ada ', last_name: '  ', email: null },
			{ first_name: 'Ada' },
		],
		[
			'may be written in other ways',
			{ 'LinkedIn URL': 'u', firstName: 'A', Last_Name: 'B' },
			{ linkedin_url: 'u', first_name: 'A', last_name: 'B' },
		],
		['may hold numbers where a sheet made them', { company_name: 1800 }, { company_name: '1800' }],
		[
			'has the domain in an address, and none where there is none in it',
			{ company_domain: ' https://www.Example.com/about?x=1 ', first_name: 'A' },
			{ company_domain: 'example.com', first_name: 'A' },
		],
		[
			'has no domain where an address holds none',
			{ company_domain: 'https://', first_name: 'A' },
			{ first_name: 'A' },
		],
		[
			'has no domain where a column says that there is none',
			{ company_domain: 'N/A', company_name: 'Acme' },
			{ company_name: 'Acme' },
		],
		['keeps a domain of any script', { company_domain: '株式会社.jp' }, undefined],
		['keeps letters of any script', { first_name: 'Zoë 🚀', company_name: '株式会社' }, undefined],
		[
			'drops what Cleanlist does not know',
			{ first_name: 'A', phone: '1', row: { a: 1 } },
			{ first_name: 'A' },
		],
		['drops what is no text', { first_name: { a: 1 }, last_name: ['x'], company_name: true }, {}],
	])('%s', (_, record, expected) => {
		expect(readContact(record)).toEqual(expected ?? record);
	});

	it.each([
		[{ linkedin_url: 'u' }, null],
		[{ first_name: 'A', last_name: 'B', company_name: 'C' }, null],
		[{ first_name: 'A', last_name: 'B', company_domain: 'c.example' }, null],
		[{}, /first name, last name and company domain or company name/],
		[{ email: 'a@example.com' }, /LinkedIn URL/],
		[{ email: 'a@example.com' }, /An email address alone is enough for Enrichment → Enrich Person\.$/],
		[{ first_name: 'A' }, /company name\.$/],
		[{ first_name: 'A', company_name: 'C' }, /Missing: LinkedIn URL, or last name\./],
		[{ first_name: 'A', last_name: 'B' }, /or company domain or company name\./],
	])('%j can be sent, or says why not', (contact, why) => {
		const reason = whyNotSendable(contact);
		if (why === null) expect(reason).toBeNull();
		else expect(reason).toMatch(why);
	});

	it('can be sent exactly when the API takes it', () => {
		const text = fc.option(fc.constantFrom('', ' ', 'x', 'https://www.linkedin.com/in/ada'), {
			nil: undefined,
		});
		const record = fc.record({
			linkedin_url: text,
			first_name: text,
			last_name: text,
			company_domain: text,
			company_name: text,
			email: text,
		});
		fc.assert(
			fc.property(record, (given) => {
				const contact = readContact(given);
				expect(whyNotSendable(contact) === null).toBe(namesSomeone(contact));
			}),
		);
	});
});

describe('contacts as JSON', () => {
	it.each([
		['an object', { first_name: 'A' }],
		['an array', [{ first_name: 'A' }]],
		['a text', '{"first_name":"A"}'],
		['a text with an array', ' [{"first_name":"A"}] '],
	])('can be %s', (_, value) => {
		expect(parseContacts(value)).toEqual({ contacts: [{ first_name: 'A' }] });
	});
	it('can be none', () => {
		expect(parseContacts([])).toEqual({ contacts: [] });
	});
	it.each([
		['{"first_name":', /not valid JSON/],
		['', /not valid JSON/],
		['5', /neither/],
		[null, /neither/],
		[undefined, /neither/],
		[[{}, 'x'], /entry 2/],
		[[[{}]], /entry 1/],
	])('%j is a problem', (value, problem) => {
		expect(parseContacts(value)).toEqual({ problem: expect.stringMatching(problem) });
	});
});

describe('batches', () => {
	it('are as large as the contract allows', () => {
		expect(MAX_CONTACTS).toBe(BULK_MAX_CONTACTS);
	});

	it('hold every entry once, in order, one kind each, none too large, as few as possible', () => {
		fc.assert(
			fc.property(
				fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 700 }),
				fc.integer({ min: 1, max: 250 }),
				(kinds, size) => {
					const entries = kinds.map((kind, index) => ({ kind, index }));
					const batches = toBatches(entries, size, ({ kind }) => kind);
					expect(batches.flat().toSorted((a, b) => a.index - b.index)).toEqual(entries);
					let least = 0;
					for (const kind of new Set(kinds)) {
						const ofKind = batches.flat().filter((entry) => entry.kind === kind);
						expect(ofKind).toEqual(entries.filter((entry) => entry.kind === kind));
						least += Math.ceil(ofKind.length / size);
					}
					expect(batches).toHaveLength(least);
					for (const batch of batches) {
						expect(batch.length).toBeLessThanOrEqual(size);
						expect(new Set(batch.map(({ kind }) => kind)).size).toBe(1);
					}
				},
			),
			{ numRuns: 50 },
		);
	});
});
