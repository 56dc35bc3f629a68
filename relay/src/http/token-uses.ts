import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Store, Token } from '../store/port.ts';

const WRITE_EVERY_MS = 60_000;

/**
 * Notes when tokens are used: at most once a minute for each, and beside the request, which neither waits for it nor
 * fails with it.
 */
export function createTokenUses(options: {
	store: Store;
	clock: Clock;
	log: Logger;
}): (token: Token) => void {
	const { store, clock, log } = options;
	/** By hash and not by id, which a token that is rotated leaves to the next. */
	const written = new Map<string, number>();

	return ({ id, hash, lastUsedAt }) => {
		const now = clock.now();
		const key = hash.toString('latin1');
		const elapsed = now - Math.max(written.get(key) ?? -Infinity, lastUsedAt ?? -Infinity);
		// Negative: the clock was set back, and would keep the note from being written until it has caught up.
		if (elapsed >= 0 && elapsed < WRITE_EVERY_MS) return;
		written.set(key, now);
		store
			.touchToken(id, now)
			.catch((error: unknown) => log.warn({ err: error, token_id: id }, "a token's use can't be noted"));
	};
}
