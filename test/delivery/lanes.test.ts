import { createLanes } from '../../relay/src/delivery/lanes.ts';
import type { Lanes } from '../../relay/src/delivery/lanes.ts';
import type { Claim } from '../../relay/src/store/port.ts';

const WELL = { health: 'up', durationMs: 50 } as const;
const SLOWLY = { health: 'up', durationMs: 300 } as const;
const LATE = { health: 'up', durationMs: 301 } as const;
const BADLY = { health: 'down', durationMs: 1 } as const;

describe('lanes', () => {
	let lanes: Lanes;
	let started: Claim[];
	beforeEach(() => {
		started = [];
		lanes = createLanes((claim) => started.push(claim), true);
	});

	let ids = 0;
	const claim = (subscriptionId = 'a', concurrency = 2): Claim => ({
		deliveryId: `dlv_${++ids}`,
		eventId: 'evt_1',
		subscriptionId,
		receiver: {
			url: 'http://127.0.0.1/',
			sealedSecret: Buffer.alloc(0),
			previousSealedSecret: null,
			concurrency,
		},
		body: Buffer.alloc(10),
		bodyKeyId: null,
		contentType: 'text/plain',
		attempt: 1,
		scheduled: 0,
		conflictSince: null,
	});
	const claims = (n: number, ...of: Parameters<typeof claim>) =>
		Array.from({ length: n }, () => claim(...of));

	it('start what a subscription has room for, and the next, in order, when one is answered', () => {
		const five = claims(5);
		expect(lanes.take(five)).toEqual([]);
		expect(started).toEqual(five.slice(0, 2));
		expect(lanes.inHand()).toEqual({ deliveries: 5, bytes: 50 });
		expect(lanes.answered(five[1]!, WELL)).toEqual([]);
		expect(lanes.answered(five[0]!, WELL)).toEqual([]);
		expect(started).toEqual(five.slice(0, 4));
		expect(lanes.inHand()).toEqual({ deliveries: 3, bytes: 30 });
	});

	it('keep subscriptions apart', () => {
		lanes.take([...claims(3, 'a', 1), ...claims(3, 'b', 2)]);
		expect(started.map((it) => it.subscriptionId)).toEqual(['a', 'b', 'b']);
	});

	it('let three for each be claimed ahead of a receiver that answered quickly and well, last', () => {
		const [one, two, other] = [claim(), claim(), claim('b')];
		lanes.take([one, two, other]);
		expect(lanes.ahead()).toEqual(new Map());
		lanes.answered(one, WELL);
		lanes.answered(other, SLOWLY);
		expect(lanes.ahead()).toEqual(new Map([['a', 6]]));
		lanes.answered(two, BADLY);
		expect(lanes.ahead()).toEqual(new Map());
	});

	it('remember how a receiver answered until the next claim, also when nothing is under way any more', () => {
		const one = claim('a', 1);
		lanes.take([one]);
		lanes.answered(one, WELL);
		expect(lanes.ahead()).toEqual(new Map([['a', 3]]));
		lanes.take([]);
		expect(lanes.ahead()).toEqual(new Map());
	});

	it.each([
		['fails', BADLY],
		['is busy', { health: 'busy', durationMs: 1 } as const],
		// Three times 15 s, and what waited went out as its lease ran out: twice.
		['takes its time', LATE],
	])('hand back what waits when a receiver %s, and what was being claimed meanwhile', (_, answer) => {
		const five = claims(5);
		lanes.take(five);
		expect(lanes.answered(five[0]!, answer)).toEqual(five.slice(2));
		expect(lanes.inHand()).toEqual({ deliveries: 1, bytes: 10 });
		const more = claims(3);
		expect(lanes.take(more)).toEqual(more.slice(1));
		expect(started).toEqual([...five.slice(0, 2), more[0]]);
	});

	it('keep what waits for a receiver that is slow', () => {
		const five = claims(5);
		lanes.take(five);
		expect(lanes.answered(five[0]!, SLOWLY)).toEqual([]);
		expect(started).toEqual(five.slice(0, 3));
	});

	it('want more when less than half of what may wait does', () => {
		expect(lanes.wants('a')).toBe(true);
		const six = claims(6);
		lanes.take(six);
		expect(lanes.wants('a')).toBe(false);
		lanes.answered(six[0]!, WELL);
		expect(lanes.wants('a')).toBe(true);
	});

	it('want more, where others claim too, when half of what was under way is answered, or any of it slowly', () => {
		lanes = createLanes((claim) => started.push(claim), false);
		expect(lanes.wants('a')).toBe(true);
		const four = claims(4, 'a', 5);
		lanes.take(four);
		lanes.answered(four[0]!, WELL);
		expect(lanes.wants('a')).toBe(false);
		lanes.answered(four[1]!, WELL);
		expect(lanes.wants('a')).toBe(true);
		lanes.take(claims(3, 'a', 5));
		expect(lanes.wants('a')).toBe(false);
		lanes.answered(four[2]!, SLOWLY);
		expect(lanes.wants('a')).toBe(true);
		lanes.answered(four[3]!, WELL);
		expect(lanes.wants('a')).toBe(false);
	});

	it('take the concurrency of the last claim', () => {
		const [one, two, ...rest] = claims(5, 'a', 2);
		lanes.take([one!, two!, ...rest]);
		lanes.take([claim('a', 4)]);
		expect(started).toHaveLength(4);
		lanes.answered(one!, WELL);
		expect(started).toHaveLength(5);
	});

	it('give back all that waits, and only that, when they are cleared', () => {
		const [a, b] = [claims(3, 'a', 1), claims(3, 'b', 2)];
		lanes.take([...a, ...b]);
		expect(lanes.clear()).toEqual([...a.slice(1), ...b.slice(2)]);
		expect(lanes.inHand()).toEqual({ deliveries: 3, bytes: 30 });
		expect(lanes.clear()).toEqual([]);
	});
});
