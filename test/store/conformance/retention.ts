import type { Store } from '../../../relay/src/store/port.ts';
import { anEvent, dead, delivered, quarantinedEvent, retried, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

export function retentionConformance(engine: Engine): void {
	describe('retention', () => {
		const t = useStore(engine);
		const NEVER = 0;
		const sweep = (options: Partial<Parameters<Store['sweep']>[0]>) =>
			t.store.sweep({ deliveredBefore: NEVER, deadBefore: NEVER, keysBefore: NEVER, limit: 100, ...options });
		const isThere = async (id: string) => (await t.store.getEvent(id)) !== null;

		it('takes a delivered event with all that belongs to it once it is old enough', async () => {
			await t.subscribe();
			const event = await t.ingest();
			await t.store.recordVariant(event.id, {
				hash: Buffer.from('h'),
				body: Buffer.from('variant'),
				keyId: null,
				contentType: 'text/plain',
				bytes: 7,
				receivedAt: T0,
			});
			const claim = await t.claimOne();
			await t.store.settle(delivered(claim));
			const none = { events: 0, dedupeKeys: 0, more: false };
			expect(await sweep({ deliveredBefore: T0, deadBefore: T0 + 9 })).toEqual(none);
			expect(await isThere(event.id)).toBe(true);

			expect(await sweep({ deliveredBefore: T0 + 1 })).toEqual({ ...none, events: 1 });
			expect(await isThere(event.id)).toBe(false);
			expect(await t.store.getBody(event.id)).toBeNull();
			expect(await t.store.listVariants(event.id)).toEqual([]);
			expect(await t.store.getDelivery(claim.deliveryId)).toBeNull();
			expect(await t.store.listDeliveries({ limit: 9 })).toEqual([]);
			expect(await t.store.bodiesNotUnder(1, 9)).toEqual([]);
			expect(await sweep({ deliveredBefore: T0 + 1 })).toEqual(none);
		});

		it.each(['ready', 'leased', 'retry'])(
			'keeps an event with a delivery that is pending (%s)',
			async (how) => {
				await t.subscribe();
				const event = await t.ingest();
				if (how !== 'ready') {
					const claim = await t.claimOne();
					if (how === 'retry') await t.store.settle(retried(claim, T0 + 5));
				}
				await sweep({ deliveredBefore: T0 + 999, deadBefore: T0 + 999 });
				expect(await isThere(event.id)).toBe(true);
			},
		);

		it('keeps an event while one of its deliveries is pending, dead, or was made anew', async () => {
			const [one] = [await t.subscribe(), await t.subscribe()];
			const event = await t.ingest();
			const [mine, other] = (await t.claim()).sort((a) => (a.subscriptionId === one.id ? -1 : 1));
			await t.store.settle(delivered(mine!));
			await sweep({ deliveredBefore: T0 + 1, deadBefore: T0 + 1 });
			expect(await isThere(event.id)).toBe(true);
			await t.store.settle(dead(other!));
			await sweep({ deliveredBefore: T0 + 1 });
			expect(await isThere(event.id)).toBe(true);

			await t.store.redrive({ limit: 1, now: T0 });
			await t.store.settle(delivered(await t.claimOne()));
			await t.store.replay(mine!.deliveryId, T0);
			await sweep({ deliveredBefore: T0 + 1, deadBefore: T0 + 1 });
			expect(await isThere(event.id)).toBe(true);
			await t.store.settle(delivered(await t.claimOne()));
			expect((await sweep({ deliveredBefore: T0 + 1 })).events).toBe(1);
		});

		it('takes all that is old enough at once, also what was stored in another order than it came', async () => {
			await t.subscribe({ concurrency: 50 });
			for (const n of [5, 3, 4, 1, 2]) await t.ingest({ receivedAt: T0 + n });
			for (const claim of await t.claim({ now: T0 + 9 })) await t.store.settle(delivered(claim));
			expect((await sweep({ deliveredBefore: T0 + 9 })).events).toBe(5);
		});

		it('keeps what is dead, in quarantine or without a delivery for longer', async () => {
			const unwanted = await t.ingest();
			const odd = quarantinedEvent();
			await t.store.ingest(odd);
			await t.subscribe();
			const given = await t.ingest();
			await t.store.settle(dead(await t.claimOne()));
			await sweep({ deliveredBefore: T0 + 999, deadBefore: T0 });
			for (const { id } of [unwanted, odd, given]) expect(await isThere(id)).toBe(true);
			expect((await sweep({ deadBefore: T0 + 1 })).events).toBe(3);
			expect(await t.store.stats()).toMatchObject({ dead: 0, quarantined: 0 });
		});

		it('takes events whose deliveries were all cancelled with the delivered ones', async () => {
			const { id } = await t.subscribe();
			const event = await t.ingest();
			const leased = await t.ingest();
			await t.claim({ limit: 1 });
			await t.store.deleteSubscription(id);
			expect((await sweep({ deliveredBefore: T0 + 1 })).events).toBe(2);
			expect(await isThere(event.id)).toBe(false);
			expect(await isThere(leased.id)).toBe(false);
		});

		it('counts an event that was completed, or taken out of quarantine, as what it is then', async () => {
			await t.subscribe();
			const truncated = await t.ingest({ workflowId: 'w', truncated: 1 });
			await t.store.settle(delivered(await t.claimOne()));
			await t.store.ingest(anEvent({ workflowId: 'w' }));
			const odd = quarantinedEvent();
			await t.store.ingest(odd);
			const read = { dedupeKey: 'k', type: 'enrichment.completed', workflowId: 'v' } as const;
			await t.store.acceptQuarantined(odd.id, { ...read, attributes: {}, truncated: 0 }, T0);
			await sweep({ deliveredBefore: T0 + 1, deadBefore: T0 + 1 });
			for (const { id } of [truncated, odd]) expect(await isThere(id)).toBe(true);
			for (const claim of await t.claim()) await t.store.settle(delivered(claim));
			expect((await sweep({ deliveredBefore: T0 + 1 })).events).toBe(2);
		});

		it('lets dedupe keys outlive their events', async () => {
			await t.subscribe();
			const event = await t.ingest({ workflowId: 'w', truncated: 2 });
			await t.store.settle(delivered(await t.claimOne()));
			await sweep({ deliveredBefore: T0 + 1 });
			// Neither a repeat nor a complete one finds anything to add to.
			for (const truncated of [2, 0]) {
				expect(await t.store.ingest(anEvent({ workflowId: 'w', truncated }))).toEqual({
					kind: 'duplicate',
					eventId: event.id,
				});
			}
			expect(await t.store.listEvents({ limit: 9, workflowId: 'w' })).toEqual([]);
			expect(await sweep({ keysBefore: T0 })).toMatchObject({ events: 0, dedupeKeys: 0 });
			expect(await sweep({ keysBefore: T0 + 1 })).toMatchObject({ events: 0, dedupeKeys: 1 });
			expect((await t.store.ingest(anEvent({ workflowId: 'w' }))).kind).toBe('stored');
		});

		it('goes by small batches, oldest first', async () => {
			const events: string[] = [];
			for (const n of [3, 1, 2, 0]) events[n] = (await t.ingest({ receivedAt: T0 + n })).id;
			const all = { deadBefore: T0 + 99, keysBefore: T0 + 99 };
			expect(await sweep({ ...all, limit: 3 })).toEqual({ events: 3, dedupeKeys: 3, more: true });
			expect((await t.store.listEvents({ limit: 9 })).map((e) => e.id)).toEqual([events[3]]);
			expect(await sweep({ ...all, limit: 3 })).toEqual({ events: 1, dedupeKeys: 1, more: false });
			expect(await sweep({ ...all, limit: 3 })).toEqual({ events: 0, dedupeKeys: 0, more: false });
		});

		it('takes as many events as asked for, however many deliveries each of them has', async () => {
			for (let n = 0; n < 3; n++) await t.subscribe();
			const events = [await t.ingest(), await t.ingest(), await t.ingest()];
			for (const claim of await t.claim()) await t.store.settle(delivered(claim));
			expect((await sweep({ deliveredBefore: T0 + 1, limit: 2 })).events).toBe(2);
			expect((await t.store.listEvents({ limit: 9 })).map(({ id }) => id)).toEqual([events[2]!.id]);

			for (let n = 0; n < 2; n++) await t.ingest();
			for (const claim of await t.claim()) await t.store.settle(dead(claim));
			expect((await sweep({ deadBefore: T0 + 1, limit: 2 })).events).toBe(2);
		});

		it('takes no more events than asked for, of both kinds together', async () => {
			for (let n = 0; n < 2; n++) await t.ingest();
			await t.subscribe();
			for (let n = 0; n < 2; n++) await t.ingest();
			for (const claim of await t.claim()) await t.store.settle(delivered(claim));
			const both = { deliveredBefore: T0 + 1, deadBefore: T0 + 1 };
			expect((await sweep({ ...both, limit: 3 })).events).toBe(3);
			expect((await sweep({ ...both, limit: 3 })).events).toBe(1);
		});
	});
}
