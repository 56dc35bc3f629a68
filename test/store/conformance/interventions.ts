import { anEvent, dead, delivered, LEASE_MS, quarantinedEvent, retried, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

/** Ids that no delivery has, some of them odd. */
const NO_IDS = ['dlv_999999', 'dlv_0', 'dlv_-1', 'dlv_1.5', 'dlv_1e3', 'dlv_', 'dlv_١', '1', 'evt_1', ''];

export function interventionConformance(engine: Engine): void {
	describe('replay', () => {
		const t = useStore(engine);

		it('makes a new delivery of what was delivered, due now', async () => {
			const subscription = await t.subscribe();
			const event = await t.ingest();
			const first = await t.claimOne();
			await t.store.settle(delivered(first));
			const replayed = await t.store.replay(first.deliveryId, T0 + 100);
			expect(replayed).toEqual({
				id: replayed?.id,
				eventId: event.id,
				subscriptionId: subscription.id,
				state: 'ready',
				dueAt: T0 + 100,
				createdAt: T0 + 100,
				deliveredAt: null,
				deadReason: null,
				attempts: [],
			});
			expect(replayed?.id).not.toBe(first.deliveryId);
			expect(await t.store.nextDueAt()).toBe(T0 + 100);
			expect(await t.claim({ now: T0 + 99 })).toEqual([]);
			expect(await t.claimOne({ now: T0 + 100 })).toMatchObject({
				deliveryId: replayed?.id,
				eventId: event.id,
				attempt: 1,
				scheduled: 0,
			});
			expect((await t.store.getDelivery(first.deliveryId))?.state).toBe('delivered');
		});

		it('takes the place of a retry that waits', async () => {
			await t.subscribe();
			const other = await t.subscribe();
			const event = await t.ingest();
			for (const claim of await t.claim()) await t.store.settle(retried(claim, T0 + 5_000));
			const waiting = (await t.deliveriesOf(event.id)).find((d) => d.subscriptionId !== other.id);
			const replayed = await t.store.replay(waiting!.id, T0 + 1);
			expect((await t.store.getDelivery(waiting!.id))?.state).toBe('cancelled');
			expect((await t.claim({ now: T0 + 5_000 })).map((c) => c.deliveryId)).toHaveLength(2);
			// Replaying what was replaced replaces what took its place.
			await t.store.release([{ deliveryId: replayed!.id, attempt: 1 }], T0);
			const third = await t.store.replay(waiting!.id, T0 + 2);
			expect((await t.store.getDelivery(replayed!.id))?.state).toBe('cancelled');
			expect((await t.claim({ now: T0 + 5_000 })).map((c) => c.deliveryId)).toEqual([third!.id]);
		});

		it('leaves an attempt under way alone', async () => {
			await t.subscribe();
			await t.ingest();
			const underWay = await t.claimOne();
			const replayed = await t.store.replay(underWay.deliveryId, T0);
			expect(await t.store.settle(delivered(underWay))).toBe('settled');
			expect((await t.claimOne()).deliveryId).toBe(replayed?.id);
		});

		it('is refused when the subscription is gone or has ended', async () => {
			const [ended, deleted] = [await t.subscribe(), await t.subscribe()];
			const event = await t.ingest();
			await t.claim();
			await t.store.deleteSubscription(deleted.id);
			await t.end(ended);
			for (const { id } of await t.deliveriesOf(event.id)) {
				await expect(t.store.replay(id, T0)).rejects.toMatchObject({ code: 'conflict' });
			}
			expect(await t.deliveriesOf(event.id)).toHaveLength(2);
		});

		it('of no delivery is none', async () => {
			for (const id of NO_IDS) expect(await t.store.replay(id, T0)).toBeNull();
		});
	});

	describe('cancelling', () => {
		const t = useStore(engine);

		it('ends what waits, for good', async () => {
			await t.subscribe();
			const event = await t.ingest();
			const { id } = await t.deliveryOf(event.id);
			expect(await t.store.cancel(id)).toBe('cancelled');
			expect(await t.store.cancel(id)).toBe('final');
			expect(await t.claim({ now: T0 + 10 * LEASE_MS })).toEqual([]);
			expect((await t.deliveryOf(event.id)).state).toBe('cancelled');
		});

		it('fences off the attempt under way', async () => {
			await t.subscribe();
			const event = await t.ingest();
			const claim = await t.claimOne();
			expect(await t.store.cancel(claim.deliveryId)).toBe('cancelled');
			expect(await t.store.settle(delivered(claim))).toBe('fenced');
			await t.store.release([claim], T0);
			expect(await t.deliveryOf(event.id)).toMatchObject({ state: 'cancelled', attempts: [] });
		});

		it('changes nothing that is final, and says when there is no such delivery', async () => {
			await t.subscribe();
			const [one, two] = [await t.ingest(), await t.ingest()];
			const claims = await t.claim();
			await t.store.settle(delivered(claims.find((c) => c.eventId === one.id)!));
			await t.store.settle(dead(claims.find((c) => c.eventId === two.id)!));
			for (const claim of claims) expect(await t.store.cancel(claim.deliveryId)).toBe('final');
			expect((await t.deliveryOf(one.id)).state).toBe('delivered');
			expect((await t.deliveryOf(two.id)).state).toBe('dead');
			for (const id of NO_IDS) expect(await t.store.cancel(id)).toBeNull();
		});
	});

	describe('redrive', () => {
		const t = useStore(engine);
		/** Makes one event and lets its deliveries die; returns their ids. */
		const die = async (): Promise<string[]> => {
			await t.ingest();
			const claims = await t.claim();
			for (const claim of claims) await t.store.settle(dead(claim));
			return claims.map((c) => c.deliveryId);
		};

		it('makes a dead delivery ready again, the whole schedule before it, its attempts kept', async () => {
			await t.subscribe();
			const event = await t.ingest();
			const conflict = { state: 'ready', at: T0, scheduled: 3, conflictSince: T0 } as const;
			await t.store.settle({ ...dead(await t.claimOne()), next: conflict });
			const last = await t.claimOne();
			await t.store.settle(dead(last));
			expect(await t.store.redrive({ deliveryId: last.deliveryId, limit: 10, now: T0 + 50 })).toBe(1);
			expect(await t.store.nextDueAt()).toBe(T0 + 50);
			const again = await t.claimOne({ now: T0 + 50 });
			expect(again).toMatchObject({ deliveryId: last.deliveryId, scheduled: 0, conflictSince: null });
			expect(again.attempt).toBe(3);
			await t.store.settle(delivered(again));
			expect((await t.deliveryOf(event.id)).attempts.map((a) => a.attempt)).toEqual([1, 2, 3]);
		});

		it('revives nothing that is not dead', async () => {
			await t.subscribe();
			for (const settle of [delivered, (claim: Parameters<typeof dead>[0]) => retried(claim, T0 + 9)]) {
				await t.ingest();
				const claim = await t.claimOne();
				await t.store.settle(settle(claim));
				expect(await t.store.redrive({ deliveryId: claim.deliveryId, limit: 9, now: T0 })).toBe(0);
			}
			for (const deliveryId of NO_IDS) {
				expect(await t.store.redrive({ deliveryId, limit: 9, now: T0 })).toBe(0);
			}
			expect(await t.store.redrive({ limit: 9, now: T0 })).toBe(0);
		});

		it('takes those of one subscription, or all, oldest first and no more than asked for', async () => {
			const [one] = [await t.subscribe(), await t.subscribe()];
			const deaths = [await die(), await die(), await die()];
			expect(await t.store.redrive({ subscriptionId: one.id, limit: 2, now: T0 })).toBe(2);
			const revived = await t.claim();
			expect(new Set(revived.map((c) => c.subscriptionId))).toEqual(new Set([one.id]));
			expect(revived.map((c) => deaths.findIndex((ids) => ids.includes(c.deliveryId))).sort()).toEqual([
				0, 1,
			]);

			expect(await t.store.redrive({ limit: 3, now: T0 })).toBe(3);
			const oldest = (await t.claim()).map((c) => deaths.findIndex((ids) => ids.includes(c.deliveryId)));
			expect(oldest.sort()).toEqual([0, 1, 2]);
			expect(await t.store.redrive({ limit: 3, now: T0 })).toBe(1);
			expect(await t.store.redrive({ limit: 3, now: T0 })).toBe(0);
			expect(await t.store.redrive({ subscriptionId: 'sub_none', limit: 3, now: T0 })).toBe(0);
		});

		it('leaves those of subscriptions that are gone or have ended', async () => {
			const [ended, deleted, active] = [await t.subscribe(), await t.subscribe(), await t.subscribe()];
			const ids = await die();
			await t.end(ended);
			await t.store.deleteSubscription(deleted.id);
			await t.claim();
			for (const deliveryId of ids) await t.store.redrive({ deliveryId, limit: 1, now: T0 });
			expect((await t.claim()).map((c) => c.subscriptionId)).toEqual([active.id]);
			expect(await t.store.redrive({ subscriptionId: ended.id, limit: 9, now: T0 })).toBe(0);
			expect(await t.store.redrive({ limit: 9, now: T0 })).toBe(0);
		});
	});

	describe('taking an event out of quarantine', () => {
		const t = useStore(engine);
		const read = {
			dedupeKey: 'workflow:w',
			type: 'enrichment.completed',
			workflowId: 'w',
			attributes: { status: 'completed' },
			truncated: 0,
		} as const;
		const quarantine = async () => {
			const event = quarantinedEvent({ body: Buffer.from('odd') });
			await t.store.ingest(event);
			return event;
		};

		it('keeps it as now understood and delivers it, as it came', async () => {
			await t.subscribe({ filter: { status: 'completed' } });
			await t.subscribe({ filter: { status: 'failed' } });
			const event = await quarantine();
			expect(await t.store.acceptQuarantined(event.id, read, T0 + 9)).toEqual({
				kind: 'stored',
				eventId: event.id,
				deliveries: 1,
			});
			expect(await t.store.getEvent(event.id)).toMatchObject({
				...read,
				state: 'accepted',
				quarantineReason: null,
				receivedAt: T0,
			});
			expect(await t.claim({ now: T0 + 8 })).toEqual([]);
			expect((await t.claimOne({ now: T0 + 9 })).body.toString()).toBe('odd');
			expect((await t.deliveryOf(event.id)).createdAt).toBe(T0 + 9);
			expect(await t.store.listEvents({ limit: 9, state: 'quarantined' })).toEqual([]);
			expect((await t.store.listEvents({ limit: 9, workflowId: 'w' })).map((e) => e.id)).toEqual([event.id]);
		});

		it('makes the repeats of its workflow, and of the same bytes, duplicates', async () => {
			const event = await quarantine();
			await t.store.acceptQuarantined(event.id, read, T0);
			const same = quarantinedEvent({ dedupeKey: event.dedupeKey });
			expect(await t.store.ingest(same)).toEqual({ kind: 'duplicate', eventId: event.id });
			expect((await t.store.ingest({ ...same, dedupeKey: 'workflow:w' })).kind).toBe('duplicate');
		});

		it('changes nothing when another event has its key', async () => {
			await t.subscribe();
			const event = await quarantine();
			const first = await t.ingest({ workflowId: 'w' });
			const before = await t.store.getEvent(event.id);
			expect(await t.store.acceptQuarantined(event.id, read, T0)).toEqual({
				kind: 'duplicate',
				eventId: first.id,
			});
			expect(await t.store.getEvent(event.id)).toEqual(before);
			expect(await t.claim()).toHaveLength(1);
		});

		it('keeps one of the two when a readable one of its workflow comes at the same moment', async () => {
			await t.subscribe();
			const event = await quarantine();
			const outcomes = await Promise.all([
				t.store.ingest(anEvent({ workflowId: 'w' })),
				t.store.acceptQuarantined(event.id, read, T0),
			]);
			expect(outcomes.map((outcome) => outcome?.kind).sort()).toEqual(['duplicate', 'stored']);
			expect(new Set(outcomes.map((outcome) => outcome?.eventId)).size).toBe(1);
			expect(await t.claim()).toHaveLength(1);
		});

		it('is fine with the key it had', async () => {
			const event = await quarantine();
			const { dedupeKey } = event;
			const outcome = await t.store.acceptQuarantined(event.id, { ...read, dedupeKey, truncated: 2 }, T0);
			expect(outcome?.kind).toBe('stored');
			// As it is truncated, a complete one replaces it.
			const complete = { ...quarantinedEvent({ state: 'accepted' }), dedupeKey };
			expect((await t.store.ingest(complete)).kind).toBe('completed');
		});

		it('needs an event that is in quarantine', async () => {
			const accepted = await t.ingest();
			const event = await quarantine();
			await t.store.acceptQuarantined(event.id, read, T0);
			for (const id of [accepted.id, event.id, 'evt_none']) {
				expect(await t.store.acceptQuarantined(id, { ...read, dedupeKey: 'k' }, T0)).toBeNull();
			}
		});

		it('happens once when asked for twice at the same time', async () => {
			await t.subscribe();
			const event = await quarantine();
			const outcomes = await Promise.all([1, 2, 3].map(() => t.store.acceptQuarantined(event.id, read, T0)));
			expect(outcomes.filter((outcome) => outcome !== null)).toHaveLength(1);
			expect(await t.claim()).toHaveLength(1);
		});
	});
}
