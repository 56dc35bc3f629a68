import { STOP_SLICE } from '../../../relay/src/store/stop-slice.ts';
import { aSubscription, gone, only, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

export function subscriptionConformance(engine: Engine): void {
	describe('subscriptions', () => {
		const t = useStore(engine);

		it('gives back what was saved, oldest first, and by URL', async () => {
			const b = await t.subscribe({
				createdAt: T0 + 1,
				description: 'Zoë’s 🦊',
				previousSecret: { sealed: Buffer.from([0, 255]), until: T0 + 9 },
				concurrency: 3,
				perMinute: 60,
				failures: 2,
				failingSince: T0 + 5,
				probeAt: T0 + 7,
			});
			const a = await t.subscribe({ filter: { status: 'completed', lead_list_id: 'l' } });
			expect(await t.store.listSubscriptions()).toEqual([a, b]);
			expect(await t.store.listSubscriptions({ url: b.url })).toEqual([b]);
			expect(await t.store.listSubscriptions({ url: 'http://elsewhere.example/' })).toEqual([]);
			expect(await t.store.getSubscription(a.id)).toEqual(a);
			expect(await t.store.getSubscription('sub_none')).toBeNull();
		});

		it('refuses a second active one with the same URL, also at the same time', async () => {
			const { url } = await t.subscribe();
			const again = t.store.createSubscription(aSubscription({ url }));
			await expect(again).rejects.toMatchObject({ code: 'conflict' });
			expect(await t.store.listSubscriptions({ url })).toHaveLength(1);

			const racing = [1, 2, 3].map(() => t.store.createSubscription(aSubscription({ url: 'http://race/' })));
			const results = await Promise.allSettled(racing);
			expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
		});

		it('allows the URL again once the first has ended', async () => {
			const first = await t.subscribe();
			await t.end(first);
			await t.subscribe({ url: first.url });
			await t.ingest();
			expect(await t.claim()).toHaveLength(1);
		});

		it('cancels what was pending when it is deleted, an attempt under way included, and keeps the record', async () => {
			const subscription = await t.subscribe();
			const [underWay, waiting] = [await t.ingest({ receivedAt: T0 - 1 }), await t.ingest()];
			const claim = await t.claimOne({ limit: 1 });
			expect(await t.store.deleteSubscription(subscription.id)).toBe(true);
			expect(await t.store.deleteSubscription(subscription.id)).toBe(false);
			expect(await t.store.settle(gone(claim))).toBe('fenced');
			expect(await t.claim({ now: T0 + 999_999 })).toEqual([]);
			expect(await t.store.nextDueAt()).toBeNull();
			for (const event of [underWay, waiting]) {
				expect(await t.deliveryOf(event.id)).toMatchObject({
					state: 'cancelled',
					subscriptionId: subscription.id,
				});
			}
			await t.ingest();
			expect(await t.claim()).toEqual([]);
		});
	});

	describe('a subscription with a long backlog', () => {
		const t = useStore(engine);
		const BACKLOG = 2 * STOP_SLICE + 7;

		it.each(['deleted', 'ended'])(
			'that is %s is cancelled slice by slice, whoever goes on with it',
			async (how) => {
				const { id, url } = await t.subscribe({ concurrency: 2 });
				await Promise.all(Array.from({ length: BACKLOG }, () => t.ingest()));
				const underWay = await t.claim({ limit: 2 });
				expect(underWay).toHaveLength(2);
				if (how === 'deleted') await t.store.deleteSubscription(id);
				else expect(await t.store.settle(gone(underWay[0]!))).toBe('settled');

				// One slice is done, attempts under way with it. What is left is nobody's, for good.
				const left = BACKLOG - 2 - STOP_SLICE;
				expect(await t.store.stats()).toMatchObject({ ready: left, leased: 0, oldestDueAt: null });
				expect(await t.store.settle(gone(underWay[1]!))).toBe('fenced');
				const [waiting] = await t.store.listDeliveries({ limit: 1, state: 'ready' });
				expect(await t.store.cancel(waiting!.id)).toBe('cancelled');
				await t.store.changeSubscription(id, { concurrency: 50 });
				await t.subscribe({ url });
				expect(await t.store.nextDueAt()).toBeNull();
				expect(await t.claim({ now: T0 + 999_999 })).toEqual([]);

				// As after a crash between two slices.
				await t.reopen();
				expect(await t.claim({ now: T0 + 999_999 })).toEqual([]);
				expect(await t.store.cancelStopped(STOP_SLICE)).toBe(STOP_SLICE);
				const other = await t.another();
				expect(await other.cancelStopped(STOP_SLICE)).toBe(left - 1 - STOP_SLICE);
				expect(await other.cancelStopped(STOP_SLICE)).toBe(0);
				expect(await t.store.stats()).toMatchObject({ ready: 0, leased: 0 });
				const sweep = { deliveredBefore: T0 + 1, deadBefore: 0, keysBefore: 0, limit: BACKLOG };
				expect((await t.store.sweep(sweep)).events).toBe(BACKLOG);
			},
		);

		it('is told from others that stopped: each slice takes what there is', async () => {
			const all = [await t.subscribe(), await t.subscribe(), await t.subscribe()];
			await Promise.all(Array.from({ length: STOP_SLICE + 5 }, () => t.ingest()));
			for (const { id } of all.slice(0, 2)) await t.store.deleteSubscription(id);
			expect(await t.store.cancelStopped(7)).toBe(7);
			expect(await t.store.cancelStopped(7)).toBe(3);
			expect(await t.store.stats()).toMatchObject({ ready: STOP_SLICE + 5 });
		});
	});

	describe('changes of a subscription', () => {
		const t = useStore(engine);

		it('change what is given and leave the rest as it is', async () => {
			const before = await t.subscribe({ description: 'before', failures: 2, probeAt: T0 });
			expect(await t.store.changeSubscription(before.id, {})).toEqual(before);
			const changes = { filter: { status: 'done' }, concurrency: 2, perMinute: 30 };
			const after = { ...before, ...changes };
			expect(await t.store.changeSubscription(before.id, changes)).toEqual(after);
			expect(await t.store.getSubscription(before.id)).toEqual(after);
			const cleared = { description: null, perMinute: null };
			expect(await t.store.changeSubscription(before.id, cleared)).toEqual({ ...after, ...cleared });
		});

		it('say when there is nothing to change', async () => {
			expect(await t.store.changeSubscription('sub_none', { concurrency: 1 })).toBeNull();
			expect(await t.store.getSubscription('sub_none')).toBeNull();
		});

		it('of the filter count for events stored from then on', async () => {
			const { id } = await t.subscribe();
			const before = await t.ingest();
			await t.store.changeSubscription(id, { filter: { status: 'done' } });
			await t.ingest();
			const after = await t.ingest({ attributes: { status: 'done' } });
			expect((await t.claim()).map((c) => c.eventId).sort()).toEqual([before.id, after.id].sort());
		});

		it('do not bring a subscription back that ends at the same time', async () => {
			const { id } = await t.subscribe();
			await t.ingest();
			const claim = await t.claimOne();
			await Promise.all([
				t.store.changeSubscription(id, { description: 'one' }),
				t.store.settle(gone(claim)),
				t.store.changeSubscription(id, { concurrency: 1 }),
				t.store.rotateSecret(id, Buffer.from('new'), T0),
			]);
			expect(await t.store.getSubscription(id)).toMatchObject({
				status: 'ended',
				description: 'one',
				concurrency: 1,
				sealedSecret: Buffer.from('new'),
			});
		});
	});

	describe('secrets of a subscription', () => {
		const t = useStore(engine);

		it('rotate: the one before signs too, until its time is up', async () => {
			const { id } = await t.subscribe({ sealedSecret: Buffer.from('one') });
			for (const workflowId of ['u', 'v']) await t.ingest({ workflowId });
			expect(await t.claimOne({ limit: 1 })).toMatchObject({ receiver: { previousSealedSecret: null } });

			const rotated = await t.store.rotateSecret(id, Buffer.from('two'), T0 + 100);
			expect(rotated).toMatchObject({
				sealedSecret: Buffer.from('two'),
				previousSecret: { sealed: Buffer.from('one'), until: T0 + 100 },
			});
			expect(await t.store.getSubscription(id)).toEqual(rotated);
			expect(await t.claimOne({ now: T0 + 99 })).toMatchObject({
				receiver: { sealedSecret: Buffer.from('two'), previousSealedSecret: Buffer.from('one') },
			});
			await t.ingest();
			expect(await t.claimOne({ now: T0 + 100 })).toMatchObject({ receiver: { previousSealedSecret: null } });
		});

		it('keep only the last one before the last rotation', async () => {
			const { id } = await t.subscribe({ sealedSecret: Buffer.from('one') });
			await t.store.rotateSecret(id, Buffer.from('two'), T0 + 1);
			expect((await t.store.rotateSecret(id, Buffer.from('three'), T0 + 2))?.previousSecret).toEqual({
				sealed: Buffer.from('two'),
				until: T0 + 2,
			});
			expect(await t.store.rotateSecret('sub_none', Buffer.from('x'), T0)).toBeNull();
		});

		it('are sealed anew only while they are still those that were read', async () => {
			const { id } = await t.subscribe({ sealedSecret: Buffer.from('one') });
			const fresh = { sealedSecret: Buffer.from('ONE'), previousSecret: null };
			const stale = { sealedSecret: Buffer.from('zero'), previousSecret: null };
			const { sealedSecret, previousSecret } = only(await t.store.listSubscriptions());
			expect(await t.store.resealSecrets(id, stale, fresh)).toBe(false);
			expect(await t.store.resealSecrets('sub_none', { sealedSecret, previousSecret }, fresh)).toBe(false);
			expect(await t.store.resealSecrets(id, { sealedSecret, previousSecret }, fresh)).toBe(true);
			expect(await t.store.getSubscription(id)).toMatchObject(fresh);

			await t.store.rotateSecret(id, Buffer.from('two'), T0 + 1);
			expect(await t.store.resealSecrets(id, fresh, fresh)).toBe(false);
			const both = {
				sealedSecret: Buffer.from('two'),
				previousSecret: { sealed: Buffer.from('ONE'), until: T0 + 1 },
			};
			const otherUntil = { ...both, previousSecret: { ...both.previousSecret, until: T0 + 2 } };
			const anew = {
				sealedSecret: Buffer.from('TWO'),
				previousSecret: { sealed: Buffer.from('1'), until: T0 + 1 },
			};
			expect(await t.store.resealSecrets(id, otherUntil, anew)).toBe(false);
			expect(await t.store.resealSecrets(id, both, anew)).toBe(true);
			expect(await t.store.getSubscription(id)).toMatchObject(anew);
		});
	});
}
