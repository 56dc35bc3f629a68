import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../port.ts';
import type { Subscription } from '../../port.ts';
import { SUBSCRIPTION_COLUMNS } from '../subscription-row.ts';

export function prepareCreateSubscription(db: DatabaseSync): (subscription: Subscription) => void {
	const activeByUrl = db.prepare("SELECT 1 FROM subscriptions WHERE url = ? AND status = 'active'");
	const insert = db.prepare(
		`INSERT INTO subscriptions (${SUBSCRIPTION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	);
	return (subscription) => {
		if (subscription.status === 'active' && activeByUrl.get(subscription.url)) {
			throw new StoreError('conflict', 'An active subscription with this URL exists.');
		}
		insert.run(
			subscription.id,
			subscription.url,
			JSON.stringify(subscription.events),
			JSON.stringify(subscription.filter),
			subscription.description,
			subscription.sealedSecret,
			subscription.previousSecret?.sealed ?? null,
			subscription.previousSecret?.until ?? null,
			subscription.concurrency,
			subscription.perMinute,
			subscription.failures,
			subscription.failingSince,
			subscription.probeAt,
			subscription.status,
			subscription.createdAt,
		);
	};
}
