import { setImmediate as turn } from 'node:timers/promises';
import { systemIds } from '../../relay/src/ids.ts';
import { openDatabase } from '../../relay/src/reference/db/index.ts';
import type { Caller } from '../../relay/src/reference/auth.ts';
import { createExports } from '../../relay/src/reference/exports.ts';
import { createPortal } from '../../relay/src/reference/portal.ts';
import { createTestClock } from '../support/test-clock.ts';

/** More than are written at a time, and no multiple of it. */
const LEADS = 2_500;
const CALLER = { organizationId: 'o', userId: 'u' } as Caller;

let db: ReturnType<typeof openDatabase>;
let exports: ReturnType<typeof createExports>;
let listId: string;
const clock = createTestClock();
const lead = (n: number) => ({ email: `n${n}@acme.example` });
beforeEach(() => {
	db = openDatabase(':memory:');
	const organization = { organizationId: 'o', name: 'O', appsumoTier: null, createdAt: 0 };
	db.accounts.insertOrganization({ ...organization, tier: 'pro' });
	db.accounts.insertUser({
		...{ organizationId: 'o', userId: 'u', name: 'U', email: null, scopes: '[]', createdAt: 0 },
	});
	const leads = Array.from({ length: LEADS }, (_, n) => lead(n));
	const portal = createPortal({ db, clock, ids: systemIds });
	listId = portal.createList({ ownerId: 'u', name: 'Fair', leads });
	exports = createExports({ db, clock, ids: systemIds });
});
afterEach(() => db.close());

const write = () =>
	exports.writeCsv(CALLER, { list_id: listId, columns: ['email'], include_smart_agents: true });
const linesAt = (path: string): string[] => {
	const [, fileId = '', expires = '', signature = ''] =
		/^(.+)\.csv\?expires=(\d+)&signature=(.+)$/.exec(path) ?? [];
	return exports.open(fileId, expires, signature).content.toString().trimEnd().split('\r\n');
};

it('others get their turn while a long list is exported', async () => {
	let written = false;
	const writing = write().finally(() => (written = true));
	let turns = 0;
	for (; !written; turns++) await turn();
	const { path, rowCount, bytes } = await writing;
	// One after each thousand but the last.
	expect(turns).toBeGreaterThanOrEqual(2);
	const lines = linesAt(path);
	expect(lines).toEqual(['email', ...Array.from({ length: LEADS }, (_, n) => lead(n).email)]);
	expect([rowCount, bytes]).toEqual([LEADS, Buffer.byteLength(`${lines.join('\r\n')}\r\n`)]);
});

it('what comes into the list meanwhile is not in the file, and what goes out of it before its turn neither', async () => {
	const { leads } = { leads: db.lists.leads(listId, 0, LEADS) };
	const writing = write();
	const newcomer = { leadId: 'new', ownerId: 'u', identity: 'a1', firstName: 'Zoë', lastName: null };
	db.lists.upsertLead({ ...newcomer, company: null, companyDomain: null, linkedinUrl: null });
	db.lists.attach(listId, 'new');
	db.listLeads.detach(listId, leads[LEADS - 1]!.leadId);
	const { path, rowCount } = await writing;
	expect(rowCount).toBe(LEADS - 1);
	expect(linesAt(path)).toEqual(['email', ...leads.slice(0, LEADS - 1).map(({ email }) => email)]);
});

it('a list that is deleted meanwhile is not found', async () => {
	const writing = write();
	db.lists.delete(listId);
	await expect(writing).rejects.toMatchObject({ fields: { status: 404 } });
});
