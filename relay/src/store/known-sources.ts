import type { Clock } from '../clock.ts';
import type { Source, Store } from './port.ts';

/** How long another process's change of a source may go unnoticed here, in ms. */
const GOOD_FOR_MS = 1_000;
/** Sources remembered at once, at most. */
const CAPACITY = 1_000;

/**
 * The store with the sources that were found kept in memory for a second: every webhook asks for its source, and
 * the answer is nearly always the same (12 µs of the 60 a durable ingest of 2 KiB took). What this process changes
 * is seen at once. Tokens that are not known are asked for every time; they are few, by the limiter.
 */
export function withKnownSources(store: Store, clock: Clock): Store {
	const known = new Map<string, { source: Source; until: number }>();
	/** Counts changes, so that an answer read before one is not remembered after it. */
	let changes = 0;

	return {
		...store,
		async findSourceByTokenHash(hash) {
			const key = hash.toString('latin1');
			const now = clock.monotonic();
			const hit = known.get(key);
			if (hit && now < hit.until) return hit.source;

			const asOf = changes;
			const source = await store.findSourceByTokenHash(hash);
			if (known.size >= CAPACITY) known.clear();
			if (source && asOf === changes) known.set(key, { source, until: now + GOOD_FOR_MS });
			else known.delete(key);
			return source;
		},
		async putSource(source) {
			try {
				await store.putSource(source);
			} finally {
				changes++;
				known.clear();
			}
		},
	};
}
