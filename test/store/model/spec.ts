import type { BreakerRule, Claim, IngestOutcome } from '../../../relay/src/store/port.ts';
import { pace } from '../../../relay/src/store/pace.ts';

/*
 * What a store is, as plainly as it can be said: everything in lists, nothing indexed, no transactions. The rate is
 * taken from pace.ts, which has properties of its own (pace.test.ts); all else is said here a second time.
 */

export interface Sub {
	id: string;
	url: string;
	wants: string | null;
	concurrency: number;
	perMinute: number | null;
	pace: number;
	failures: number;
	failingSince: number | null;
	probeAt: number | null;
	status: 'active' | 'ended' | 'deleted';
}

export interface Event {
	id: string;
	workflow: string;
	status: string;
	body: string;
	truncated: number;
	state: 'accepted' | 'quarantined';
	duplicates: number;
	receivedAt: number;
}

export interface Delivery {
	/** Null until the store was asked. */
	id: string | null;
	eventId: string;
	subId: string;
	state: 'ready' | 'leased' | 'delivered' | 'dead' | 'cancelled';
	dueAt: number;
	/** Claims so far. */
	attempt: number;
	scheduled: number;
	deadReason: 'schedule_used_up' | 'receiver_down' | null;
	/** The attempts that were settled. */
	settled: number[];
}

export type Incoming = Omit<Event, 'duplicates'> & { key: string };
export type Result = 'delivered' | 'retry' | 'dead' | 'busy' | 'gone';

export const BREAKER: BreakerRule = { threshold: 2, waitsMs: [5_000, 20_000] };

const isPending = ({ state }: Delivery) => state === 'ready' || state === 'leased';
const made = ({ id }: Delivery) => Number(id?.slice('dlv_'.length));
const byAge = (a: Delivery, b: Delivery) => a.dueAt - b.dueAt || made(a) - made(b);

export class Model {
	subs: Sub[] = [];
	events: Event[] = [];
	deliveries: Delivery[] = [];
	keys = new Map<string, { eventId: string; truncated: number; receivedAt: number }>();

	active = () => this.subs.filter((sub) => sub.status === 'active');
	sub = (id: string) => this.subs.find((sub) => sub.id === id);
	event = (id: string) => this.events.find((event) => event.id === id);
	delivery = (id: string) => this.deliveries.find((delivery) => delivery.id === id);
	of = (eventId: string) => this.deliveries.filter((delivery) => delivery.eventId === eventId);
	pending = () => this.deliveries.filter(isPending);

	private deliver(event: Event, now: number, except: string[] = []): number {
		const to = this.active().filter(
			(sub) => !except.includes(sub.id) && (sub.wants === null || sub.wants === event.status),
		);
		for (const { id: subId } of to) this.add(event.id, subId, now);
		return to.length;
	}

	private add(eventId: string, subId: string, now: number): void {
		const fresh = { id: null, state: 'ready', attempt: 0, scheduled: 0, deadReason: null } as const;
		this.deliveries.push({ ...fresh, eventId, subId, dueAt: now, settled: [] });
	}

	ingest({ key, ...incoming }: Incoming): IngestOutcome {
		const known = this.keys.get(key);
		if (!known) {
			const event = { ...incoming, duplicates: 0 };
			this.events.push(event);
			const { id: eventId, truncated, receivedAt } = incoming;
			this.keys.set(key, { eventId, truncated, receivedAt });
			const deliveries = event.state === 'accepted' ? this.deliver(event, receivedAt) : 0;
			return { kind: 'stored', eventId, deliveries };
		}
		const event = this.event(known.eventId);
		if (event) event.duplicates++;
		if (event && known.truncated > 0 && incoming.truncated === 0 && incoming.state === 'accepted') {
			known.truncated = 0;
			Object.assign(event, { truncated: 0, body: incoming.body, status: incoming.status });
			const waiting = this.of(event.id).filter((delivery) => delivery.state === 'ready');
			const except = waiting.map((delivery) => delivery.subId);
			const deliveries = this.deliver(event, incoming.receivedAt, except);
			return { kind: 'completed', eventId: event.id, deliveries };
		}
		return { kind: 'duplicate', eventId: known.eventId };
	}

