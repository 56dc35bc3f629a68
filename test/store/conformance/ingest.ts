import { StoreError } from '../../../relay/src/store/port.ts';
import type { NewEvent } from '../../../relay/src/store/port.ts';
import { anEvent, dead, delivered, quarantinedEvent, retried, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

export function ingestConformance(engine: Engine): void {
	describe('ingest', () => {
		const t = useStore(engine);

		it('keeps the event, byte for byte, with one delivery for each subscription that wants it', async () => {
			const [first, second] = [await t.subscribe(), await t.subscribe()];
			const body = Buffer.from('{"workflow_id":"w","name":"Zoë 🦊"}\n');
			const event = anEvent({ workflowId: 'w', body, attributes: { status: 'completed' } });

			expect(await t.store.ingest(event)).toEqual({ kind: 'stored', eventId: event.id, deliveries: 2 });

			const claims = await t.claim();
			expect(claims.map((c) => c.subscriptionId).sort()).toEqual([first.id, second.id].sort());
			for (const claim of claims) expect(claim.body.equals(body)).toBe(true);
			const { body: _, bodyKeyId, ...facts } = event;
			expect(bodyKeyId).toBeNull();
			expect(await t.store.getEvent(event.id)).toEqual({ ...facts, duplicates: 0, variants: 0 });
			expect(await t.store.getEvent('evt_none')).toBeNull();
		});

		it('gives the body back as it was stored, with the key that sealed it', async () => {
			await t.subscribe();
			const sealed = await t.ingest({ body: Buffer.from([0, 1, 2, 255]), bodyKeyId: 3, bytes: 4_000 });
			const stored = { body: Buffer.from([0, 1, 2, 255]), contentType: 'application/json' };
			expect(await t.store.getBody(sealed.id)).toEqual({ ...stored, keyId: 3 });
			expect(await t.claimOne()).toMatchObject({ ...stored, bodyKeyId: 3 });
			expect((await t.store.getEvent(sealed.id))?.bytes).toBe(4_000);
			expect(await t.store.getBody('evt_none')).toBeNull();
		});

		it('is kept without a subscription, and is not delivered to one made later', async () => {
			const event = anEvent();
			expect(await t.store.ingest(event)).toEqual({ kind: 'stored', eventId: event.id, deliveries: 0 });
			await t.subscribe();
			expect(await t.claim()).toEqual([]);
			expect(await t.store.getEvent(event.id)).not.toBeNull();
		});

		it('delivers only what passes the filter', async () => {
			const full = await t.subscribe({ filter: { enrichment_type: 'full' } });
			await t.subscribe({ filter: { enrichment_type: 'full', lead_list_id: 'other' } });
			await t.subscribe({ filter: { status: 'completed' } });
			const any = await t.subscribe();
			await t.ingest({ attributes: { enrichment_type: 'full', lead_list_id: 'mine' } });
			expect((await t.claim()).map((c) => c.subscriptionId).sort()).toEqual([full.id, any.id].sort());
		});

		it('counts a duplicate on the first event and delivers nothing more', async () => {
			await t.subscribe();
			const first = await t.ingest({ workflowId: 'w' });
			const second = anEvent({ workflowId: 'w', body: Buffer.from('another body') });
			expect(await t.store.ingest(second)).toEqual({ kind: 'duplicate', eventId: first.id });
			expect((await t.store.getEvent(first.id))?.duplicates).toBe(1);
			expect(await t.store.getEvent(second.id)).toBeNull();
			expect((await t.claimOne()).body.equals(first.body)).toBe(true);
		});

		it('takes the same key from two sources for two events', async () => {
			await t.store.putSource({ id: 'two', name: 'Two', tokenHash: Buffer.from('two'), createdAt: T0 });
			await t.ingest({ workflowId: 'w' });
			const other = anEvent({ workflowId: 'w', sourceId: 'two' });
			expect((await t.store.ingest(other)).kind).toBe('stored');
		});

		it('stores one of many at the same time with the same key', async () => {
			await t.subscribe();
			const outcomes = await Promise.all(
				Array.from({ length: 50 }, () => t.store.ingest(anEvent({ workflowId: 'w' }))),
			);
			expect(outcomes.filter((o) => o.kind === 'stored')).toHaveLength(1);
			expect(new Set(outcomes.map((o) => o.eventId)).size).toBe(1);
			expect((await t.store.getEvent(outcomes[0]?.eventId ?? ''))?.duplicates).toBe(49);
			expect(await t.claim()).toHaveLength(1);
		});

		it('keeps a quarantined event and delivers it to nobody', async () => {
			await t.subscribe();
			const event = quarantinedEvent();
			expect(await t.store.ingest(event)).toEqual({ kind: 'stored', eventId: event.id, deliveries: 0 });
			expect((await t.store.getEvent(event.id))?.quarantineReason).toBe('The body is not JSON.');
			expect(await t.claim()).toEqual([]);
			expect(await t.store.nextDueAt()).toBeNull();
		});

		it('fails alone when it can not be stored, and not those beside it', async () => {
			const good = anEvent();
			const bad = anEvent({ origin: 'nowhere' as NewEvent['origin'] });
			const results = await Promise.allSettled([t.store.ingest(bad), t.store.ingest(good)]);
			expect(results.map((r) => r.status)).toEqual(['rejected', 'fulfilled']);
			expect((results[0] as PromiseRejectedResult).reason).toBeInstanceOf(StoreError);
			expect(await t.store.getEvent(bad.id)).toBeNull();
			expect(await t.store.getEvent(good.id)).not.toBeNull();
			// Nothing of the failed one is left in the way.
			expect((await t.store.ingest({ ...bad, origin: 'webhook' })).kind).toBe('stored');
		});

		it('keeps an empty body and one of 4 MiB', async () => {
			await t.subscribe();
			const empty = anEvent({ body: Buffer.alloc(0) });
			const large = anEvent({ body: Buffer.alloc(4 * 1024 * 1024, 0xff) });
			await Promise.all([t.store.ingest(empty), t.store.ingest(large)]);
			const sizes = (await t.claim()).map((c) => c.body.length);
			expect(sizes.sort((a, b) => a - b)).toEqual([0, 4 * 1024 * 1024]);
		});
	});

	describe('a truncated event', () => {
		const t = useStore(engine);
		const truncated = (overrides = {}) => t.ingest({ workflowId: 'w', truncated: 3, ...overrides });
		const complete = (overrides = {}) =>
			anEvent({ workflowId: 'w', body: Buffer.from('complete'), bodyKeyId: 7, ...overrides });

		it('is replaced by a complete one, which is delivered again', async () => {
			await t.subscribe();
			const kept = await truncated();
			await t.store.settle(delivered(await t.claimOne()));

			const late = { receivedAt: T0 + 5, contentType: 'text/json', attributes: { status: 's' } };
			expect(await t.store.ingest(complete(late))).toEqual({
				kind: 'completed',
				eventId: kept.id,
				deliveries: 1,
			});
			expect(await t.store.getEvent(kept.id)).toMatchObject({
				truncated: 0,
				bytes: 8,
				contentType: 'text/json',
				attributes: { status: 's' },
				duplicates: 1,
				receivedAt: T0,
			});
			expect(await t.claim({ now: T0 + 4 })).toEqual([]);
			const again = await t.claimOne({ now: T0 + 5 });
			expect(again).toMatchObject({ eventId: kept.id, attempt: 1, bodyKeyId: 7, contentType: 'text/json' });
			expect(again.body.toString()).toBe('complete');
		});

		it('is not replaced by another truncated one, and a complete one by neither', async () => {
			const kept = await truncated();
			const other = anEvent({ workflowId: 'w', truncated: 1, body: Buffer.from('less truncated') });
			expect(await t.store.ingest(other)).toEqual({ kind: 'duplicate', eventId: kept.id });
			await t.store.ingest(complete());
			for (const repeat of [other, complete({ body: Buffer.from('complete too') })]) {
				expect((await t.store.ingest(repeat)).kind).toBe('duplicate');
			}
			expect((await t.store.getBody(kept.id))?.body.toString()).toBe('complete');
			expect((await t.store.getEvent(kept.id))?.duplicates).toBe(4);
		});

		it('is sent once when it was completed before it was sent', async () => {
			await t.subscribe();
			await truncated();
			expect(await t.store.ingest(complete())).toMatchObject({ kind: 'completed', deliveries: 0 });
			expect((await t.claimOne()).body.toString()).toBe('complete');
		});

		it('is sent complete by the retry that waits', async () => {
			await t.subscribe();
			await truncated();
			await t.store.settle(retried(await t.claimOne(), T0 + 5_000));
			expect(await t.store.ingest(complete())).toMatchObject({ deliveries: 0 });
			const retry = await t.claimOne({ now: T0 + 5_000 });
			expect(retry).toMatchObject({ attempt: 2, scheduled: 1 });
			expect(retry.body.toString()).toBe('complete');
		});

		it('is sent again when an attempt with the old body is under way, or when it was given up', async () => {
			await t.subscribe();
			await truncated();
			const underWay = await t.claimOne();
			expect(await t.store.ingest(complete())).toMatchObject({ deliveries: 1 });
			expect(underWay.body.toString()).not.toBe('complete');
			expect((await t.claimOne()).body.toString()).toBe('complete');

			const second = await t.ingest({ workflowId: 'v', truncated: 1 });
			await t.store.settle(dead(await t.claimOne()));
			expect(await t.store.ingest(complete({ workflowId: 'v' }))).toMatchObject({
				eventId: second.id,
				deliveries: 1,
			});
		});
	});
}
