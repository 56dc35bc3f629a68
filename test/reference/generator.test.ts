import fc from 'fast-check';
import { EMAIL_STATUSES, ENRICHMENT_TYPES, TaskResult } from '../../relay/src/contract/index.ts';
import type { Contact } from '../../relay/src/contract/index.ts';
import { EMAIL_STATUS_SHARES, enrich, resultOf } from '../../relay/src/reference/domain/generator.ts';

const SAMPLE = 20_000;
const person = (n: number): Contact => ({ first_name: `Ada${n}`, last_name: 'Byron', company_name: 'Acme' });
const sample = Array.from({ length: SAMPLE }, (_, n) => enrich('cleanlist', person(n)));
const share = (matches: (answer: (typeof sample)[number]) => boolean) =>
	sample.filter(matches).length / SAMPLE;

/** Reserved by RFC 2606 and RFC 6761. */
const RESERVED_ADDRESS =
	/^[a-z0-9.-]{1,64}@(?:(?:[a-z0-9-]{1,63}\.)*example\.(?:com|net|org)|(?:[a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}\.example)$/;
/** 555-0100 to 555-0199 in North America, 07700 900000 to 900999 in Britain. */
const FICTIONAL_NUMBER = /^\+(?:1[2-9]\d\d55501\d\d|447700900\d{3})$/;

const anyText = fc.option(fc.string({ unit: 'binary', maxLength: 80 }), { nil: null });
const anyContact: fc.Arbitrary<Contact> = fc.record(
	{
		linkedin_url: fc.option(
			fc.oneof(
				fc.webUrl(),
				fc.string().map((slug) => `https://linkedin.com/in/${slug}`),
				fc.string(),
			),
			{ nil: null },
		),
		first_name: anyText,
		last_name: anyText,
		company_domain: fc.option(fc.oneof(fc.domain(), fc.string({ unit: 'binary' })), { nil: null }),
		company_name: anyText,
		email: anyText,
	},
	{ requiredKeys: [] },
);

it('gives the same contact the same answer, always: these are of the first version', () => {
	expect(enrich('cleanlist', { linkedin_url: 'https://www.linkedin.com/in/jane-van-doe-12b' }))
		.toMatchInlineSnapshot(`
		{
		  "companyDomain": "north-quay.example",
		  "companyName": "North Quay",
		  "email": {
		    "address": "jane.vandoe@north-quay.example",
		    "status": "unknown",
		  },
		  "firstName": "Jane",
		  "lastName": "Van Doe",
		  "linkedinUrl": "https://www.linkedin.com/in/jane-van-doe-12b",
		  "location": "Denver, Colorado, United States",
		  "otherEmails": [],
		  "phone": null,
		  "title": "Director of Operations",
		}
	`);
	expect(enrich('cleanlist', { first_name: 'Zoë', last_name: 'Łukasiewicz', company_domain: 'acme.io' }))
		.toMatchInlineSnapshot(`
		{
		  "companyDomain": "acme.io",
		  "companyName": "Acme",
		  "email": {
		    "address": "zoe.lukasiewicz@acme-io.example",
		    "status": "unknown",
		  },
		  "firstName": "Zoë",
		  "lastName": "Łukasiewicz",
		  "linkedinUrl": null,
		  "location": "Dublin, Leinster, Ireland",
		  "otherEmails": [],
		  "phone": "+17135550193",
		  "title": "Data Analyst",
		}
	`);
});

it('gives another answer for another seed or another person', () => {
	const answers = (seed: string, from: number) =>
		Array.from({ length: 50 }, (_, n) => enrich(seed, person(from + n)).phone).join();
	expect(answers('a', 0)).toBe(answers('a', 0));
	expect(answers('a', 0)).not.toBe(answers('b', 0));
	expect(answers('a', 0)).not.toBe(answers('a', 50));
});

it('does not look at the known e-mail, nor at case, spacing and spelling of the URL', () => {
	fc.assert(
		fc.property(fc.stringMatching(/^[a-z]{1,10}-[a-z]{1,10}$/), fc.string(), (slug, seed) => {
			const base = enrich(seed, { linkedin_url: `https://www.linkedin.com/in/${slug}` });
			const other = enrich(seed, { linkedin_url: ` HTTP://LinkedIn.com/in/${slug}/?x=1 `, email: 'a@b.c' });
			expect({ ...other, linkedinUrl: null }).toEqual({ ...base, linkedinUrl: null });
		}),
	);
});

it('has realistic shares of hits and of every e-mail status', () => {
	expect(share(({ email }) => email !== null)).toBeCloseTo(0.8, 1.5);
	expect(share(({ phone }) => phone !== null)).toBeCloseTo(0.46, 1.5);
	expect(share(({ email, phone }) => email === null && phone === null)).toBeGreaterThan(0.1);
	expect(EMAIL_STATUS_SHARES.map(([status]) => status).sort()).toEqual([...EMAIL_STATUSES].sort());
	const found = share(({ email }) => email !== null);
	for (const [status, expected] of EMAIL_STATUS_SHARES) {
		const actual = share(({ email }) => email?.status === status) / found;
		expect([status, Math.abs(actual - expected) < 0.015]).toEqual([status, true]);
	}
});

it('makes up nothing that could reach anybody, and no two numbers alike for all', () => {
	for (const { email, otherEmails, phone } of sample) {
		for (const address of [...(email ? [email.address] : []), ...otherEmails]) {
			expect(address).toMatch(RESERVED_ADDRESS);
		}
		if (phone) expect(phone).toMatch(FICTIONAL_NUMBER);
	}
	expect(new Set(sample.map(({ phone }) => phone)).size).toBeGreaterThan(1_000);
	expect(sample.some(({ phone }) => phone?.startsWith('+44'))).toBe(true);
});

it('holds for any contact at all, under every enrichment type', () => {
	fc.assert(
		fc.property(anyContact, fc.string(), fc.constantFrom(...ENRICHMENT_TYPES), (contact, seed, type) => {
			const found = enrich(seed, contact);
			expect(enrich(seed, contact)).toEqual(found);
			const result = TaskResult.parse(resultOf('t', type, found));
			const addresses = [result.primary_email, ...result.other_emails].filter((address) => address !== null);
			for (const address of addresses) expect(address).toMatch(RESERVED_ADDRESS);
			for (const phone of result.personal_phone_numbers) expect(phone).toMatch(FICTIONAL_NUMBER);
			expect(result.primary_email === null).toBe(result.primary_email_status === null);
			if (type !== 'partial' && type !== 'full') expect(addresses).toEqual([]);
			if (type !== 'phone_only' && type !== 'full') expect(result.personal_phone_numbers).toEqual([]);
			for (const [given, kept] of [
				[contact.first_name, result.prospect.first_name],
				[contact.last_name, result.prospect.last_name],
				[contact.company_name, result.company.name],
				[contact.company_domain, result.company.domain],
				[contact.linkedin_url, result.linkedin_url],
			]) {
				if (given?.trim()) expect(kept).toBe(given.trim());
			}
		}),
		{ numRuns: 500 },
	);
});

it.each([
	['acme.example', 'acme.example'],
	['https://www.Acme.example/about', 'acme.example'],
	['mail.example.com', 'mail.example.com'],
	['example.org', 'example.org'],
	['acme.io', 'acme-io.example'],
	['notexample.com', 'notexample-com.example'],
	['example.com.evil.io', 'example-com-evil-io.example'],
	['münchen.de', 'munchen-de.example'],
	['-bad-.example', 'bad-example.example'],
	[`${'a'.repeat(64)}.example`, `${'a'.repeat(63)}.example`],
])('puts addresses at %s under %s', (company_domain, domain) => {
	const addresses = Array.from(
		{ length: 20 },
		(_, n) => enrich('s', { ...person(n), company_domain }).email?.address,
	);
	expect(new Set(addresses.filter(Boolean).map((address) => address!.split('@')[1]))).toEqual(
		new Set([domain]),
	);
});

it.each([
	['Zoë', 'O’Neill-Ångström', 'zoe.oneillangstrom'],
	['Łukasz', 'Groß', 'lukasz.gross'],
	['😀', 'Byron', 'byron'],
])('spells %s %s as %s', (first_name, last_name, local) => {
	const answers = Array.from({ length: 20 }, (_, n) =>
		enrich(`s${n}`, { first_name, last_name, company_name: 'A' }),
	);
	const addresses = answers.flatMap(({ email }) => (email ? [email.address.split('@')[0]] : []));
	expect(new Set(addresses)).toEqual(new Set([local]));
});

it('finds a stand-in for a name without a Latin letter', () => {
	const answers = Array.from({ length: 20 }, (_, n) =>
		enrich(`s${n}`, { first_name: '太郎', last_name: '山田', company_name: '株式会社' }),
	);
	const { email } = answers.find((answer) => answer.email !== null)!;
	expect(email!.address).toMatch(/^person-[0-9a-f]{8}@company-[0-9a-f]{8}\.example$/);
});
