import { delivered, gone, LEASE_MS, outcome, retried, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

export function settlementConformance(engine: Engine): void {
	describe('settlements', () => {
		const t = useStore(engine);

		it('write a retry with what the policy remembers', async () => {
			await t.subscribe();
			const event = await t.ingest();
			const next = { state: 'ready', at: T0 + 5_000, scheduled: 1, conflictSince: T0 - 1 } as const;
			await t.store.settle(outcome(await t.claimOne(), next, { status: 409 }));
			expect(await t.deliveryOf(event.id)).toMatchObject({ state: 'ready', dueAt: T0 + 5_000 });
			expect(await t.claim({ now: T0 + 4_999 })).toEqual([]);
			const second = await t.claimOne({ now: T0 + 5_000 });
			expect(second).toMatchObject({ attempt: 2, scheduled: 1, conflictSince: T0 - 1 });
		});

		it('keep every attempt as it went, the first first', async () => {
			const subscription = await t.subscribe();
			const event = await t.ingest();
			const answer = '{"error":"Zoë 🦊"}\n\0';
			const timings = { dnsMs: null, connectMs: 3.25, tlsMs: 8, firstByteMs: null };
			await t.store.settle(retried(await t.claimOne(), T0 + 1, { status: null, error: 'timeout', timings }));
			const last = await t.claimOne({ now: T0 + 1 });
			await t.store.settle(delivered(last, { startedAt: T0 + 1, durationMs: 20, response: answer }));
			expect(await t.store.getDelivery(last.deliveryId)).toEqual({
				id: last.deliveryId,
				eventId: event.id,
				subscriptionId: subscription.id,
				state: 'delivered',
				deadReason: null,
				dueAt: T0 + 21,
				createdAt: T0,
				deliveredAt: T0 + 21,
				attempts: [
					{
						attempt: 1,
						startedAt: T0,
						durationMs: 12.5,
						timings,
						status: null,
						error: 'timeout',
						response: null,
					},
					{
						attempt: 2,
						startedAt: T0 + 1,
						durationMs: 20,
						timings: { dnsMs: 0.25, connectMs: 1.5, tlsMs: null, firstByteMs: 9.5 },
						status: 200,
						error: null,
						response: answer,
					},
				],
			});
			// Lists leave the answers out: a page of them could be 100 MB.
			const { attempts } = await t.deliveryOf(event.id);
			expect(attempts).toMatchObject([{ attempt: 1 }, { attempt: 2, status: 200, response: null }]);
		});

		it('of what is not claimed, or not there, are fenced off', async () => {
			await t.subscribe();
			const event = await t.ingest();
			const { id: deliveryId } = await t.deliveryOf(event.id);
			const claim = { ...(await t.claimOne()), deliveryId };
			await t.store.release([claim], T0);
			for (const id of [deliveryId, 'dlv_999999', 'dlv_', 'dlv_1e3', 'none', '']) {
				expect(await t.store.settle(delivered({ ...claim, deliveryId: id }))).toBe('fenced');
			}
			expect(await t.store.settle(delivered({ ...claim, attempt: 2 }))).toBe('fenced');
			expect(await t.deliveryOf(event.id)).toMatchObject({ state: 'ready', attempts: [] });
		});

		it('end the subscription and all that waits for it when the receiver is gone', async () => {
			const mine = await t.subscribe();
			const other = await t.subscribe();
			const events = [await t.ingest(), await t.ingest(), await t.ingest()];
			const claims = (await t.claim({ limit: 4 })).filter((c) => c.subscriptionId === mine.id);
			expect(claims).toHaveLength(2);
			expect(await t.store.settle(gone(claims[0]!))).toBe('settled');

			expect((await t.store.getSubscription(mine.id))?.status).toBe('ended');
			expect((await t.store.getSubscription(other.id))?.status).toBe('active');
			for (const event of events) {
				const deliveries = await t.deliveriesOf(event.id);
				expect(deliveries.find((d) => d.subscriptionId === mine.id)?.state).toBe('cancelled');
				expect(deliveries.find((d) => d.subscriptionId === other.id)?.state).not.toBe('cancelled');
			}
			// The attempt that ran beside it comes too late to be written.
			expect(await t.store.settle(delivered(claims[1]!))).toBe('fenced');
			await t.ingest();
			const later = await t.claim({ now: T0 + 2 * LEASE_MS });
			expect(new Set(later.map((c) => c.subscriptionId))).toEqual(new Set([other.id]));
		});
	});
}
