import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { openDatabase } from '../../relay/src/reference/db/index.ts';
import { MIGRATIONS } from '../../relay/src/reference/db/schema.ts';
import { LEDGER_KINDS, effectOf } from '../../relay/src/reference/domain/ledger.ts';
import { ApiError } from '../../relay/src/reference/errors.ts';
import { createLedger } from '../../relay/src/reference/ledger.ts';
import { openSqlite } from '../../relay/src/sqlite/open.ts';
import { createTestClock } from '../support/test-clock.ts';

const ORGANIZATIONS = ['org_a', 'org_b'] as const;

function openLedger() {
	const clock = createTestClock();
	const db = openDatabase(':memory:');
	for (const organizationId of ORGANIZATIONS) {
		db.accounts.insertOrganization({
			organizationId,
			name: 'Acme',
			tier: 'pro',
			appsumoTier: null,
			createdAt: clock.now(),
		});
	}
	const ledger = createLedger({ db, clock });
	const entries = (organizationId: string) => db.ledger.latest(organizationId, 10_000);
	const sum = (organizationId: string, column: 'amount' | 'reserved') =>
		entries(organizationId).reduce((total, entry) => total + entry[column], 0);
	return { db, ledger, entries, sum };
}

const organization = fc.constantFrom(...ORGANIZATIONS);
const credits = fc.nat({ max: 60 });
const step = fc.oneof(
	fc.record({ do: fc.constant('grant' as const), organization, credits }),
	fc.record({ do: fc.constant('charge' as const), organization, credits }),
	fc.record({ do: fc.constant('reserve' as const), organization, credits }),
	// `share` of what was reserved is what the work did cost.
	fc.record({
		do: fc.constant('settle' as const),
		organization,
		share: fc.double({ min: 0, max: 1, noNaN: true }),
	}),
	// The work fails after it booked: nothing of it may stay.
	fc.record({ do: fc.constant('fail' as const), organization, credits }),
);

it('never loses a credit, never goes negative, and sums up to the balance, whatever happens in what order', () => {
	fc.assert(
		fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
			const { db, ledger, sum } = openLedger();
			const model = new Map(
				ORGANIZATIONS.map((id) => [
					id,
					{ granted: 0, spent: 0, balance: 0, open: [] as { reference: string; credits: number }[] },
				]),
			);
			for (const [index, action] of steps.entries()) {
				const id = action.organization;
				const state = model.get(id)!;
				const reference = `enrich-${index}`;
				db.transaction(() => {
					if (action.do === 'grant') {
						ledger.grant(id, action.credits);
						state.granted += action.credits;
						state.balance += action.credits;
					} else if (action.do === 'charge') {
						if (action.credits > state.balance) {
							expect(() => ledger.cover(id, action.credits)).toThrow(ApiError);
							return;
						}
						ledger.cover(id, action.credits);
						ledger.charge(id, action.credits, reference);
						state.balance -= action.credits;
						state.spent += action.credits;
					} else if (action.do === 'reserve') {
						if (action.credits > state.balance) {
							expect(() => ledger.reserve(id, action.credits, reference)).toThrow(ApiError);
							return;
						}
						ledger.reserve(id, action.credits, reference);
						state.balance -= action.credits;
						state.open.push({ reference, credits: action.credits });
					} else if (action.do === 'settle') {
						const run = state.open.shift();
						if (!run) return;
						const cost = Math.round(action.share * run.credits);
						const refunded = run.credits - cost;
						expect(ledger.settle(id, run.reference, cost)).toEqual({ charged: cost, refunded });
						state.balance += refunded;
						state.spent += cost;
					}
				});
				if (action.do === 'fail') {
					const work = () =>
						db.transaction(() => {
							ledger.grant(id, action.credits);
							ledger.reserve(id, action.credits, reference);
							throw new Error('failed halfway');
						});
					expect(work).toThrow('failed halfway');
				}

				for (const organizationId of ORGANIZATIONS) {
					const { granted, spent, balance, open } = model.get(organizationId)!;
					const reserved = open.reduce((total, run) => total + run.credits, 0);
					expect(db.accounts.credits(organizationId)).toBe(balance);
					expect(ledger.spendable(organizationId)).toBe(balance);
					expect(sum(organizationId, 'amount')).toBe(balance);
					expect(sum(organizationId, 'reserved')).toBe(reserved);
					expect(balance).toBeGreaterThanOrEqual(0);
					expect(balance + reserved + spent).toBe(granted);
				}
			}
			db.close();
		}),
		{ numRuns: 60 },
	);
});

it('refuses, in the database itself, whatever would make a balance or a reservation negative', () => {
	const { db, ledger } = openLedger();
	ledger.grant('org_a', 10);
	expect(() => ledger.charge('org_a', 11, 'x')).toThrow(/CHECK constraint failed: credits >= 0/);
	ledger.reserve('org_a', 4, 'x');
	const entry = { organizationId: 'org_a', reference: 'x', createdAt: 0 };
	for (const kind of ['settle', 'refund'] as const) {
		expect(() => db.ledger.book({ ...entry, kind, credits: 5 })).toThrow(/reserved_credits >= 0/);
	}
	expect(db.accounts.credits('org_a')).toBe(6);
	expect(ledger.spendable('org_b')).toBe(0);
	db.close();
});

