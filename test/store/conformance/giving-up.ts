import { BREAKER, delivered, MINUTE, outcome, retried, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

const DAY = 24 * 60 * MINUTE;

export function givingUpConformance(engine: Engine): void {
	describe('giving up', () => {
		const t = useStore(engine);
		/** Opens the breaker of the one subscription that has something due: failures that ended at T0 + 12. */
		const fail = async (deliveries: number = BREAKER.threshold, retryAt = T0 + 30 * DAY) => {
			const events = [];
			for (let n = 0; n < deliveries; n++) events.push(await t.ingest());
			for (const claim of await t.claim({ limit: deliveries })) {
				await t.store.settle(retried(claim, retryAt, { breaker: BREAKER, durationMs: 12 }));
			}
			return events;
		};
		const giveUp = (before: number, limit = 100) => t.store.giveUp({ before, limit });

		it('makes dead what has been due for too long behind a breaker that nothing got through', async () => {
			const { id } = await t.subscribe();
			await fail();
			expect(await t.store.getSubscription(id)).toMatchObject({ failures: 3, failingSince: T0 + 12 });
			const [old, young] = [await t.ingest(), await t.ingest({ receivedAt: T0 + DAY })];
			// Neither has waited for longer than the receiver has been failing.
			expect(await giveUp(T0 + 12)).toBe(0);
			expect(await giveUp(T0 + 13)).toBe(1);
			expect(await t.deliveryOf(old.id)).toMatchObject({
				state: 'dead',
				deadReason: 'receiver_down',
				attempts: [],
			});
			expect(await t.deliveryOf(young.id)).toMatchObject({ state: 'ready', deadReason: null });
			expect(await t.store.stats()).toMatchObject({ ready: 4, dead: 1, oldestDueAt: T0 + DAY });
			expect((await t.claimOne({ now: T0 + DAY, limit: 1 })).eventId).toBe(young.id);
		});

		it('counts from the first failure in a row: a receiver that has answered meanwhile is not down', async () => {
			const { id } = await t.subscribe();
			await fail();
			const waiting = await t.ingest();
			await t.store.settle(delivered(await t.claimOne({ now: T0 + DAY })));
			expect(await t.store.getSubscription(id)).toMatchObject({ failures: 0, failingSince: null });
			expect((await t.deliveryOf(waiting.id)).state).toBe('delivered');
			await t.ingest();
			expect(await giveUp(T0 + 2 * DAY)).toBe(0);
			// Failing again, since a day later.
			for (let n = 0; n < BREAKER.threshold; n++) {
				await t.ingest();
				const claim = await t.claimOne({ now: T0 + DAY, limit: 1 });
				const late = { breaker: BREAKER, startedAt: T0 + DAY, durationMs: 0 };
				await t.store.settle(retried(claim, T0 + 30 * DAY, late));
			}
			await t.ingest();
			expect(await giveUp(T0 + DAY)).toBe(0);
			expect(await giveUp(T0 + DAY + 1)).toBeGreaterThan(0);
		});

		it('leaves what waits for anything else: a rate, a retry, an attempt under way', async () => {
			await t.subscribe({ id: 'sub_slow', url: 'http://slow/', perMinute: 1 });
			await t.ingest();
			await t.ingest();
			await t.store.settle(delivered(await t.claimOne()));
			expect(await giveUp(T0 + 30 * DAY)).toBe(0);
			// Fewer failures than open a breaker.
			const failed = await t.claimOne({ now: T0 + MINUTE });
			await t.store.settle(retried(failed, T0, { breaker: BREAKER, startedAt: T0 }));
			expect(await giveUp(T0 + 30 * DAY)).toBe(0);
			await t.store.deleteSubscription('sub_slow');

			await t.subscribe();
			await fail(BREAKER.threshold, T0 + 20 * DAY);
			await t.ingest();
			const probe = await t.claimOne({ now: T0 + MINUTE });
			expect(await giveUp(T0 + 20 * DAY)).toBe(0);
			expect(await t.store.settle(delivered(probe))).toBe('settled');
		});

		it('takes the oldest due first, and no more than asked for, over all subscriptions', async () => {
			for (let n = 0; n < 2; n++) await t.subscribe();
			await fail();
			for (const claim of await t.claim()) {
				await t.store.settle(retried(claim, T0 + 30 * DAY, { breaker: BREAKER, durationMs: 12 }));
			}
			for (const receivedAt of [T0 + 3, T0 + 1, T0 + 2]) await t.ingest({ receivedAt });
			expect(await giveUp(T0 + DAY, 2)).toBe(2);
			const dead = await t.store.listDeliveries({ limit: 9, state: 'dead' });
			expect(dead.map(({ dueAt }) => dueAt).sort()).toEqual([T0 + 1, T0 + 2]);
			expect(await giveUp(T0 + DAY, 9)).toBe(4);
			expect(await giveUp(T0 + DAY, 9)).toBe(0);
		});

		it('lets retention have the event, and lets it be re-driven and replayed as any other dead one', async () => {
			await t.subscribe();
			await fail(BREAKER.threshold, T0 + DAY);
			const [one, two] = [await t.ingest(), await t.ingest()];
			expect(await giveUp(T0 + DAY)).toBe(2);
			const { id: deliveryId } = await t.deliveryOf(one.id);
			expect(await t.store.redrive({ deliveryId, limit: 1, now: T0 + 9 * DAY })).toBe(1);
			expect(await t.deliveryOf(one.id)).toMatchObject({ state: 'ready', deadReason: null });
			// Re-driven, it has all its time before it.
			expect(await giveUp(T0 + 9 * DAY)).toBe(BREAKER.threshold);
			expect(await t.store.replay((await t.deliveryOf(two.id)).id, T0 + 9 * DAY)).not.toBeNull();
			const again = await t.claimOne({ now: T0 + 9 * DAY, limit: 1 });
			await t.store.settle(delivered(again));
			const sweep = { deliveredBefore: 0, deadBefore: T0 + 1, keysBefore: 0, limit: 99 };
			// Of the two one is delivered or pending, the other waits: the three that failed are free to go.
			expect((await t.store.sweep(sweep)).events).toBe(BREAKER.threshold);
		});

		it('is told apart from a schedule that was used up', async () => {
			await t.subscribe();
			const event = await t.ingest();
			await t.store.settle(outcome(await t.claimOne(), { state: 'dead' }));
			expect(await t.deliveryOf(event.id)).toMatchObject({ deadReason: 'schedule_used_up' });
		});
	});
}
