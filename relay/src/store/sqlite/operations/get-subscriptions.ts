import type { DatabaseSync } from 'node:sqlite';
import type { Subscription } from '../../port.ts';
import { all, first } from '../query.ts';
import { SUBSCRIPTION_COLUMNS, toSubscription } from '../subscription-row.ts';
import type { SubscriptionRow } from '../subscription-row.ts';

/** Subscriptions are few: a list of them reads the whole table. */
export function prepareGetSubscriptions(db: DatabaseSync) {
	const select = `SELECT ${SUBSCRIPTION_COLUMNS} FROM subscriptions`;
	const byId = db.prepare(`${select} WHERE id = ?`);
	const everyOne = db.prepare(`${select} ORDER BY created_at, rowid`);
	const byUrl = db.prepare(`${select} WHERE url = ? ORDER BY created_at, rowid`);

	return {
		getSubscription(id: string): Subscription | null {
			const row = first<SubscriptionRow>(byId, id);
			return row ? toSubscription(row) : null;
		},
		listSubscriptions({ url }: { url?: string } = {}): Subscription[] {
			const rows = url === undefined ? all<SubscriptionRow>(everyOne) : all<SubscriptionRow>(byUrl, url);
			return rows.map(toSubscription);
		},
	};
}
