import type { Claim, Settlement, Store } from '../../../relay/src/store/port.ts';
import { anEvent, aSubscription, LEASE_MS, outcome, T0 } from '../conformance/fixtures.ts';
import type { OpenedStore } from '../conformance/fixtures.ts';
import { BREAKER, Model } from './spec.ts';
import type { Delivery, Event, Sub } from './spec.ts';
import type { Step } from './steps.ts';

type Of<Name extends Step['do']> = Extract<Step, { do: Name }>;

const DAY = 86_400_000;

/** A store and the model beside it. Each step goes to both, and what they say must be the same. */
export class Run {
	private readonly model = new Model();
	private readonly opened: OpenedStore;
	private store: Store;
	private other: Store | null = null;
	private now = T0;
	/** Every claim ever made, with the time its attempt began: late ends come out of it too. */
	private claims: { claim: Claim; startedAt: number }[] = [];
	private count = 0;

	constructor(opened: OpenedStore) {
		this.opened = opened;
		this.store = opened.store;
	}

	async all(steps: Step[]): Promise<void> {
		await this.store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: T0 });
		for (const step of steps) {
			await this.step(step);
			await this.compareDue();
		}
		await this.compare();
		await this.drain();
		await this.compare();
	}

	private async step(step: Step): Promise<void> {
		switch (step.do) {
			case 'subscribe':
				return this.subscribe(step);
			case 'change':
				return this.change(step);
			case 'unsubscribe':
				return this.unsubscribe(step);
			case 'ingest':
				return this.ingest(step);
			case 'accept':
				return this.accept(step);
			case 'claim':
				return this.claim(step.limit, step.ahead);
			case 'settle':
				return this.settle(step);
			case 'release':
				return this.release(step);
			case 'cancel':
				return this.cancel(step);
			case 'replay':
				return this.replay(step);
			case 'redrive':
				return this.redrive(step.limit);
			case 'giveUp':
				return this.giveUp(step.afterMs);
			case 'sweep':
				return this.sweep(step);
			case 'advance':
				this.now += step.ms;
				return;
			case 'wait':
				this.now = Math.max(this.now, (this.model.nextChange(this.now) ?? this.now) - step.earlyMs);
				return;
			case 'switch':
				this.other ??= await this.opened.another();
				[this.store, this.other] = [this.other, this.store];
				return;
			case 'restart':
				this.store = await this.opened.reopen();
				this.other = null;
		}
	}

	private async subscribe({ url, wants, concurrency, perMinute }: Of<'subscribe'>): Promise<void> {
		const subscription = aSubscription({
			url: `http://127.0.0.1/${url}`,
			filter: wants === null ? {} : { status: wants },
			concurrency,
			perMinute,
		});
		const taken = this.model.active().some((sub) => sub.url === subscription.url);
		const created = await this.store.createSubscription(subscription).then(
			() => true,
			(error: { code: string }) => error.code,
		);
		expect(created).toBe(taken ? 'conflict' : true);
		if (taken) return;
		const { id } = subscription;
		const fresh = { pace: 0, failures: 0, failingSince: null, probeAt: null, status: 'active' } as const;
		this.model.subs.push({ id, url: subscription.url, wants, concurrency, perMinute, ...fresh });
	}

	/** What waits is delivered whatever is wanted from then on. */
	private async change({ n, wants, concurrency, perMinute }: Of<'change'>): Promise<void> {
		const sub = pick(this.model.subs, n);
		if (!sub) return;
		const filter = wants === null ? {} : { status: wants };
		const changed = await this.store.changeSubscription(sub.id, { filter, concurrency, perMinute });
		expect(changed === null).toBe(sub.status === 'deleted');
		if (perMinute !== sub.perMinute) sub.pace = 0;
		Object.assign(sub, { wants, concurrency, perMinute });
	}

	private async unsubscribe({ n }: Of<'unsubscribe'>): Promise<void> {
		const sub = pick(this.model.subs, n);
		if (!sub) return;
		expect(await this.store.deleteSubscription(sub.id)).toBe(sub.status !== 'deleted');
		this.model.stop(sub, 'deleted');
	}

	/** With `times` 2, the same event twice at the same moment. */
	private async ingest({ workflow, truncated, status, odd, times }: Of<'ingest'>): Promise<void> {
		const incoming = Array.from({ length: times }, () => {
			const body = `body ${this.count++}`;
			const key = odd ? `body:${workflow}` : `workflow:${workflow}`;
			const state = odd ? ('quarantined' as const) : ('accepted' as const);
			const id = anEvent().id;
			return { id, key, workflow: `${workflow}`, status, body, truncated, state, receivedAt: this.now };
		});
		const outcomes = await Promise.all(
			incoming.map(({ key, workflow: workflowId, body, ...event }) =>
				this.store.ingest(
					anEvent({
						...event,
						workflowId,
						dedupeKey: key,
						body: Buffer.from(body),
						attributes: { status },
						type: odd ? null : 'enrichment.completed',
						quarantineReason: odd ? 'odd' : null,
					}),
				),
			),
		);
		// Which of two at the same moment comes first is the store's choice: the one that is no duplicate.
		const pairs = incoming.map((event, n) => ({ event, outcome: outcomes[n]! }));
		pairs.sort((a, b) => Number(a.outcome.kind === 'duplicate') - Number(b.outcome.kind === 'duplicate'));
		for (const { event, outcome: told } of pairs) {
			const expected = this.model.ingest(event);
			expect(told).toEqual(expected);
			await this.learn(expected.eventId);
		}
	}

	private async accept({ n, workflow, status }: Of<'accept'>): Promise<void> {
		const event = pick(this.model.events, n);
		if (!event) return;
		const key = `workflow:${workflow}`;
		const read = { workflowId: `${workflow}`, attributes: { status }, truncated: 0 };
		const accepted = await this.store.acceptQuarantined(
			event.id,
			{ dedupeKey: key, type: 'enrichment.completed', ...read },
			this.now,
		);
		expect(accepted).toEqual(this.model.accept(event.id, { key, workflow: `${workflow}`, status }, this.now));
		await this.learn(event.id);
	}

	private async claim(limit: number, each = 0): Promise<void> {
		const { now } = this;
		const possible = this.model.claimable(now, each);
		const ahead = new Map(this.model.active().map(({ id }) => [id, each]));
		const claims = await this.store.claim({ now, leaseMs: LEASE_MS, limit, ahead });
		expect(claims.length).toBe(Math.min(limit, possible.length));
		// Of each subscription the oldest; over all of them too, when all of them can have been looked at.
		const shares = [...new Set(claims.map((c) => c.subscriptionId))].map((id) => ({
			got: claims.filter((c) => c.subscriptionId === id),
			from: possible.filter((d) => d.subId === id),
		}));
		if (limit >= this.model.active().length) shares.push({ got: claims, from: possible });
		for (const { got, from } of shares) {
			const dueAt = got.map((claim) => this.model.delivery(claim.deliveryId)?.dueAt);
			expect(dueAt.sort((a = 0, b = 0) => a - b)).toEqual(
				from.slice(0, got.length).map((delivery) => delivery.dueAt),
			);
		}
		for (const claim of claims) {
			const delivery = possible.find(({ id }) => id === claim.deliveryId)!;
			const { eventId, subId, scheduled, attempt } = delivery;
			expect(claim).toMatchObject({ eventId, subscriptionId: subId, scheduled, attempt: attempt + 1 });
			expect(claim.receiver.url).toBe(this.model.sub(subId)?.url);
			expect(claim.body.toString()).toBe(this.model.event(eventId)?.body);
			this.claims.push({ claim, startedAt: now });
		}
		expect(new Set(claims.map((claim) => claim.deliveryId)).size).toBe(claims.length);
		this.model.claimed(claims, now, LEASE_MS);
	}

	private async settle({ n, result, waitMs }: Of<'settle'>): Promise<void> {
		const picked = pick(this.claims, n);
		if (!picked) return;
		const { claim, startedAt } = picked;
		const at = this.now + waitMs;
		const retry = { state: 'ready', at, scheduled: claim.scheduled + 1, conflictSince: null } as const;
		const next: Record<typeof result, Settlement['next']> = {
			delivered: { state: 'delivered' },
			dead: { state: 'dead' },
			retry,
			busy: retry,
			gone: { state: 'cancelled', endSubscription: true },
		};
		const settled = await this.store.settle(
			outcome(claim, next[result], {
				startedAt,
				durationMs: this.now - startedAt,
				health: result === 'delivered' ? 'up' : result === 'busy' ? 'busy' : 'down',
				breaker: BREAKER,
			}),
		);
		expect(settled).toBe(this.model.settle(claim, result, startedAt, this.now, at));
	}

	private async release({ n }: Of<'release'>): Promise<void> {
		const picked = pick(this.claims, n);
		if (!picked) return;
		await this.store.release([picked.claim], this.now);
		this.model.release(picked.claim, this.now);
	}

	private async cancel({ n }: Of<'cancel'>): Promise<void> {
		const id = pick(this.model.deliveries, n)?.id ?? 'dlv_999999';
		expect(await this.store.cancel(id)).toBe(this.model.cancel(id));
	}

	private async replay({ n }: Of<'replay'>): Promise<void> {
		const id = pick(this.model.deliveries, n)?.id ?? 'dlv_999999';
		const replayed = await this.store.replay(id, this.now).then(
			(delivery) => delivery && 'made',
			(error: { code: string }) => error.code,
		);
		expect(replayed).toBe(this.model.replay(id, this.now));
		const eventId = this.model.delivery(id)?.eventId;
		if (eventId) await this.learn(eventId);
	}

	private async redrive(limit: number): Promise<void> {
		expect(await this.store.redrive({ limit, now: this.now })).toBe(this.model.redrive(limit, this.now));
	}

	private async giveUp(afterMs: number): Promise<void> {
		const before = this.now - afterMs;
		expect(await this.store.giveUp({ before, limit: 1_000 })).toBe(this.model.giveUp(before));
	}

	private async sweep({ delivered, dead, keys }: Of<'sweep'>): Promise<void> {
		const before = {
			deliveredBefore: this.now - delivered * DAY,
			deadBefore: this.now - dead * DAY,
			keysBefore: this.now - keys * DAY,
		};
		expect(await this.store.sweep({ ...before, limit: 1_000 })).toEqual(this.model.sweep(before));
	}

	/** Tells the model the ids of deliveries just made: at most one of an event for each subscription. */
	private async learn(eventId: string): Promise<void> {
		const unnamed = this.model.of(eventId).filter((delivery) => delivery.id === null);
		if (unnamed.length === 0) return;
		const real = await this.store.listDeliveries({ eventId, limit: 100 });
		for (const delivery of unnamed) {
			const found = real.find((d) => d.subscriptionId === delivery.subId && !this.model.delivery(d.id));
			if (!found) throw new Error(`The event ${eventId} was not delivered to ${delivery.subId}.`);
			delivery.id = found.id;
		}
	}

	/** The next time something can be claimed may be told too early, never too late. */
	private async compareDue(): Promise<void> {
		const told = await this.store.nextDueAt();
		expect(told === null).toBe(this.model.pending().length === 0);
		if (told === null || told <= this.now) return;
		expect(this.model.claimable(told - 1)).toEqual([]);
	}

	/** Everything there is, against everything there should be. */
	private async compare(): Promise<void> {
		expect(await this.store.stats()).toEqual(this.model.stats());
		for (const sub of this.model.subs) expect(await this.store.getSubscription(sub.id)).toEqual(asSub(sub));
		const events = await this.store.listEvents({ limit: 1_000 });
		expect(events.map(({ id }) => id)).toEqual(this.model.events.map(({ id }) => id).reverse());
		for (const [n, event] of [...this.model.events].reverse().entries()) {
			expect(events[n]).toMatchObject(asEvent(event));
			expect((await this.store.getBody(event.id))?.body.toString()).toBe(event.body);
			const deliveries = await this.store.listDeliveries({ eventId: event.id, limit: 1_000 });
			expect(deliveries.map(({ id }) => id).sort()).toEqual(
				this.model
					.of(event.id)
					.map(({ id }) => id)
					.sort(),
			);
			for (const delivery of deliveries) {
				const { attempts, state, deadReason } = delivery;
				expect({
					id: delivery.id,
					state,
					deadReason,
					settled: attempts.map(({ attempt }) => attempt),
				}).toEqual(asDelivery(this.model.delivery(delivery.id)!));
			}
		}
	}

	/** Everything that is still pending gets through, by nothing but waiting for the time the store names. */
	private async drain(): Promise<void> {
		await this.redrive(1_000);
		for (let turn = 0; this.model.pending().length > 0; turn++) {
			if (turn > 10_000) throw new Error('Something stays pending for ever.');
			this.now = Math.max(this.now, (await this.store.nextDueAt()) ?? 0);
			const before = this.claims.length;
			await this.claim(100);
			for (let n = before; n < this.claims.length; n++) {
				const last = this.claims.length - 1 - n;
				await this.settle({ do: 'settle', n: last, result: 'delivered', waitMs: 0 });
			}
			// Told too early, as an engine may: then it is asked again a second later, as the dispatcher does.
			const told = await this.store.nextDueAt();
			if (this.claims.length === before && told !== null && told <= this.now) this.now += 1_000;
		}
		expect(await this.store.nextDueAt()).toBeNull();
	}
}

/** The last one is 0. */
const pick = <T>(list: T[], n: number): T | undefined => list.at(-1 - (n % list.length));

const asSub = (sub: Sub) =>
	sub.status === 'deleted'
		? null
		: expect.objectContaining({
				status: sub.status,
				concurrency: sub.concurrency,
				perMinute: sub.perMinute,
				failures: sub.failures,
				failingSince: sub.failingSince,
				probeAt: sub.probeAt,
			});

const asEvent = ({ workflow, status, truncated, state, duplicates, receivedAt }: Event) => ({
	workflowId: workflow,
	attributes: { status },
	truncated,
	state,
	duplicates,
	receivedAt,
});

const asDelivery = ({ id, state, deadReason, settled }: Delivery) => ({ id, state, deadReason, settled });
