import type { Bodies } from './bodies.ts';
import type { Sealer } from './sealing.ts';
import type { Store, Subscription } from './store/port.ts';

/** Bodies changed at once: at 4 MiB each, all that is in memory at a time is 160 MiB. */
const BATCH = 20;

export interface Rekeyed {
	/** Subscriptions whose signing secrets were sealed anew. */
	subscriptions: number;
	/** Bodies sealed anew, sealed for the first time, or opened for good. */
	bodies: number;
}

/**
 * Puts everything sealed under the sealer's current key, and bodies the way `bodies` stores new ones: sealed or in
 * the clear. In small steps, each whole by itself, so it can be broken off and run again, and relays that have all
 * the keys may run meanwhile.
 *
 * @param options.progress called after each step
 * @throws Error when something was sealed with a key that the sealer has not: nothing is lost, what is done stays done
 */
export async function rekey(options: {
	store: Store;
	sealer: Sealer;
	bodies: Bodies;
	progress?: (soFar: Rekeyed) => void;
}): Promise<Rekeyed> {
	const { store, sealer, bodies, progress = () => undefined } = options;
	const done: Rekeyed = { subscriptions: 0, bodies: 0 };

	for (const { id } of await store.listSubscriptions()) {
		if (await resealSecrets(store, sealer, id)) done.subscriptions++;
	}
	progress(done);

	// What a relay changed between the reading and the writing of a batch is left as it is, for another walk.
	while (!(await walk()));
	return done;

	/** Says whether it left nothing. */
	async function walk(): Promise<boolean> {
		let whole = true;
		for (let after: string | undefined; ;) {
			const batch = await store.bodiesNotUnder(bodies.keyId, BATCH, after);
			if (batch.length === 0) return whole;
			after = batch.at(-1)?.ref;
			const replaced = await store.replaceBodies(
				batch.map((was) => ({ ref: was.ref, was, ...bodies.toStored(bodies.toRaw(was)) })),
			);
			whole &&= replaced === batch.length;
			done.bodies += replaced;
			progress(done);
		}
	}
}

async function resealSecrets(store: Store, sealer: Sealer, id: string): Promise<boolean> {
	const reseal = (sealed: Buffer) =>
		sealer.keyIdOf(sealed) === sealer.keyId ? sealed : sealer.seal(sealer.openBytes(sealed));
	for (;;) {
		const subscription = await store.getSubscription(id);
		if (!subscription || isCurrent(subscription, sealer)) return false;
		const { sealedSecret, previousSecret } = subscription;
		const now = {
			sealedSecret: reseal(sealedSecret),
			previousSecret: previousSecret && { ...previousSecret, sealed: reseal(previousSecret.sealed) },
		};
		// False when a rotation came in between: look again.
		if (await store.resealSecrets(id, { sealedSecret, previousSecret }, now)) return true;
	}
}

function isCurrent({ sealedSecret, previousSecret }: Subscription, sealer: Sealer): boolean {
	return [sealedSecret, ...(previousSecret ? [previousSecret.sealed] : [])].every(
		(sealed) => sealer.keyIdOf(sealed) === sealer.keyId,
	);
}
