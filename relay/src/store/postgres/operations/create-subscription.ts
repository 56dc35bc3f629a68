import { StoreError } from '../../port.ts';
import type { Subscription } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { SUBSCRIPTION_COLUMNS, toFilterJson } from '../subscription-row.ts';
import { toTextOrNull } from '../text.ts';

// Of two that come at once on two relays, the unique index lets one through.
const INSERT = statement(
	'create subscription',
	`INSERT INTO subscriptions (${SUBSCRIPTION_COLUMNS})
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
);

export const createSubscription = (db: Database) => ({
	async createSubscription(subscription: Subscription): Promise<void> {
		try {
			await db.query(INSERT, [
				subscription.id,
				subscription.url,
				subscription.events,
				toFilterJson(subscription.filter),
				toTextOrNull(subscription.description),
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
			]);
		} catch (error) {
			if (!(error instanceof StoreError) || error.code !== 'conflict') throw error;
			throw new StoreError('conflict', 'An active subscription with this URL exists.', { cause: error });
		}
	},
});
