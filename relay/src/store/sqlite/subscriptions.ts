import type { DatabaseSync } from 'node:sqlite';
import type { EventType } from '../../contract/relay-api.ts';
import { StoreError } from '../port.ts';
import type { EventFilter, Subscription } from '../port.ts';

interface Row {
	id: string;
	url: string;
	events: string;
	filter: string;
	description: string | null;
	sealed_secret: Uint8Array;
	status: Subscription['status'];
	created_at: number;
}

const COLUMNS = 'id, url, events, filter, description, sealed_secret, status, created_at';

/** Reads and writes of subscriptions. The writes run inside the caller's transaction. */
export function prepareSubscriptions(db: DatabaseSync) {
	const insert = db.prepare(`INSERT INTO subscriptions (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
	const update = db.prepare(
		'UPDATE subscriptions SET events = ?, filter = ?, description = ?, sealed_secret = ?, status = ? WHERE id = ?',
	);
	const remove = db.prepare('DELETE FROM subscriptions WHERE id = ?');
	const end = db.prepare("UPDATE subscriptions SET status = 'ended' WHERE id = ?");
	// deliveries_pending holds these rows and no others.
	const cancelPending = db.prepare(
		"UPDATE deliveries SET state = 'cancelled' WHERE subscription_id = ? AND state IN ('ready', 'leased')",
	);
	const byId = db.prepare(`SELECT ${COLUMNS} FROM subscriptions WHERE id = ?`);
	const all = db.prepare(`SELECT ${COLUMNS} FROM subscriptions ORDER BY created_at, rowid`);
	const byUrl = db.prepare(`SELECT ${COLUMNS} FROM subscriptions WHERE url = ? ORDER BY created_at, rowid`);
	const activeByUrl = db.prepare("SELECT 1 FROM subscriptions WHERE url = ? AND status = 'active'");

	return {
		create(subscription: Subscription): void {
			if (subscription.status === 'active' && activeByUrl.get(subscription.url)) {
				throw new StoreError('conflict', 'An active subscription with this URL exists.');
			}
			const { id, url, events, filter, description, sealedSecret, status, createdAt } = subscription;
			insert.run(
				id,
				url,
				JSON.stringify(events),
				JSON.stringify(filter),
				description,
				sealedSecret,
				status,
				createdAt,
			);
		},
		update({ id, events, filter, description, sealedSecret, status }: Subscription): boolean {
			const { changes } = update.run(
				JSON.stringify(events),
				JSON.stringify(filter),
				description,
				sealedSecret,
				status,
				id,
			);
			if (status === 'ended') cancelPending.run(id);
			return changes > 0;
		},
		remove(id: string): boolean {
			const { changes } = remove.run(id);
			if (changes > 0) cancelPending.run(id);
			return changes > 0;
		},
		/** The receiver is gone: nothing is sent there any more. */
		end(id: string): void {
			end.run(id);
			cancelPending.run(id);
		},
		get(id: string): Subscription | null {
			const row = byId.get(id) as unknown as Row | undefined;
			return row ? fromRow(row) : null;
		},
		list(url?: string): Subscription[] {
			const rows = url === undefined ? all.all() : byUrl.all(url);
			return (rows as unknown as Row[]).map(fromRow);
		},
	};
}

const fromRow = (row: Row): Subscription => ({
	id: row.id,
	url: row.url,
	events: JSON.parse(row.events) as EventType[],
	filter: JSON.parse(row.filter) as EventFilter,
	description: row.description,
	sealedSecret: Buffer.from(row.sealed_secret),
	status: row.status,
	createdAt: row.created_at,
});
