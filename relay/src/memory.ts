import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Leaves the collection of young objects to the thread that made them. By default V8 shares that out to helpers, and on a machine
 * whose cores are all busy the thread waits until each has had one: three relays on two cores take in 6 % more on PostgreSQL
 * without, one alone 1.5 %.
 */
export function collectYoungAlone(): void {
	setFlagsFromString('--no-parallel-scavenge');
}

/** How often, in ms, is looked whether a thread is idle, and how much of that time it may have been busy for that. */
const LOOK_EVERY_MS = 1_000;
const IDLE = 0.1;

type Collect = (options: { type: 'major'; flavor: 'last-resort' }) => void;

/**
 * Gives back to the system what starting took and nothing needs any more: most of what it took to load the modules, the
 * room that young objects were given for that, and what functions that ran were compiled to (2 MiB; those that run again are
 * compiled again). V8 does it when a heap grows, which that of an idle relay does not: it would keep these 22 MiB (on
 * Linux) for good. Takes 30 to 60 ms in which this thread does nothing else.
 */
export function giveBackStartupMemory(): void {
	// The one way to ask for it without an option on the command line: contexts made meanwhile have `gc`.
	setFlagsFromString('--expose-gc');
	const collect = runInNewContext('gc') as Collect;
	setFlagsFromString('--no-expose-gc');
	// For this once, instead of when a function has not run for several collections.
	setFlagsFromString('--stress-flush-code');
	collect({ type: 'major', flavor: 'last-resort' });
	setFlagsFromString('--no-stress-flush-code');
}

/**
 * Does so in the thread it is called in, once that has little to do: who comes with a backlog does not wait for it, nor has what
 * runs compiled again.
 */
export function giveBackStartupMemoryWhenIdle(): void {
	let before = performance.eventLoopUtilization();
	const timer = setInterval(() => {
		const now = performance.eventLoopUtilization();
		const { utilization } = performance.eventLoopUtilization(now, before);
		before = now;
		if (utilization > IDLE) return;
		clearInterval(timer);
		giveBackStartupMemory();
	}, LOOK_EVERY_MS);
	timer.unref();
}
