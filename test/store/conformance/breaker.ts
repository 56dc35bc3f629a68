import type { Claim, Settlement } from '../../../relay/src/store/port.ts';
import { BREAKER, dead, delivered, LEASE_MS, outcome, retried, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

const HOUR = 60 * 60 * 1_000;

export function breakerConformance(engine: Engine): void {
	describe('the breaker of a subscription', () => {
		const t = useStore(engine);
		let id: string;
		let events: string[];

		/** A subscription with twelve deliveries, all due. */
		beforeEach(async () => {
			({ id } = await t.subscribe());
			events = [];
			for (let n = 0; n < 12; n++) events.push((await t.ingest({ receivedAt: T0 - 12 + n })).id);
		});

		const at = (ms: number): Partial<Settlement> => ({
			startedAt: T0 + ms,
			durationMs: 0,
			breaker: BREAKER,
		});
		/** An attempt that began `ms` after T0 and failed at once; its retry is due an hour later. */
		const fails = (claim: Claim, ms = 0) => t.store.settle(retried(claim, T0 + HOUR, at(ms)));
		const succeeds = (claim: Claim, ms = 0) => t.store.settle(delivered(claim, at(ms)));
		const isBusy = (claim: Claim, ms = 0) =>
			t.store.settle(retried(claim, T0 + HOUR, { ...at(ms), health: 'busy', status: 409 }));
		const state = async () => {
			const { failures, probeAt } = (await t.store.getSubscription(id))!;
			return { failures, probeAt: probeAt === null ? null : probeAt - T0 };
		};
		const claimAt = (ms: number, limit = 100) => t.claim({ now: T0 + ms, limit });
		/** Three failures at T0 open it; the first probe is due after 5 s. */
		const open = async () => {
			for (const claim of await claimAt(0, 3)) await fails(claim);
		};

		it('opens at the threshold of failures in a row, and not before', async () => {
			const [a, b, c] = await claimAt(0, 3);
			await fails(a!);
			await fails(b!);
			expect(await state()).toEqual({ failures: 2, probeAt: null });
			expect(await claimAt(0, 1)).toHaveLength(1);
			await fails(c!);
			expect(await state()).toEqual({ failures: 3, probeAt: 5_000 });
		});

		it('lets one probe out, also to a caller that claims ahead', async () => {
			await open();
			expect(await t.claim({ now: T0 + 5_000, ahead: new Map([[id, 10]]) })).toHaveLength(1);
		});

		it('does not open when a success comes in between', async () => {
			const claims = await claimAt(0, 5);
			await fails(claims[0]!);
			await fails(claims[1]!);
			await succeeds(claims[2]!);
			expect(await state()).toEqual({ failures: 0, probeAt: null });
			await fails(claims[3]!);
			await fails(claims[4]!);
			expect(await state()).toEqual({ failures: 2, probeAt: null });
		});

		it('counts dead deliveries as failures', async () => {
			for (const claim of await claimAt(0, 3)) await t.store.settle(dead(claim, at(0)));
			expect((await state()).probeAt).toBe(5_000);
		});

		it('lets one delivery out per slot, the oldest due, and the rest use up no attempts', async () => {
			await open();
			expect(await claimAt(4_999)).toEqual([]);
			expect(await t.store.nextDueAt()).toBe(T0 + 5_000);
			const [probe, ...others] = await claimAt(5_000);
			expect(others).toEqual([]);
			expect(probe).toMatchObject({ eventId: events[3], attempt: 1 });
			expect(await claimAt(5_001)).toEqual([]);

			await fails(probe!, 5_000);
			expect(await state()).toEqual({ failures: 4, probeAt: 20_000 });
			expect(await claimAt(19_999)).toEqual([]);
			const [second] = await claimAt(20_000);
			expect(second).toMatchObject({ eventId: events[4], attempt: 1 });
			await fails(second!, 20_000);
			// The last wait holds for all that follow.
			expect(await state()).toEqual({ failures: 5, probeAt: 35_000 });
		});

		it('closes at a success, and everything flows again', async () => {
			await open();
			const [probe] = await claimAt(5_000);
			await succeeds(probe!, 5_000);
			expect(await state()).toEqual({ failures: 0, probeAt: null });
			expect(await claimAt(5_000)).toHaveLength(8);
		});

		it('is left as it is by 409: the receiver is busy, neither up nor down', async () => {
			const claims = await claimAt(0, 3);
			await fails(claims[0]!);
			await fails(claims[1]!);
			await isBusy(claims[2]!);
			expect(await state()).toEqual({ failures: 2, probeAt: null });

			const [last] = await claimAt(0, 1);
			await fails(last!);
			const [probe] = await claimAt(5_000);
			await isBusy(probe!, 5_000);
			expect(await state()).toEqual({ failures: 3, probeAt: 5_000 });
			expect(await claimAt(5_000)).toHaveLength(1);
		});

		it('skips no slot for failures of attempts that were under way when it opened', async () => {
			const claims = await claimAt(0, 8);
			for (const claim of claims.slice(0, 3)) await fails(claim);
			// They time out after the probe would have been due: while they run, there is no probe.
			expect(await claimAt(5_000)).toEqual([]);
			for (const claim of claims.slice(3)) {
				await t.store.settle(retried(claim, T0 + HOUR, { ...at(0), durationMs: 15_000 }));
			}
			expect(await state()).toEqual({ failures: 3, probeAt: 5_000 });
			expect(await claimAt(15_000)).toHaveLength(1);
		});

		it('opens once for failures at the same time', async () => {
			const claims = await claimAt(0, 8);
			await Promise.all(claims.map((claim) => fails(claim)));
			expect(await state()).toEqual({ failures: 3, probeAt: 5_000 });
		});

		it('closes at a success of an attempt that was under way when it opened', async () => {
			const claims = await claimAt(0, 4);
			for (const claim of claims.slice(0, 3)) await fails(claim);
			await succeeds(claims[3]!);
			expect(await state()).toEqual({ failures: 0, probeAt: null });
			expect(await claimAt(0)).toHaveLength(8);
		});

		it('sends another probe when the process that sent the last one is gone, or hands it back', async () => {
			await open();
			const [lost] = await claimAt(5_000);
			expect(await claimAt(5_000 + LEASE_MS - 1)).toEqual([]);
			const [next] = await claimAt(5_000 + LEASE_MS);
			expect(next).toBeDefined();
			expect(await state()).toEqual({ failures: 3, probeAt: 5_000 });
			expect(await succeeds(lost!, 5_000)).toBe(next?.deliveryId === lost?.deliveryId ? 'fenced' : 'settled');
		});

		it('sends another probe when the last one was handed back or cancelled', async () => {
			await open();
			const [back] = await claimAt(5_000);
			await t.store.release([back!], T0 + 5_000);
			expect(await state()).toEqual({ failures: 3, probeAt: 5_000 });
			const [again] = await claimAt(5_000);
			await t.store.cancel(again!.deliveryId);
			expect(await claimAt(5_000)).toHaveLength(1);
		});

		it('is not moved by a result that is fenced off', async () => {
			const [lost] = await claimAt(0, 1);
			const taken = (await claimAt(LEASE_MS)).filter((c) => c.deliveryId !== lost!.deliveryId);
			expect(taken).toHaveLength(11);
			for (const claim of taken.slice(0, 2)) await fails(claim, LEASE_MS);
			expect(await fails(lost!)).toBe('fenced');
			expect(await succeeds(lost!)).toBe('fenced');
			expect(await state()).toEqual({ failures: 2, probeAt: null });
		});

		it('stops one subscription only, and new events wait like the others', async () => {
			const other = await t.subscribe();
			await open();
			await t.ingest();
			expect((await claimAt(0)).map((c) => c.subscriptionId)).toEqual([other.id]);
		});

		it('is one for all processes, and there after a restart', async () => {
			await open();
			const other = await t.another();
			const claim = (ms: number) => other.claim({ now: T0 + ms, leaseMs: LEASE_MS, limit: 9 });
			expect(await claim(4_999)).toEqual([]);
			await t.reopen();
			expect(await state()).toEqual({ failures: 3, probeAt: 5_000 });
			expect(await claimAt(4_999)).toEqual([]);
			expect(await claimAt(5_000)).toHaveLength(1);
		});

		it('opens at the first failure when told so', async () => {
			const [claim] = await claimAt(0, 1);
			const breaker = { threshold: 1, waitsMs: [60_000] };
			await t.store.settle(retried(claim!, T0 + HOUR, { ...at(0), breaker }));
			expect(await state()).toEqual({ failures: 1, probeAt: 60_000 });
		});

		it('is of no account once the subscription has ended', async () => {
			await open();
			expect((await t.store.stats()).openBreakers).toBe(1);
			const [probe] = await claimAt(5_000);
			await t.store.settle(outcome(probe!, { state: 'cancelled', endSubscription: true }, at(5_000)));
			expect((await t.store.stats()).openBreakers).toBe(0);
			expect(await t.store.nextDueAt()).toBeNull();
		});
	});
}
