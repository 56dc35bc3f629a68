import { openDatabase } from '../../relay/src/reference/db/index.ts';

/** No endpoint puts a lead into a second list yet, so this asks the database itself. */
it('counts a lead that is enriched already when it joins another list', () => {
	const db = openDatabase(':memory:');
	const viewer = { organizationId: 'o', userId: 'u' };
	db.accounts.insertOrganization({
		organizationId: 'o',
		name: 'O',
		tier: 'pro',
		appsumoTier: null,
		createdAt: 0,
	});
	db.accounts.insertUser({ ...viewer, name: 'U', email: null, scopes: '[]', createdAt: 0 });
	for (const listId of ['first', 'second', 'other']) {
		db.lists.insert({
			listId,
			organizationId: 'o',
			ownerId: 'u',
			name: listId,
			nameKey: listId,
			description: null,
			origin: null,
			isProtected: 0,
			createdAt: 0,
		});
	}
	const person = { firstName: 'A', lastName: 'B', company: 'C', companyDomain: null, linkedinUrl: null };
	const leadId = db.lists.upsertLead({ ...person, leadId: 'lead', ownerId: 'u', identity: 'a1' });
	const counts = () =>
		['first', 'second', 'other'].map((listId) => {
			const { leadCount, enrichedCount } = db.lists.visible(viewer, listId)!;
			return [leadCount, enrichedCount];
		});

	db.lists.attach('first', leadId);
	const found = { email: 'a@c.example', phone: null, title: null, location: null, provider: null };
	db.lists.enrichLead({ ...person, ...found, leadId, enrichedAt: 1 });
	db.lists.attach('second', leadId);
	db.lists.attach('second', leadId);
	expect(counts()).toEqual([
		[1, 1],
		[1, 1],
		[0, 0],
	]);
	db.close();
});
