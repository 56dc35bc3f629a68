import type { Subscription } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { SUBSCRIPTION_COLUMNS, toSubscription } from '../subscription-row.ts';
import type { SubscriptionRow } from '../subscription-row.ts';

const SELECT = `SELECT ${SUBSCRIPTION_COLUMNS} FROM subscriptions`;
const BY_ID = statement('subscription', `${SELECT} WHERE id = $1`);
const ALL = statement('subscriptions', `${SELECT} ORDER BY created_at, seq`);
const BY_URL = statement('subscriptions by URL', `${SELECT} WHERE url = $1 ORDER BY created_at, seq`);

/** Subscriptions are few: a list of them reads the whole table. */
export const getSubscriptions = (db: Database) => ({
	async getSubscription(id: string): Promise<Subscription | null> {
		const [row] = await db.repeatable<SubscriptionRow>(BY_ID, [id]);
		return row ? toSubscription(row) : null;
	},
	async listSubscriptions({ url }: { url?: string } = {}): Promise<Subscription[]> {
		const rows = await (url === undefined
			? db.repeatable<SubscriptionRow>(ALL)
			: db.repeatable<SubscriptionRow>(BY_URL, [url]));
		return rows.map(toSubscription);
	},
});
