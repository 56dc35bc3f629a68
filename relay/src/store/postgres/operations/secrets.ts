import type { Subscription } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { SUBSCRIPTION_COLUMNS, toSubscription } from '../subscription-row.ts';
import type { SubscriptionRow } from '../subscription-row.ts';

type Secrets = Pick<Subscription, 'sealedSecret' | 'previousSecret'>;

const ROTATE = statement(
	'rotate secret',
	`UPDATE subscriptions SET previous_secret = sealed_secret, previous_until = $2, sealed_secret = $3 WHERE id = $1
	RETURNING ${SUBSCRIPTION_COLUMNS}`,
);
const RESEAL = statement(
	'reseal secrets',
	`UPDATE subscriptions SET sealed_secret = $2, previous_secret = $3, previous_until = $4
	WHERE id = $1 AND sealed_secret = $5 AND previous_secret IS NOT DISTINCT FROM $6
		AND previous_until IS NOT DISTINCT FROM $7
	RETURNING id`,
);

/** A new secret, and the same secrets sealed anew. */
export const secrets = (db: Database) => ({
	async rotateSecret(id: string, sealedSecret: Buffer, previousUntil: number): Promise<Subscription | null> {
		const [row] = await db.query<SubscriptionRow>(ROTATE, [id, previousUntil, sealedSecret]);
		return row ? toSubscription(row) : null;
	},
	async resealSecrets(id: string, was: Secrets, now: Secrets): Promise<boolean> {
		return (await db.query(RESEAL, [id, ...columns(now), ...columns(was)])).length > 0;
	},
});

const columns = ({ sealedSecret, previousSecret }: Secrets) =>
	[sealedSecret, previousSecret?.sealed ?? null, previousSecret?.until ?? null] as const;
