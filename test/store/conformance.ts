import { systemIds } from '../../relay/src/ids.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import type { Claim, NewEvent, Settlement, Store, Subscription, Token } from '../../relay/src/store/port.ts';

/** An engine under test. */
export interface Engine {
	name: string;
	/** Opens a store of its own, empty the first time; `reopen` closes it and opens the same data again. */
	open(): Promise<{ store: Store; reopen(): Promise<Store>; remove(): Promise<void> }>;
}

const T0 = Date.UTC(2026, 0, 5, 9);
const LEASE_MS = 60_000;

export const anEvent = (overrides: Partial<NewEvent> = {}): NewEvent => {
	const workflowId = overrides.workflowId ?? `public_bulk_${systemIds.uuid()}`;
	return {
		id: `evt_${systemIds.uuid()}`,
		sourceId: 'default',
		origin: 'webhook',
		dedupeKey: `workflow:${workflowId}`,
		state: 'accepted',
		quarantineReason: null,
		type: 'enrichment.completed',
		workflowId,
		attributes: {},
		body: overrides.body ?? Buffer.from(JSON.stringify({ workflow_id: workflowId })),
		bodyKeyId: null,
		bytes: (overrides.body ?? Buffer.from(JSON.stringify({ workflow_id: workflowId }))).length,
		contentType: 'application/json',
		truncated: 0,
		receivedAt: T0,
		...overrides,
	};
};

export const aSubscription = (overrides: Partial<Subscription> = {}): Subscription => {
	const id = `sub_${systemIds.uuid()}`;
	return {
		id,
		url: `http://127.0.0.1:5678/webhook/${id}`,
		events: ['enrichment.completed'],
		filter: {},
		description: null,
		sealedSecret: Buffer.from('sealed'),
		previousSecret: null,
		concurrency: 100,
		perMinute: null,
		failures: 0,
		probeAt: null,
		status: 'active',
		createdAt: T0,
		...overrides,
	};
};

const outcome = (
	claim: Claim,
	next: Settlement['next'],
	overrides: Partial<Settlement> = {},
): Settlement => ({
	deliveryId: claim.deliveryId,
	attempt: claim.attempt,
	startedAt: T0,
	durationMs: 12.5,
	status: next.state === 'delivered' ? 200 : 500,
	error: next.state === 'delivered' ? null : 'http',
	response: null,
	timings: { dnsMs: 1, connectMs: 2, tlsMs: null, firstByteMs: 9.5 },
	health: next.state === 'delivered' ? 'up' : 'down',
	breaker: { threshold: 5, waitsMs: [5_000, 15_000] },
	next,
	...overrides,
});

