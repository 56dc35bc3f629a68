import { z } from 'zod';
import type { Database } from '../db/index.ts';
import type { SteeredWork } from '../db/steering.ts';

const MAX_MS = 7 * 24 * 60 * 60 * 1000;
const ms = z.int().min(0).max(MAX_MS);

/** How work that starts from now on goes. */
export const Completion = z.discriminatedUnion('mode', [
	/** After the configured time, with whatever is found. */
	z.strictObject({ mode: z.literal('default') }),
	/** Before the answer to the request that started it. */
	z.strictObject({ mode: z.literal('instant') }),
	z.strictObject({ mode: z.literal('after_ms'), ms }),
	/** Asked about so many times it is still under way; the next time it is done. */
	z.strictObject({ mode: z.literal('after_polls'), polls: z.int().min(0).max(10_000) }),
	/** For this share of the contacts nothing is found. */
	z.strictObject({ mode: z.literal('fail_share'), share: z.number().min(0).max(1), ms: ms.optional() }),
	z.strictObject({ mode: z.literal('failed'), ms: ms.optional() }),
	z.strictObject({ mode: z.literal('cancelled'), ms: ms.optional() }),
]);
export type Completion = z.output<typeof Completion>;

export const DEFAULT_COMPLETION: Completion = { mode: 'default' };

/** The due time of what waits for something else than time; the latest instant a date can be. */
const NEVER = 8_640_000_000_000_000;

/** A share of 0.29 times 100 is a little less than 29. */
const ROUNDING = 1e-9;

/** What is known of a piece of work's end before it. */
export interface Fate {
	outcome: 'failed' | 'cancelled' | null;
	/** Whether nothing is to be found for the contact at this place. */
	misses: (index: number) => boolean;
}

const NO_FATE: Fate = { outcome: null, misses: () => false };

/** Decides when and how workflows, runs and agents end. */
export function createCompletion(o: { db: Database; usualMs: number; now: () => number }) {
	const { db, usualMs, now } = o;
	let current = DEFAULT_COMPLETION;

	return {
		get current(): Completion {
			return current;
		},
		set current(completion: Completion) {
			current = completion;
		},

		get isInstant(): boolean {
			return current.mode === 'instant';
		},

		/** From the start of work to its end. */
		get durationMs(): number {
			switch (current.mode) {
				case 'default':
					return usualMs;
				case 'instant':
				case 'after_polls':
					return 0;
				default:
					return current.ms ?? usualMs;
			}
		},

		/**
		 * Notes how a piece of work that starts now is to end. Call it in the transaction that writes the work.
		 *
		 * @param dueAt when it would be due by its duration
		 * @returns when it is due
		 */
		begin(workId: string, dueAt: number): number {
			const steered = steeredBy(current);
			if (!steered) return dueAt;
			db.steering.insert({ workId, ...steered });
			return steered.pollsLeft === null ? dueAt : NEVER;
		},

		fateOf(workId: string): Fate {
			const steered = db.steering.get(workId);
			if (!steered) return NO_FATE;
			const share = steered.failShare ?? 0;
			// Spread evenly and exactly: of ten contacts a share of 0.3 takes three, always the same ones.
			const misses = (index: number) =>
				Math.floor((index + 1) * share + ROUNDING) > Math.floor(index * share + ROUNDING);
			return { outcome: steered.outcome, misses };
		},

		/** Somebody asks about a piece of work. @returns true when that made it due */
		polled(workId: string): boolean {
			const left = db.steering.get(workId)?.pollsLeft ?? null;
			if (left === null) return false;
			return db.transaction(() => {
				if (left > 0) {
					db.steering.setPollsLeft(workId, left - 1);
					return false;
				}
				db.steering.setPollsLeft(workId, null);
				db.steering.release(workId, now());
				return true;
			});
		},
	};
}

export type CompletionControl = ReturnType<typeof createCompletion>;

function steeredBy(completion: Completion): SteeredWork | null {
	const none: SteeredWork = { outcome: null, failShare: null, pollsLeft: null };
	switch (completion.mode) {
		case 'after_polls':
			return { ...none, pollsLeft: completion.polls };
		case 'fail_share':
			return { ...none, failShare: completion.share };
		case 'failed':
		case 'cancelled':
			return { ...none, outcome: completion.mode };
		default:
			return null;
	}
}
