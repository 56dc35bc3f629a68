import type { Claim, Settlement } from '../store/port.ts';

/** An answer within this time, in ms, is quick. */
const QUICK_MS = 50;

/**
 * After an answer that took longer, in ms, nothing waits. All that may be in hand, 128, is begun within 38 s where each is answered
 * in time, also one after the other because the concurrency was lowered meanwhile; and 15 s are all that an attempt takes. So none
 * that waited outlives its lease of 60 s, and goes out twice. Not after any answer that is not quick: those come now and then from
 * a receiver that is, and each would cost the store a release and a claim.
 */
const LATE_MS = 300;

/**
 * Claimed ahead for each that may be under way. A backlog for 32 at once goes out a sixth faster with 3 than with 1: the answers
 * come in bursts, and what waits has to last until the store, which works in batches too, has claimed more.
 */
const AHEAD = 3;

/** What is in hand of one subscription. */
interface Lane {
	/** As the last claim had it. */
	concurrency: number;
	/** Attempts that the receiver has not answered yet, and how many they were after the last claim. */
	underWay: number;
	afterClaim: number;
	/** Claimed ahead, in order. */
	waiting: Claim[];
	/** How the receiver answered last, late being badly; null before it has. */
	answered: 'quickly' | 'slowly' | 'badly' | null;
}

/**
 * The deliveries in hand, by subscription. Those that are claimed beyond its concurrency wait here, so that the next goes out
 * when one is answered, not when the store has written that down and claimed another.
 */
export interface Lanes {
	/** What is in hand that no receiver has answered, and the size of its bodies. */
	inHand(): { deliveries: number; bytes: number };
	/** How many may be claimed ahead, by subscription: of one whose receiver answers quickly and well. */
	ahead(): ReadonlyMap<string, number>;
	/** Starts what there is room for. @returns what is to be handed back */
	take(claims: readonly Claim[]): Claim[];
	/** The receiver has answered: starts the next. @returns what is to be handed back: after a failure, or late, all that waits */
	answered(claim: Claim, answer: Pick<Settlement, 'health' | 'durationMs'>): Claim[];
	/**
	 * Whether more should be claimed of it. Alone: of what may wait, less than half does. Where others claim too, nothing waits: half
	 * of what was under way has been answered, when that goes quickly. A claim for each answer would cost the database half as
	 * much again, and keep others from claiming.
	 */
	wants(subscriptionId: string): boolean;
	/** @returns what waits, to be handed back */
	clear(): Claim[];
}

/**
 * @param start makes the attempt
 * @param alone whether nobody else claims from the store
 */
export function createLanes(start: (claim: Claim) => void, alone: boolean): Lanes {
	const lanes = new Map<string, Lane>();
	const inHand = { deliveries: 0, bytes: 0 };

	function laneOf({ subscriptionId, receiver: { concurrency } }: Claim): Lane {
		const lane = lanes.get(subscriptionId) ?? {
			concurrency,
			underWay: 0,
			afterClaim: 0,
			waiting: [],
			answered: null,
		};
		lane.concurrency = concurrency;
		lanes.set(subscriptionId, lane);
		return lane;
	}

	function count(claims: readonly Claim[], sign: 1 | -1): void {
		inHand.deliveries += sign * claims.length;
		for (const { body } of claims) inHand.bytes += sign * body.length;
	}

	function startNext(lane: Lane): void {
		for (const claim of lane.waiting.splice(0, lane.concurrency - lane.underWay)) {
			lane.underWay++;
			start(claim);
		}
	}

	function handBack(lane: Lane): Claim[] {
		const claims = lane.waiting.splice(0);
		count(claims, -1);
		return claims;
	}

	return {
		inHand: () => ({ ...inHand }),
		ahead() {
			const quick = [...lanes].filter(([, { answered }]) => answered === 'quickly');
			return new Map(quick.map(([id, { concurrency }]) => [id, concurrency * AHEAD]));
		},
		take(claims) {
			const taken = new Set<Lane>();
			for (const claim of claims) {
				const lane = laneOf(claim);
				lane.waiting.push(claim);
				taken.add(lane);
			}
			count(claims, 1);
			for (const lane of taken) {
				startNext(lane);
				lane.afterClaim = lane.underWay;
			}
			for (const [id, lane] of lanes) if (lane.underWay === 0) lanes.delete(id);
			return [...taken].flatMap((lane) => (lane.answered === 'badly' ? handBack(lane) : []));
		},
		answered(claim, { health, durationMs }) {
			const { subscriptionId } = claim;
			const lane = lanes.get(subscriptionId)!;
			count([claim], -1);
			lane.underWay--;
			const well = health === 'up' && durationMs <= LATE_MS;
			lane.answered = !well ? 'badly' : durationMs > QUICK_MS ? 'slowly' : 'quickly';
			const back = lane.answered === 'badly' ? handBack(lane) : [];
			startNext(lane);
			return back;
		},
		wants(subscriptionId) {
			const lane = lanes.get(subscriptionId);
			if (lane === undefined) return true;
			if (alone) return lane.waiting.length * 2 <= lane.concurrency * AHEAD;
			return lane.answered !== 'quickly' || lane.underWay * 2 <= lane.afterClaim;
		},
		clear: () => [...lanes.values()].flatMap(handBack),
	};
}