	accept(
		eventId: string,
		read: Pick<Incoming, 'key' | 'workflow' | 'status'>,
		now: number,
	): IngestOutcome | null {
		const { key, workflow, status } = read;
		const event = this.event(eventId);
		if (event?.state !== 'quarantined') return null;
		const known = this.keys.get(key);
		if (known && known.eventId !== eventId) return { kind: 'duplicate', eventId: known.eventId };
		this.keys.set(key, { eventId, truncated: 0, receivedAt: event.receivedAt });
		Object.assign(event, { state: 'accepted', truncated: 0, workflow, status });
		return { kind: 'stored', eventId, deliveries: this.deliver(event, now) };
	}

	/** How many more a subscription may have claimed now. */
	private room(sub: Sub, now: number, ahead: number): number {
		if (sub.probeAt !== null && now < sub.probeAt) return 0;
		const inFlight = this.deliveries.filter(
			(d) => d.subId === sub.id && d.state === 'leased' && d.dueAt > now,
		).length;
		const most = sub.perMinute === null ? sub.concurrency + ahead : sub.concurrency;
		const slots = (sub.probeAt === null ? most : 1) - inFlight;
		const rate = sub.perMinute === null ? Infinity : pace(sub.perMinute, sub.pace, now).free;
		return Math.max(0, Math.min(slots, rate));
	}

	/** All that could be claimed now, oldest due first, by somebody who claims so many of each subscription ahead. */
	claimable(now: number, ahead = 0): Delivery[] {
		const due = (sub: Sub) =>
			this.deliveries.filter((d) => d.subId === sub.id && isPending(d) && d.dueAt <= now).sort(byAge);
		return this.active()
			.flatMap((sub) => due(sub).slice(0, this.room(sub, now, ahead)))
			.sort(byAge);
	}

	/** When the next delivery is due, lease runs out or probe may go out. */
	nextChange(now: number): number | null {
		const times = [...this.pending().map((d) => d.dueAt), ...this.active().map((sub) => sub.probeAt ?? 0)];
		const ahead = times.filter((time) => time > now);
		return ahead.length > 0 ? Math.min(...ahead) : null;
	}

	claimed(claims: Claim[], now: number, leaseMs: number): void {
		for (const sub of this.active()) {
			const starts = claims.filter((claim) => claim.subscriptionId === sub.id).length;
			if (sub.perMinute !== null && starts > 0) {
				sub.pace = pace(sub.perMinute, sub.pace, now).after(starts);
			}
		}
		for (const { deliveryId } of claims) {
			const delivery = this.delivery(deliveryId)!;
			delivery.state = 'leased';
			delivery.dueAt = now + leaseMs;
			delivery.attempt++;
		}
	}

	/** The delivery, while this attempt at it is the one under way. */
	private underWay({ deliveryId, attempt }: Pick<Claim, 'deliveryId' | 'attempt'>): Delivery | null {
		const delivery = this.delivery(deliveryId);
		return delivery?.state === 'leased' && delivery.attempt === attempt ? delivery : null;
	}

	settle(
		claim: Claim,
		result: Result,
		startedAt: number,
		now: number,
		retryAt: number,
	): 'settled' | 'fenced' {
		const delivery = this.underWay(claim);
		if (!delivery) return 'fenced';
		delivery.settled.push(claim.attempt);
		const sub = this.sub(delivery.subId)!;
		if (result === 'delivered') {
			Object.assign(sub, { failures: 0, failingSince: null, probeAt: null });
		} else if (result !== 'busy' && (sub.probeAt === null || startedAt >= sub.probeAt)) {
			sub.failures++;
			sub.failingSince ??= now;
			const slot = sub.failures - BREAKER.threshold;
			const waits = BREAKER.waitsMs;
			if (slot >= 0) sub.probeAt = now + waits[Math.min(slot, waits.length - 1)]!;
		}
		if (result === 'retry' || result === 'busy') {
			delivery.state = 'ready';
			delivery.dueAt = retryAt;
			delivery.scheduled = claim.scheduled + 1;
		} else if (result === 'gone') {
			delivery.state = 'cancelled';
			this.stop(sub, 'ended');
		} else {
			delivery.state = result;
			if (result === 'dead') delivery.deadReason = 'schedule_used_up';
		}
		return 'settled';
	}

