import type { Claim, NewEvent, Store, StoredDelivery, Subscription } from '../../../relay/src/store/port.ts';
import { anEvent, aSubscription, gone, LEASE_MS, only, T0 } from './fixtures.ts';
import type { Engine, OpenedStore } from './fixtures.ts';

type ClaimOptions = Partial<Parameters<Store['claim']>[0]>;

/** A store for the tests of the surrounding `describe`, a new one for each, and short words for what they all do. */
export function useStore(engine: Engine) {
	let opened: OpenedStore;
	let store: Store;

	beforeEach(async () => {
		opened = await engine.open();
		store = opened.store;
		await store.putSource({
			id: 'default',
			name: 'Cleanlist',
			tokenHash: Buffer.from('hash'),
			createdAt: T0,
		});
	});
	afterEach(() => opened.remove());

	const claim = (options: ClaimOptions = {}): Promise<Claim[]> =>
		store.claim({ now: T0, leaseMs: LEASE_MS, limit: 100, ...options });

	return {
		get store() {
			return store;
		},
		another: () => opened.another(),
		async reopen(): Promise<void> {
			store = await opened.reopen();
		},
		claim,
		/** Claims what must be exactly one delivery. */
		claimOne: async (options: ClaimOptions = {}): Promise<Claim> => only(await claim(options)),
		async subscribe(overrides: Partial<Subscription> = {}): Promise<Subscription> {
			const subscription = aSubscription(overrides);
			await store.createSubscription(subscription);
			return subscription;
		},
		async ingest(overrides: Partial<NewEvent> = {}): Promise<NewEvent> {
			const event = anEvent(overrides);
			await store.ingest(event);
			return event;
		},
		/** Ends a subscription the only way there is: its receiver answers 410. Leaves a cancelled delivery. */
		async end({ id, filter }: Subscription): Promise<void> {
			await store.ingest(anEvent({ receivedAt: 0, attributes: filter }));
			const mine = (await claim()).find((c) => c.subscriptionId === id);
			if (!mine) throw new Error('nothing to claim');
			await store.settle(gone(mine));
		},
		deliveriesOf: (eventId: string): Promise<StoredDelivery[]> =>
			store.listDeliveries({ eventId, limit: 100 }),
		/** The delivery of an event that must have exactly one. */
		deliveryOf: async (eventId: string): Promise<StoredDelivery> =>
			only(await store.listDeliveries({ eventId, limit: 100 })),
	};
}