/** What every engine must do. The tests share nothing: each has a store of its own. */
export function storeConformance(engine: Engine): void {
	describe(`store on ${engine.name}`, () => {
		let opened: Awaited<ReturnType<Engine['open']>>;
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

		const claim = (options: Partial<Parameters<Store['claim']>[0]> = {}) =>
			store.claim({ now: T0, leaseMs: LEASE_MS, limit: 100, ...options });
		const subscribe = async (overrides: Partial<Subscription> = {}) => {
			const subscription = aSubscription(overrides);
			await store.createSubscription(subscription);
			return subscription;
		};
		/** Ends a subscription the only way there is: its receiver answers 410. */
		const end = async ({ id }: Subscription) => {
			await store.ingest(anEvent());
			const mine = (await claim()).find((c) => c.subscriptionId === id);
			if (!mine) throw new Error('nothing to claim');
			await store.settle(outcome(mine, { state: 'cancelled', endSubscription: true }, { status: 410 }));
		};
		const deliveryOf = async (eventId: string) => {
			const [delivery] = await store.listDeliveries({ eventId, limit: 10 });
			if (!delivery) throw new Error('no delivery');
			return delivery;
		};

		describe('sources and tokens', () => {
			it('finds a source by the hash of its token, and no other', async () => {
				expect(await store.findSourceByTokenHash(Buffer.from('hash'))).toEqual({
					id: 'default',
					name: 'Cleanlist',
					tokenHash: Buffer.from('hash'),
					createdAt: T0,
				});
				expect(await store.findSourceByTokenHash(Buffer.from('other'))).toBeNull();
			});

			it('replaces the token of a source that exists', async () => {
				await store.putSource({
					id: 'default',
					name: 'New',
					tokenHash: Buffer.from('new'),
					createdAt: T0 + 1,
				});
				expect(await store.findSourceByTokenHash(Buffer.from('hash'))).toBeNull();
				expect(await store.listSources()).toEqual([
					{ id: 'default', name: 'New', tokenHash: Buffer.from('new'), createdAt: T0 },
				]);
			});

			const aToken = (overrides: Partial<Token> = {}): Token => ({
				id: 't1',
				name: 'n8n',
				hash: Buffer.from('h1'),
				scopes: ['subscribe', 'read'],
				createdAt: T0,
				expiresAt: null,
				lastUsedAt: null,
				...overrides,
			});

			it('finds a management token by its hash with its scopes', async () => {
				const token = aToken({ expiresAt: T0 + 1 });
				await store.putToken(token);
				expect(await store.findTokenByHash(Buffer.from('h1'))).toEqual(token);
				expect(await store.findTokenByHash(Buffer.from('h2'))).toBeNull();
			});

			it('lists tokens oldest first, and replaces one with the same id', async () => {
				await store.putToken(aToken({ id: 'b', hash: Buffer.from('b') }));
				await store.putToken(aToken({ id: 'a', hash: Buffer.from('a'), createdAt: T0 + 1 }));
				await store.putToken(aToken({ id: 'b', hash: Buffer.from('c'), name: 'Zoë 🦊' }));
				expect((await store.listTokens()).map(({ id, name }) => [id, name])).toEqual([
					['b', 'Zoë 🦊'],
					['a', 'n8n'],
				]);
				expect(await store.findTokenByHash(Buffer.from('b'))).toBeNull();
			});

			it('rotates a token: the old one is found no more, and the new one was never used', async () => {
				await store.putToken(aToken({ lastUsedAt: T0 }));
				const rotated = aToken({ hash: Buffer.from('new') });
				expect(await store.rotateToken('t1', Buffer.from('new'))).toEqual(rotated);
				expect(await store.findTokenByHash(Buffer.from('h1'))).toBeNull();
				expect(await store.findTokenByHash(Buffer.from('new'))).toEqual(rotated);
				expect(await store.rotateToken('none', Buffer.from('x'))).toBeNull();
			});

			it('notes when a token was last used, and a use told late does not set it back', async () => {
				await store.putToken(aToken());
				await store.touchToken('t1', T0 + 2);
				await store.touchToken('t1', T0 + 1);
				await store.touchToken('none', T0);
				expect((await store.listTokens()).map(({ lastUsedAt }) => lastUsedAt)).toEqual([T0 + 2]);
			});

			it('deletes a token', async () => {
				await store.putToken(aToken());
				expect(await store.deleteToken('t1')).toBe(true);
				expect(await store.findTokenByHash(Buffer.from('h1'))).toBeNull();
				expect(await store.listTokens()).toEqual([]);
				expect(await store.deleteToken('t1')).toBe(false);
			});
		});

		describe('ingest', () => {
			it('keeps the event, byte for byte, with one delivery for each subscription that wants it', async () => {
				const first = await subscribe();
				const second = await subscribe();
				const body = Buffer.from('{"workflow_id":"w","name":"Zoë 🦊"}\n');
				const event = anEvent({ workflowId: 'w', body });

				expect(await store.ingest(event)).toEqual({ kind: 'stored', eventId: event.id, deliveries: 2 });

				const claims = await claim();
				expect(claims.map((c) => c.subscriptionId).sort()).toEqual([first.id, second.id].sort());
				for (const c of claims) expect(c.body.equals(body)).toBe(true);
				const { body: _body, bodyKeyId: _key, ...facts } = event;
				expect(await store.getEvent(event.id)).toEqual({ ...facts, duplicates: 0, variants: 0 });
			});

			it('is kept without a subscription, and is not delivered to one made later', async () => {
				const event = anEvent();
				expect(await store.ingest(event)).toEqual({ kind: 'stored', eventId: event.id, deliveries: 0 });
				await subscribe();
				expect(await claim()).toEqual([]);
				expect(await store.getEvent(event.id)).not.toBeNull();
			});

			it('delivers only what passes the filter', async () => {
				const full = await subscribe({ filter: { enrichment_type: 'full' } });
				await subscribe({ filter: { enrichment_type: 'full', lead_list_id: 'other' } });
				const any = await subscribe();
				await store.ingest(anEvent({ attributes: { enrichment_type: 'full', lead_list_id: 'mine' } }));
				expect((await claim()).map((c) => c.subscriptionId).sort()).toEqual([full.id, any.id].sort());
			});

			it('counts a duplicate on the first event and delivers nothing more', async () => {
				await subscribe();
				const first = anEvent({ workflowId: 'w' });
				await store.ingest(first);
				const second = anEvent({ workflowId: 'w', body: Buffer.from('another body') });
				expect(await store.ingest(second)).toEqual({ kind: 'duplicate', eventId: first.id });
				expect((await store.getEvent(first.id))?.duplicates).toBe(1);
				expect(await store.getEvent(second.id)).toBeNull();
				const claims = await claim();
				expect(claims).toHaveLength(1);
				expect(claims[0]?.body.equals(first.body)).toBe(true);
			});

			it('takes the same key from two sources for two events', async () => {
				await store.putSource({ id: 'two', name: 'Two', tokenHash: Buffer.from('two'), createdAt: T0 });
				await store.ingest(anEvent({ workflowId: 'w' }));
				expect((await store.ingest(anEvent({ workflowId: 'w', sourceId: 'two' }))).kind).toBe('stored');
			});

			it('stores one of many at the same time with the same key', async () => {
				await subscribe();
				const outcomes = await Promise.all(
					Array.from({ length: 50 }, () => store.ingest(anEvent({ workflowId: 'w' }))),
				);
				expect(outcomes.filter((o) => o.kind === 'stored')).toHaveLength(1);
				expect(new Set(outcomes.map((o) => o.eventId)).size).toBe(1);
				expect(await claim()).toHaveLength(1);
			});

			it('lets a complete payload replace a truncated one, and delivers it again', async () => {
				await subscribe();
				const truncated = anEvent({ workflowId: 'w', truncated: 3 });
				await store.ingest(truncated);
				const [sent] = await claim();
				if (!sent) throw new Error('nothing claimed');
				await store.settle(outcome(sent, { state: 'delivered' }));

				const complete = anEvent({ workflowId: 'w', body: Buffer.from('complete') });
				expect(await store.ingest(complete)).toEqual({
					kind: 'completed',
					eventId: truncated.id,
					deliveries: 1,
				});
				const [again] = await claim();
				expect(again?.eventId).toBe(truncated.id);
				expect(again?.body.toString()).toBe('complete');
				// The other way round nothing is lost: a truncated repeat is a duplicate.
				expect((await store.ingest(anEvent({ workflowId: 'w', truncated: 3 }))).kind).toBe('duplicate');
			});

			it('does not send a truncated event twice when it was completed before it was sent', async () => {
				await subscribe();
				await store.ingest(anEvent({ workflowId: 'w', truncated: 3 }));
				await store.ingest(anEvent({ workflowId: 'w', body: Buffer.from('complete') }));
				const claims = await claim();
				expect(claims.map((c) => c.body.toString())).toEqual(['complete']);
			});

			it('keeps a quarantined event and delivers it to nobody', async () => {
				await subscribe();
				const event = anEvent({
					state: 'quarantined',
					quarantineReason: 'not JSON',
					type: null,
					workflowId: null,
				});
				expect(await store.ingest(event)).toEqual({ kind: 'stored', eventId: event.id, deliveries: 0 });
				expect((await store.getEvent(event.id))?.quarantineReason).toBe('not JSON');
				expect(await claim()).toEqual([]);
			});

			it('fails alone when it can not be stored, and not those beside it', async () => {
				const good = anEvent();
				const bad = anEvent({ sourceId: 'no such source' });
				const results = await Promise.allSettled([store.ingest(bad), store.ingest(good)]);
				expect(results.map((r) => r.status)).toEqual(['rejected', 'fulfilled']);
				expect((results[0] as PromiseRejectedResult).reason).toBeInstanceOf(StoreError);
				expect(await store.getEvent(bad.id)).toBeNull();
				expect(await store.getEvent(good.id)).not.toBeNull();
				// Nothing of the failed one is left in the way.
				expect((await store.ingest({ ...bad, sourceId: 'default' })).kind).toBe('stored');
			});

			it('keeps an empty body and one of 4 MiB', async () => {
				await subscribe();
				const empty = anEvent({ body: Buffer.alloc(0) });
				const large = anEvent({ body: Buffer.alloc(4 * 1024 * 1024, 0xff) });
				await Promise.all([store.ingest(empty), store.ingest(large)]);
				const sizes = (await claim()).map((c) => c.body.length);
				expect(sizes.sort((a, b) => a - b)).toEqual([0, 4 * 1024 * 1024]);
			});
		});

		describe('subscriptions', () => {
			it('gives back what was saved, oldest first, and by URL', async () => {
				const b = await subscribe({ createdAt: T0 + 1, description: 'b' });
				const a = await subscribe({ createdAt: T0, filter: { status: 'completed' } });
				expect(await store.listSubscriptions()).toEqual([a, b]);
				expect(await store.listSubscriptions({ url: b.url })).toEqual([b]);
				expect(await store.listSubscriptions({ url: 'http://elsewhere.example/' })).toEqual([]);
				expect(await store.getSubscription(a.id)).toEqual(a);
				expect(await store.getSubscription('sub_none')).toBeNull();
			});

			it('refuses a second active one with the same URL', async () => {
				const { url } = await subscribe();
				await expect(store.createSubscription(aSubscription({ url }))).rejects.toMatchObject({
					code: 'conflict',
				});
				expect(await store.listSubscriptions({ url })).toHaveLength(1);
			});

			it('allows the URL again once the first has ended', async () => {
				const first = await subscribe();
				await end(first);
				await store.createSubscription(aSubscription({ url: first.url }));
				await store.ingest(anEvent());
				expect(await claim()).toHaveLength(1);
			});

			it('cancels what was pending when it ends', async () => {
				const subscription = await subscribe();
				const event = anEvent();
				await store.ingest(event);
				await end(subscription);
				expect(await claim()).toEqual([]);
				expect((await deliveryOf(event.id)).state).toBe('cancelled');
			});

			it('says when there is nothing to update or delete', async () => {
				expect(await store.changeSubscription('sub_none', {})).toBeNull();
				expect(await store.deleteSubscription('sub_none')).toBe(false);
			});

			it('cancels what was pending when it is deleted, and keeps the record', async () => {
				const subscription = await subscribe();
				const event = anEvent();
				await store.ingest(event);
				expect(await store.deleteSubscription(subscription.id)).toBe(true);
				expect(await claim()).toEqual([]);
				expect((await deliveryOf(event.id)).state).toBe('cancelled');
			});

			it('uses a secret that was rotated while a delivery waited', async () => {
				const subscription = await subscribe();
				await store.ingest(anEvent());
				await store.rotateSecret(subscription.id, Buffer.from('rotated'), T0 + 1);
				expect((await claim())[0]?.sealedSecret.toString()).toBe('rotated');
			});
		});

		describe('claims', () => {
			it('hands a delivery to one claimer only', async () => {
				await subscribe();
				await store.ingest(anEvent());
				const both = await Promise.all([claim(), claim()]);
				expect(both.flat()).toHaveLength(1);
				expect(both.flat()[0]?.attempt).toBe(1);
			});

			it('claims what is due, oldest first, and no more than asked for', async () => {
				await subscribe();
				const events = [2, 0, 1].map((n) => anEvent({ receivedAt: T0 + n }));
				for (const event of events) await store.ingest(event);
				const claims = await claim({ now: T0 + 1, limit: 1 });
				expect(claims.map((c) => c.eventId)).toEqual([events[1]?.id]);
				expect((await claim({ now: T0 + 1 })).map((c) => c.eventId)).toEqual([events[2]?.id]);
				expect(await claim({ now: T0 + 1 })).toEqual([]);
			});

			it('keeps to the limit of each subscription, and a full one does not stop another', async () => {
				const [busy, other] = [await subscribe({ concurrency: 2 }), await subscribe({ concurrency: 2 })];
				for (let n = 0; n < 5; n++) await store.ingest(anEvent({ receivedAt: T0 + n }));
				const now = T0 + 10;
				const first = await claim({ now });
				expect(first.filter((c) => c.subscriptionId === busy.id)).toHaveLength(2);
				expect(first.filter((c) => c.subscriptionId === other.id)).toHaveLength(2);
				expect(await claim({ now })).toEqual([]);
				const one = first.find((c) => c.subscriptionId === busy.id);
				if (!one) throw new Error('not claimed');
				await store.settle(outcome(one, { state: 'delivered' }));
				expect((await claim({ now })).map((c) => c.subscriptionId)).toEqual([busy.id]);
			});

			it('gives an attempt whose lease ran out to the next claimer, and fences the late result off', async () => {
				await subscribe();
				const event = anEvent();
				await store.ingest(event);
				const [lost] = await claim();
				if (!lost) throw new Error('not claimed');
				expect(await claim({ now: T0 + LEASE_MS - 1 })).toEqual([]);

				const [taken] = await claim({ now: T0 + LEASE_MS });
				expect(taken).toMatchObject({ deliveryId: lost.deliveryId, attempt: 2 });
				expect(await store.settle(outcome(lost, { state: 'dead' }))).toBe('fenced');
				expect((await deliveryOf(event.id)).state).toBe('leased');

				if (!taken) throw new Error('not claimed');
				expect(await store.settle(outcome(taken, { state: 'delivered' }))).toBe('settled');
				expect(await store.settle(outcome(taken, { state: 'dead' }))).toBe('fenced');
				expect(await deliveryOf(event.id)).toMatchObject({ state: 'delivered', attempts: [{ attempt: 2 }] });
			});

			it('hands a claim back, and fences off what a late end of it says', async () => {
				await subscribe();
				const event = anEvent();
				await store.ingest(event);
				const [released] = await claim();
				if (!released) throw new Error('not claimed');
				await store.release([released], T0 + 5);
				expect(await claim({ now: T0 + 4 })).toEqual([]);
				const [again] = await claim({ now: T0 + 5 });
				expect(again).toMatchObject({ deliveryId: released.deliveryId, scheduled: 0 });
				expect(await store.settle(outcome(released, { state: 'dead' }))).toBe('fenced');
				// Nor does a second release of the first claim touch the second claim.
				await store.release([released], T0 + 5);
				expect(await claim({ now: T0 + 5 })).toEqual([]);
				expect((await deliveryOf(event.id)).state).toBe('leased');
			});
		});

		describe('settlements', () => {
			it('writes a retry with what the policy remembers', async () => {
				await subscribe();
				const event = anEvent();
				await store.ingest(event);
				const [first] = await claim();
				if (!first) throw new Error('not claimed');
				await store.settle(
					outcome(
						first,
						{ state: 'ready', at: T0 + 5_000, scheduled: 1, conflictSince: T0 - 1 },
						{ status: 409 },
					),
				);
				expect(await store.nextDueAt()).toBe(T0 + 5_000);
				expect(await claim({ now: T0 + 4_999 })).toEqual([]);
				const [second] = await claim({ now: T0 + 5_000 });
				expect(second).toMatchObject({ attempt: 2, scheduled: 1, conflictSince: T0 - 1 });
				expect((await deliveryOf(event.id)).attempts).toEqual([
					{
						attempt: 1,
						startedAt: T0,
						durationMs: 12.5,
						timings: { dnsMs: 1, connectMs: 2, tlsMs: null, firstByteMs: 9.5 },
						status: 409,
						error: 'http',
						response: null,
					},
				]);
			});

			it("keeps an attempt's response with its delivery, and leaves it out of lists", async () => {
				await subscribe();
				await store.ingest(anEvent());
				const [claimed] = await claim();
				if (!claimed) throw new Error('not claimed');
				const response = 'Zoë 🦊\n\0';
				await store.settle(outcome(claimed, { state: 'dead' }, { response }));
				expect((await store.getDelivery(claimed.deliveryId))?.attempts).toMatchObject([{ response }]);
				expect((await deliveryOf(claimed.eventId)).attempts).toMatchObject([{ attempt: 1, response: null }]);
			});

			it('ends the subscription and all that waits for it when the receiver is gone', async () => {
				const gone = await subscribe({ concurrency: 1 });
				const other = await subscribe({ concurrency: 3 });
				await store.ingest(anEvent());
				await store.ingest(anEvent());
				const claims = await claim({ limit: 2 });
				const mine = claims.find((c) => c.subscriptionId === gone.id);
				if (!mine) throw new Error('not claimed');
				await store.settle(outcome(mine, { state: 'cancelled', endSubscription: true }, { status: 410 }));
				expect((await store.getSubscription(gone.id))?.status).toBe('ended');
				expect((await store.getSubscription(other.id))?.status).toBe('active');
				expect((await claim({ now: T0 + 10 * LEASE_MS })).every((c) => c.subscriptionId === other.id)).toBe(
					true,
				);
				await store.ingest(anEvent());
				expect((await claim({ now: T0 + 10 * LEASE_MS })).map((c) => c.subscriptionId)).toEqual([other.id]);
			});

			it('knows when the next delivery can be claimed: a retry, or a lease that runs out', async () => {
				expect(await store.nextDueAt()).toBeNull();
				await subscribe();
				await store.ingest(anEvent({ receivedAt: T0 - 7 }));
				expect(await store.nextDueAt()).toBe(T0 - 7);
				const [first] = await claim();
				expect(await store.nextDueAt()).toBe(T0 + LEASE_MS);
				if (!first) throw new Error('not claimed');
				await store.settle(outcome(first, { state: 'dead' }));
				expect(await store.nextDueAt()).toBeNull();
			});
		});

		describe('the list of events', () => {
			it('goes newest first by pages that hold still while events come in', async () => {
				const events = [];
				for (let n = 0; n < 5; n++) {
					const event = anEvent();
					await store.ingest(event);
					events.unshift(event.id);
				}
				const first = await store.listEvents({ limit: 2 });
				expect(first.map((e) => e.id)).toEqual(events.slice(0, 2));
				await store.ingest(anEvent());
				const second = await store.listEvents({ limit: 10, before: first[1]?.id ?? '' });
				expect(second.map((e) => e.id)).toEqual(events.slice(2));
				expect(await store.listEvents({ limit: 10, before: 'evt_none' })).toEqual([]);
			});

			it('finds the events of a workflow', async () => {
				const event = anEvent({ workflowId: 'w' });
				await store.ingest(event);
				await store.ingest(anEvent());
				expect((await store.listEvents({ limit: 10, workflowId: 'w' })).map((e) => e.id)).toEqual([event.id]);
				expect(await store.listEvents({ limit: 10, workflowId: 'none' })).toEqual([]);
			});
		});

		describe('life', () => {
			it('has everything after it was closed and opened again, leases included', async () => {
				const subscription = await subscribe();
				const [kept, inFlight] = [anEvent({ receivedAt: T0 }), anEvent({ receivedAt: T0 - 1 })];
				await store.ingest(kept);
				await store.ingest(inFlight);
				await claim({ limit: 1 });
				store = await opened.reopen();
				expect(await store.listSubscriptions()).toEqual([subscription]);
				expect((await claim()).map((c) => c.eventId)).toEqual([kept.id]);
				const late = await claim({ now: T0 + LEASE_MS });
				expect(late).toContainEqual(expect.objectContaining({ eventId: inFlight.id, attempt: 2 }));
				expect((await store.ingest({ ...anEvent(), dedupeKey: kept.dedupeKey })).kind).toBe('duplicate');
			});

			it('commits what is queued before it closes', async () => {
				const event = anEvent();
				const ingested = store.ingest(event);
				await store.close();
				expect((await ingested).kind).toBe('stored');
				store = await opened.reopen();
				expect(await store.getEvent(event.id)).not.toBeNull();
			});

			it('answers a ping, and fails with a StoreError once closed', async () => {
				await expect(store.ping()).resolves.toBeUndefined();
				await store.close();
				await expect(store.ping()).rejects.toBeInstanceOf(StoreError);
				await expect(store.ingest(anEvent())).rejects.toBeInstanceOf(StoreError);
				await expect(store.getEvent('evt_1')).rejects.toBeInstanceOf(StoreError);
			});
		});
	});
}
