import { identityOf } from '../../relay/src/reference/domain/contact.ts';
import { enrich } from '../../relay/src/reference/domain/generator.ts';

const email = (address: string) => ({ email: address });

it('tells people apart by their address when it is all there is', () => {
	expect(identityOf(email('jane@acme.example'))).toBe(identityOf(email(' Jane@ACME.example ')));
	expect(identityOf(email('jane@acme.example'))).not.toBe(identityOf(email('joan@acme.example')));
});

it('goes by profile, then by name and company, and by the address only without either', () => {
	const named = { first_name: 'Jane', last_name: 'Doe', company_name: 'Acme' };
	expect(identityOf({ ...named, ...email('jane@acme.example') })).toBe(identityOf(named));
	const profile = { linkedin_url: 'https://www.linkedin.com/in/jane-doe' };
	expect(identityOf({ ...profile, ...email('jane@acme.example') })).toBe(identityOf(profile));
	expect(identityOf({ first_name: 'Jane', ...email('j@acme.example') })).toBe(
		identityOf(email('j@acme.example')),
	);
});

it.each([
	['jane.doe@acme.example', 'Jane', 'Doe', 'Acme', 'acme.example'],
	['JANE_VAN_DOE@blue-kettle.example', 'Jane', 'Van Doe', 'Blue-kettle', 'blue-kettle.example'],
])('reads names and company off %s', (address, firstName, lastName, companyName, companyDomain) => {
	const seed = seedThatFinds(address);
	expect(enrich(seed, email(address), { email: address })).toMatchObject({
		firstName,
		lastName,
		companyName,
		companyDomain,
		email: { address },
	});
});

it.each(['x', '@', '@@', 'a@', '@b', '', '😀@😀', 'jane@'])('copes with the address %j', (address) => {
	for (const seed of ['a', 'b', 'c', 'd']) {
		const found = enrich(seed, email(address), { email: address });
		expect(typeof (found.firstName ?? '')).toBe('string');
	}
});

it('gives a lead the answer of its identity, whatever its fields have become', () => {
	const first = { first_name: 'Jane', last_name: 'Doe', company_name: 'Acme' };
	const identity = identityOf(first);
	const before = enrich('cleanlist', first);
	const later = { ...first, company_domain: 'acme.example', linkedin_url: 'linkedin.com/in/jane' };
	const after = enrich('cleanlist', later, { identity });
	expect(after.phone).toBe(before.phone);
	expect(after.title).toBe(before.title);
	expect(after.email?.status).toBe(before.email?.status);
});

/** A seed under which this address is known. */
function seedThatFinds(address: string): string {
	for (let n = 0; n < 100; n++) {
		if (enrich(String(n), email(address), { email: address }).email) return String(n);
	}
	throw new Error('no seed finds it');
}
