import { StoreError } from '../../../relay/src/store/port.ts';
import { anEvent, LEASE_MS, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

export function lifeConformance(engine: Engine): void {
	describe('life', () => {
		const t = useStore(engine);

		it('has everything after it was closed and opened again, leases included', async () => {
			const subscription = await t.subscribe();
			const [kept, inFlight] = [await t.ingest(), await t.ingest({ receivedAt: T0 - 1 })];
			await t.claim({ limit: 1 });
			await t.reopen();
			expect(await t.store.listSubscriptions()).toEqual([subscription]);
			expect((await t.claim()).map((c) => c.eventId)).toEqual([kept.id]);
			const late = await t.claim({ now: T0 + LEASE_MS });
			expect(late).toContainEqual(expect.objectContaining({ eventId: inFlight.id, attempt: 2 }));
			const repeat = anEvent({ dedupeKey: kept.dedupeKey });
			expect((await t.store.ingest(repeat)).kind).toBe('duplicate');
		});

		it('shows what one process wrote to another', async () => {
			const other = await t.another();
			const subscription = await t.subscribe();
			const event = await t.ingest();
			expect(await other.getSubscription(subscription.id)).toEqual(subscription);
			expect(await other.getEvent(event.id)).toEqual(await t.store.getEvent(event.id));
			expect((await other.ingest(anEvent({ dedupeKey: event.dedupeKey }))).kind).toBe('duplicate');
		});

		it('commits what is queued before it closes', async () => {
			const event = anEvent();
			const ingested = t.store.ingest(event);
			await t.store.close();
			expect((await ingested).kind).toBe('stored');
			await t.reopen();
			expect(await t.store.getEvent(event.id)).not.toBeNull();
		});

		it('answers a ping, and fails with a StoreError once closed', async () => {
			await expect(t.store.ping()).resolves.toBeUndefined();
			const cancel = t.store.onDue(() => undefined);
			cancel();
			await t.store.close();
			await t.store.close();
			await expect(t.store.ping()).rejects.toBeInstanceOf(StoreError);
			await expect(t.store.ingest(anEvent())).rejects.toBeInstanceOf(StoreError);
			await expect(t.store.getEvent('evt_1')).rejects.toBeInstanceOf(StoreError);
		});
	});
}