	stop(sub: Sub, status: 'ended' | 'deleted'): void {
		sub.status = status;
		for (const delivery of this.pending()) if (delivery.subId === sub.id) delivery.state = 'cancelled';
	}

	release(claim: Claim, now: number): void {
		const delivery = this.underWay(claim);
		if (delivery) Object.assign(delivery, { state: 'ready', dueAt: now });
	}

	cancel(id: string): 'cancelled' | 'final' | null {
		const delivery = this.delivery(id);
		if (!delivery) return null;
		if (!isPending(delivery)) return 'final';
		delivery.state = 'cancelled';
		return 'cancelled';
	}

	replay(id: string, now: number): 'made' | 'conflict' | null {
		const delivery = this.delivery(id);
		if (!delivery) return null;
		const { eventId, subId } = delivery;
		if (this.sub(subId)?.status !== 'active') return 'conflict';
		for (const other of this.of(eventId)) {
			if (other.subId === subId && other.state === 'ready') other.state = 'cancelled';
		}
		this.add(eventId, subId, now);
		return 'made';
	}

	redrive(limit: number, now: number): number {
		const revived = this.deliveries
			.filter((d) => d.state === 'dead' && this.sub(d.subId)?.status === 'active')
			.sort((a, b) => made(a) - made(b))
			.slice(0, limit);
		for (const delivery of revived)
			Object.assign(delivery, { state: 'ready', dueAt: now, scheduled: 0, deadReason: null });
		return revived.length;
	}

	giveUp(before: number): number {
		const isDown = (sub: Sub) => sub.probeAt !== null && (sub.failingSince ?? before) < before;
		const down = this.active().filter(isDown);
		const late = this.deliveries.filter(
			(d) => d.state === 'ready' && d.dueAt < before && down.some(({ id }) => id === d.subId),
		);
		for (const delivery of late) Object.assign(delivery, { state: 'dead', deadReason: 'receiver_down' });
		return late.length;
	}

	sweep(before: { deliveredBefore: number; deadBefore: number; keysBefore: number }) {
		const goes = ({ id, state, receivedAt }: Event) => {
			const deliveries = this.of(id);
			if (deliveries.some(isPending)) return false;
			const keepForLonger =
				state === 'quarantined' || deliveries.length === 0 || deliveries.some((d) => d.state === 'dead');
			return receivedAt < (keepForLonger ? before.deadBefore : before.deliveredBefore);
		};
		const gone = this.events.filter(goes);
		this.events = this.events.filter((event) => !gone.includes(event));
		this.deliveries = this.deliveries.filter((delivery) => this.event(delivery.eventId));
		const old = [...this.keys].filter(([, { receivedAt }]) => receivedAt < before.keysBefore);
		for (const [key] of old) this.keys.delete(key);
		return { events: gone.length, dedupeKeys: old.length, more: false };
	}

	stats() {
		const count = (state: Delivery['state']) => this.deliveries.filter((d) => d.state === state).length;
		return {
			ready: count('ready'),
			leased: count('leased'),
			dead: count('dead'),
			oldestDueAt: this.pending().reduce<number | null>((min, d) => Math.min(min ?? d.dueAt, d.dueAt), null),
			quarantined: this.events.filter((event) => event.state === 'quarantined').length,
			activeSubscriptions: this.active().length,
			openBreakers: this.active().filter((sub) => sub.probeAt !== null).length,
		};
	}
}
