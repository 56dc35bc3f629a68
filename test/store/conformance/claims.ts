import { dead, delivered, LEASE_MS, MINUTE, retried, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

export function claimConformance(engine: Engine): void {
	describe('claims', () => {
		const t = useStore(engine);

		it('hand a delivery to one claimer only, with all an attempt needs', async () => {
			const subscription = await t.subscribe();
			const event = await t.ingest({ contentType: 'text/plain; x=é' });
			const both = await Promise.all([t.claim(), t.claim()]);
			expect(both.flat()).toEqual([
				{
					deliveryId: (await t.deliveryOf(event.id)).id,
					eventId: event.id,
					subscriptionId: subscription.id,
					receiver: {
						url: subscription.url,
						sealedSecret: subscription.sealedSecret,
						previousSealedSecret: null,
						concurrency: subscription.concurrency,
					},
					body: event.body,
					bodyKeyId: null,
					contentType: event.contentType,
					attempt: 1,
					scheduled: 0,
					conflictSince: null,
				},
			]);
		});

		it('hand a delivery to one process only', async () => {
			await t.subscribe();
			for (let n = 0; n < 20; n++) await t.ingest();
			const other = await t.another();
			const options = { now: T0, leaseMs: LEASE_MS, limit: 3 };
			const ids: string[] = [];
			// One may pass over what the other is looking at, so not every claim gets all it asked for.
			for (let round = 0; round < 20 && ids.length < 20; round++) {
				const claims = await Promise.all([t.store, other, other].map((store) => store.claim(options)));
				ids.push(...claims.flat().map((c) => c.deliveryId));
			}
			expect(ids).toHaveLength(20);
			expect(new Set(ids).size).toBe(20);
		});

		it('take what is due, oldest first, and no more than asked for', async () => {
			await t.subscribe();
			await t.subscribe();
			const events = [];
			for (const n of [2, 0, 1]) events.push(await t.ingest({ receivedAt: T0 + n }));
			const claimed = async (now: number, limit: number) =>
				(await t.claim({ now, limit })).map((c) => c.eventId);
			expect(await claimed(T0 + 1, 0)).toEqual([]);
			expect(await claimed(T0 + 1, 3)).toEqual([events[1]?.id, events[1]?.id, events[2]?.id]);
			expect(await claimed(T0 + 1, 3)).toEqual([events[2]?.id]);
			expect(await claimed(T0 + 1, 3)).toEqual([]);
			expect(await claimed(T0 + 2, 3)).toEqual([events[0]?.id, events[0]?.id]);
		});

		it('reach every subscription, also when more have something due than are asked for', async () => {
			const subscriptions = [];
			for (let n = 0; n < 7; n++) subscriptions.push((await t.subscribe({ concurrency: 1 })).id);
			await t.ingest();
			await t.ingest();
			const claimed = [];
			for (let n = 0; n < 4; n++) claimed.push(...(await t.claim({ limit: 2 })));
			expect(claimed.map((c) => c.subscriptionId).sort()).toEqual(subscriptions.sort());
		});

		it('give an attempt whose lease ran out to the next claimer, and fence the late result off', async () => {
			await t.subscribe();
			const event = await t.ingest();
			const lost = await t.claimOne();
			expect(await t.claim({ now: T0 + LEASE_MS - 1 })).toEqual([]);

			const taken = await t.claimOne({ now: T0 + LEASE_MS });
			expect(taken).toMatchObject({ deliveryId: lost.deliveryId, attempt: 2 });
			expect(await t.store.settle(dead(lost))).toBe('fenced');
			expect(await t.deliveryOf(event.id)).toMatchObject({ state: 'leased', attempts: [] });

			expect(await t.store.settle(delivered(taken))).toBe('settled');
			expect(await t.store.settle(dead(taken))).toBe('fenced');
			expect(await t.deliveryOf(event.id)).toMatchObject({ state: 'delivered', attempts: [{ attempt: 2 }] });
		});

		it('still take the result of a lease that ran out while nobody took over', async () => {
			await t.subscribe();
			await t.ingest();
			expect(await t.store.settle(delivered(await t.claimOne(), { startedAt: T0 + LEASE_MS }))).toBe(
				'settled',
			);
			expect(await t.claim({ now: T0 + 10 * LEASE_MS })).toEqual([]);
		});

		it('can be handed back, and a late end of them is fenced off', async () => {
			await t.subscribe();
			const event = await t.ingest();
			const released = await t.claimOne();
			await t.store.release([released], T0 + 5);
			expect(await t.claim({ now: T0 + 4 })).toEqual([]);
			const again = await t.claimOne({ now: T0 + 5 });
			expect(again).toMatchObject({ deliveryId: released.deliveryId, scheduled: 0 });
			expect(again.attempt).toBeGreaterThan(released.attempt);
			expect(await t.store.settle(dead(released))).toBe('fenced');
			// Nor does a second release of the first claim touch the second claim, or one of nothing at all.
			await t.store.release([released, { deliveryId: 'dlv_none', attempt: 1 }], T0 + 5);
			await t.store.release([], T0 + 5);
			expect(await t.claim({ now: T0 + 5 })).toEqual([]);
			expect((await t.deliveryOf(event.id)).state).toBe('leased');
		});
	});

	describe('the concurrency of a subscription', () => {
		const t = useStore(engine);

		it('is kept to, and a full one does not stop another', async () => {
			const [busy, other] = [await t.subscribe({ concurrency: 2 }), await t.subscribe({ concurrency: 3 })];
			for (let n = 0; n < 5; n++) await t.ingest({ receivedAt: T0 + n });
			const now = T0 + 10;
			const first = await t.claim({ now });
			const of = (id: string) => first.filter((c) => c.subscriptionId === id);
			expect([of(busy.id).length, of(other.id).length]).toEqual([2, 3]);
			expect(await t.claim({ now })).toEqual([]);
			for (const claim of of(busy.id).slice(1)) await t.store.settle(delivered(claim));
			expect((await t.claim({ now })).map((c) => c.subscriptionId)).toEqual([busy.id]);
		});

		it('may be claimed beyond, by so many as are asked for ahead, but not of one with a rate', async () => {
			const [plain, other] = [await t.subscribe({ concurrency: 2 }), await t.subscribe({ concurrency: 2 })];
			const paced = await t.subscribe({ concurrency: 2, perMinute: 600 });
			for (let n = 0; n < 9; n++) await t.ingest();
			const ahead = new Map([plain, paced].map(({ id }) => [id, 3]));
			const claims = await t.claim({ ahead });
			const of = ({ id }: { id: string }) => claims.filter((c) => c.subscriptionId === id);
			expect([plain, other, paced].map((it) => of(it).length)).toEqual([5, 2, 2]);
			expect(await t.claim({ ahead })).toEqual([]);
			expect(await t.claim({ ahead: new Map([[plain.id, 4]]) })).toHaveLength(1);
			// Without, it has none to spare until four have ended.
			for (const claim of of(plain).slice(0, 4)) await t.store.settle(delivered(claim));
			expect(await t.claim()).toEqual([]);
			await t.store.settle(delivered(of(plain)[4]!));
			expect((await t.claim()).map((c) => c.subscriptionId)).toEqual([plain.id]);
		});

		it('is freed by each result that can be written, and only the one that cannot is rejected', async () => {
			await t.subscribe({ concurrency: 3 });
			for (let n = 0; n < 6; n++) await t.ingest();
			const [good, bad] = await t.claim({ limit: 2 });
			const results = await Promise.allSettled([
				t.store.settle(delivered(good!)),
				t.store.settle(delivered(bad!, { startedAt: 'never' as unknown as number })),
			]);
			expect(results).toMatchObject([
				{ status: 'fulfilled', value: 'settled' },
				{ status: 'rejected', reason: { name: 'StoreError' } },
			]);
			expect(await t.claim()).toHaveLength(2);
			expect((await t.deliveryOf(bad!.eventId)).state).toBe('leased');
		});

		it('is shared by all processes', async () => {
			await t.subscribe({ concurrency: 3 });
			for (let n = 0; n < 10; n++) await t.ingest();
			const other = await t.another();
			const options = { now: T0, leaseMs: LEASE_MS, limit: 2 };
			const claims = [];
			for (let n = 0; n < 3; n++) {
				claims.push(...(await other.claim(options)), ...(await t.store.claim(options)));
			}
			expect(claims).toHaveLength(3);
		});

		it('has room again when an attempt ends in whatever way', async () => {
			await t.subscribe({ concurrency: 1 });
			for (let n = 0; n < 6; n++) await t.ingest({ receivedAt: T0 - 6 + n });
			await t.store.settle(delivered(await t.claimOne()));
			await t.store.settle(dead(await t.claimOne()));
			await t.store.settle(retried(await t.claimOne(), T0 + 500));
			const released = await t.claimOne();
			await t.store.release([released], T0);
			const cancelled = await t.claimOne();
			expect(await t.store.cancel(cancelled.deliveryId)).toBe('cancelled');
			await t.claimOne();
			// A lease that ran out is no attempt under way any more.
			expect(await t.claim({ now: T0 + LEASE_MS - 1 })).toEqual([]);
			expect(await t.claim({ now: T0 + LEASE_MS })).toHaveLength(1);
		});

		it('counts from the next claim on when it is changed', async () => {
			const { id } = await t.subscribe({ concurrency: 1 });
			for (let n = 0; n < 6; n++) await t.ingest();
			await t.claimOne();
			await t.store.changeSubscription(id, { concurrency: 4 });
			const more = await t.claim();
			expect(more).toHaveLength(3);
			await t.store.changeSubscription(id, { concurrency: 3 });
			await t.store.settle(delivered(more[0]!));
			expect(await t.claim()).toEqual([]);
			await t.store.settle(delivered(more[1]!));
			expect(await t.claim()).toHaveLength(1);
		});
	});

	describe('the rate of a subscription', () => {
		const t = useStore(engine);

		/** Claims every 100 ms as much as it gets, settles at once; returns when each attempt started, from T0. */
		async function starts(forMs: number): Promise<number[]> {
			const times: number[] = [];
			for (let ms = 0; ms < forMs; ms += 100) {
				for (const claim of await t.claim({ now: T0 + ms })) {
					times.push(ms);
					await t.store.settle(delivered(claim, { startedAt: T0 + ms, durationMs: 0 }));
				}
			}
			return times;
		}

		it('is kept to in every minute, and all of it can be used', async () => {
			await t.subscribe({ perMinute: 6 });
			for (let n = 0; n < 20; n++) await t.ingest();
			const times = await starts(3 * MINUTE);
			for (const from of times) {
				expect(times.filter((ms) => ms >= from && ms < from + MINUTE).length).toBeLessThanOrEqual(6);
			}
			expect(times).toHaveLength(18);
		});

		it('lets a burst of a second or so through at once', async () => {
			await t.subscribe({ perMinute: 600 });
			for (let n = 0; n < 50; n++) await t.ingest();
			const burst = await t.claim();
			expect(burst.length).toBeGreaterThan(1);
			expect(burst.length).toBeLessThanOrEqual(20);
			expect(await t.claim()).toEqual([]);
		});

		it('is shared by all processes, and says when the next may start', async () => {
			await t.subscribe({ perMinute: 2 });
			for (let n = 0; n < 5; n++) await t.ingest();
			const other = await t.another();
			await t.claimOne();
			expect(await other.claim({ now: T0, leaseMs: LEASE_MS, limit: 5 })).toEqual([]);
			const next = (await other.nextDueAt()) ?? 0;
			expect(next).toBeLessThanOrEqual(T0 + MINUTE / 2);
			expect(next).toBeGreaterThan(T0);
			expect(await other.claim({ now: next - 1, leaseMs: LEASE_MS, limit: 5 })).toEqual([]);
			expect(await other.claim({ now: T0 + MINUTE / 2, leaseMs: LEASE_MS, limit: 5 })).toHaveLength(1);
		});

		it('counts from the next claim on when it is changed', async () => {
			const { id } = await t.subscribe({ perMinute: 1 });
			for (let n = 0; n < 5; n++) await t.ingest();
			await t.claimOne();
			expect(await t.claim()).toEqual([]);
			await t.store.changeSubscription(id, { perMinute: null });
			expect(await t.claim()).toHaveLength(4);
		});

		it('does not hold a subscription up for longer than a minute when the clock is set back', async () => {
			await t.subscribe({ perMinute: 1 });
			await t.ingest();
			await t.claimOne({ now: T0 + 24 * 60 * MINUTE });
			await t.ingest();
			expect(await t.claim({ now: T0 + MINUTE })).toHaveLength(1);
		});
	});

	describe('when something can be claimed next', () => {
		const t = useStore(engine);

		it('is when the first delivery is due, a retry, or a lease that runs out', async () => {
			expect(await t.store.nextDueAt()).toBeNull();
			await t.subscribe();
			await t.ingest({ receivedAt: T0 - 7 });
			expect(await t.store.nextDueAt()).toBe(T0 - 7);
			const first = await t.claimOne();
			expect(await t.store.nextDueAt()).toBe(T0 + LEASE_MS);
			await t.ingest({ receivedAt: T0 + 3 });
			expect(await t.store.nextDueAt()).toBe(T0 + 3);
			await t.store.settle(retried(first, T0 + 1));
			expect(await t.store.nextDueAt()).toBe(T0 + 1);
		});

		it('is never when nothing is pending', async () => {
			await t.subscribe();
			for (const end of [
				async () => void (await t.store.settle(delivered(await t.claimOne()))),
				async () => void (await t.store.settle(dead(await t.claimOne()))),
				async () => void (await t.store.cancel((await t.claimOne()).deliveryId)),
			]) {
				await t.ingest();
				await end();
				expect(await t.store.nextDueAt()).toBeNull();
			}
		});

		it('is when a lease runs out while a subscription is full, however long its backlog is due', async () => {
			await t.subscribe({ concurrency: 1 });
			await t.ingest({ receivedAt: T0 - 2 });
			await t.ingest({ receivedAt: T0 - 1 });
			await t.claimOne();
			expect(await t.claim()).toEqual([]);
			expect(await t.store.nextDueAt()).toBe(T0 + LEASE_MS);
			// New arrivals do not make it look again.
			await t.ingest();
			expect(await t.claim()).toEqual([]);
			expect(await t.store.nextDueAt()).toBe(T0 + LEASE_MS);
		});
	});
}
