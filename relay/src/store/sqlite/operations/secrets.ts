import type { DatabaseSync } from 'node:sqlite';
import type { Subscription } from '../../port.ts';
import { prepareGetSubscriptions } from './get-subscriptions.ts';

type Secrets = Pick<Subscription, 'sealedSecret' | 'previousSecret'>;

/** A new secret, and the same secrets sealed anew. */
export function prepareSecrets(db: DatabaseSync) {
	const subscriptions = prepareGetSubscriptions(db);
	const rotate = db.prepare(`
		UPDATE subscriptions SET previous_secret = sealed_secret, previous_until = ?, sealed_secret = ? WHERE id = ?`);
	const reseal = db.prepare(`
		UPDATE subscriptions SET sealed_secret = ?, previous_secret = ?, previous_until = ?
		WHERE id = ? AND sealed_secret = ? AND previous_secret IS ? AND previous_until IS ?`);

	return {
		rotateSecret(id: string, sealedSecret: Buffer, previousUntil: number): Subscription | null {
			rotate.run(previousUntil, sealedSecret, id);
			return subscriptions.getSubscription(id);
		},
		resealSecrets(id: string, was: Secrets, now: Secrets): boolean {
			const { changes } = reseal.run(...columns(now), id, ...columns(was));
			return changes > 0;
		},
	};
}

const columns = ({ sealedSecret, previousSecret }: Secrets) =>
	[sealedSecret, previousSecret?.sealed ?? null, previousSecret?.until ?? null] as const;
