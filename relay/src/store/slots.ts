/** A subscription that may have something to claim. */
export interface Candidate {
	id: string;
	concurrency: number;
	per_minute: number | null;
	next_start_at: number;
	probe_at: number | null;
}

/**
 * How many of its deliveries may be in flight: while the breaker is open a single one, which probes the receiver, else its
 * concurrency, and without a rate what may be claimed ahead.
 */
export function slotsOf(
	{ id, concurrency, per_minute: perMinute, probe_at: probeAt }: Candidate,
	ahead: ReadonlyMap<string, number> | undefined,
): number {
	if (probeAt !== null) return 1;
	return perMinute === null ? concurrency + (ahead?.get(id) ?? 0) : concurrency;
}