it('refuses to settle for more than was set aside, and to settle twice', () => {
	const { db, ledger } = openLedger();
	ledger.grant('org_a', 100);
	ledger.reserve('org_a', 5, 'enrich-1');
	ledger.reserve('org_a', 5, 'enrich-2');
	expect(() => ledger.settle('org_a', 'enrich-1', 6)).toThrow('more than was set aside');
	expect(ledger.settle('org_a', 'enrich-1', 5)).toEqual({ charged: 5, refunded: 0 });
	expect(() => ledger.settle('org_a', 'enrich-1', 1)).toThrow('more than was set aside');
	expect(ledger.settle('org_a', 'enrich-1', 0)).toEqual({ charged: 0, refunded: 0 });
	expect(db.accounts.credits('org_a')).toBe(90);
	db.close();
});

it('names the cost, what is there and what is missing when it refuses', () => {
	const { db, ledger } = openLedger();
	ledger.grant('org_a', 7);
	const error = (() => {
		try {
			return ledger.reserve('org_a', 11, 'enrich-1');
		} catch (caught) {
			return caught;
		}
	})() as ApiError;
	expect(error.fields).toMatchObject({
		status: 400,
		code: 'insufficient_credits',
		credits: { estimated: 11, available: 7 },
	});
	db.close();
});

it('books nothing for nothing', () => {
	const { db, ledger, entries } = openLedger();
	ledger.grant('org_a', 0);
	ledger.reserve('org_a', 0, 'x');
	ledger.charge('org_a', 0, 'x');
	ledger.settle('org_a', 'x', 0);
	expect(entries('org_a')).toEqual([]);
	db.close();
});

it('keeps entries in order, with their reference and time', () => {
	const { db, ledger, entries } = openLedger();
	ledger.grant('org_a', 20);
	ledger.grant('org_b', 1);
	ledger.reserve('org_a', 11, 'enrich-1');
	ledger.settle('org_a', 'enrich-1', 1);
	ledger.charge('org_a', 1, 'company-1');
	const createdAt = Date.UTC(2026, 0, 5, 9);
	const view = entries('org_a')
		.reverse()
		.map(({ entryId: _, ...entry }) => entry);
	expect(view).toEqual([
		{ kind: 'grant', amount: 20, reserved: 0, reference: null, createdAt },
		{ kind: 'reserve', amount: -11, reserved: 11, reference: 'enrich-1', createdAt },
		{ kind: 'settle', amount: 0, reserved: -1, reference: 'enrich-1', createdAt },
		{ kind: 'refund', amount: 10, reserved: -10, reference: 'enrich-1', createdAt },
		{ kind: 'charge', amount: -1, reserved: 0, reference: 'company-1', createdAt },
	]);
	expect(db.ledger.latest('org_a', 2).map(({ kind }) => kind)).toEqual(['charge', 'refund']);
	db.close();
});

it('conserves credits in every kind of entry: what leaves the balance is reserved or gone, never more', () => {
	for (const kind of LEDGER_KINDS) {
		const { amount, reserved } = effectOf(kind, 3);
		expect(amount + reserved).toBe({ grant: 3, charge: -3, reserve: 0, settle: -3, refund: 0 }[kind]);
	}
});

describe('on a file', () => {
	let folder: string;
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), 'ledger-'));
	});
	afterEach(() => rmSync(folder, { recursive: true, force: true }));

	it('takes over the balances of a database from before the ledger', () => {
		const path = join(folder, 'reference.db');
		const before = openSqlite(path, MIGRATIONS.slice(0, 2), 'CLrf');
		before.exec(`
			INSERT INTO organizations (organization_id, name, tier, credits, created_at) VALUES ('org_a', 'Acme', 'pro', 93, 1);
			INSERT INTO credit_entries (organization_id, amount, workflow_id, created_at) VALUES
				('org_a', 100, NULL, 1), ('org_a', -7, 'public_bulk_1', 2);`);
		before.close();

		const db = openDatabase(path);
		expect(db.accounts.credits('org_a')).toBe(93);
		expect(db.ledger.latest('org_a', 10)).toEqual([
			{ entryId: 2, kind: 'charge', amount: -7, reserved: 0, reference: 'public_bulk_1', createdAt: 2 },
			{ entryId: 1, kind: 'grant', amount: 100, reserved: 0, reference: null, createdAt: 1 },
		]);
		createLedger({ db, clock: createTestClock() }).charge('org_a', 93, 'x');
		expect(db.accounts.credits('org_a')).toBe(0);
		db.close();
	});

	it('lets no entry be changed, and none be added that does not fit its kind', () => {
		const path = join(folder, 'reference.db');
		const db = openDatabase(path);
		db.accounts.insertOrganization({
			organizationId: 'org_a',
			name: 'Acme',
			tier: 'pro',
			appsumoTier: null,
			createdAt: 0,
		});
		createLedger({ db, clock: createTestClock() }).grant('org_a', 10);
		db.close();

		const raw = new DatabaseSync(path);
		expect(() => raw.exec('UPDATE credit_ledger SET amount = 1000')).toThrow('never changed');
		const forms: [string, number, number][] = [
			['grant', -1, 0],
			['grant', 5, 5],
			['charge', 1, 0],
			['reserve', -5, 4],
			['settle', 1, -1],
			['refund', 5, 0],
			['gift', 5, 0],
		];
		for (const [kind, amount, reserved] of forms) {
			const insert = raw.prepare(
				"INSERT INTO credit_ledger (organization_id, kind, amount, reserved, created_at) VALUES ('org_a', ?, ?, ?, 0)",
			);
			expect(() => insert.run(kind, amount, reserved)).toThrow('CHECK constraint failed');
		}
		raw.close();
	});
});
