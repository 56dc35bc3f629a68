import { randomBytes, randomInt, randomUUID } from 'node:crypto';

/** Chance, injected everywhere, so that tests can repeat it. */
export interface Ids {
	uuid(): string;
	/** `n` random bytes. */
	bytes(n: number): Buffer;
	/** A number in [0, 1), for jitter; not a secret. */
	fraction(): number;
}

export const systemIds: Ids = {
	uuid: () => randomUUID(),
	bytes: (n) => randomBytes(n),
	fraction: () => randomInt(2 ** 32) / 2 ** 32,
};

/**
 * A UUID of version 7: it begins with the time, so that rows keyed by it are appended instead of scattered, which
 * saves an index one written page per row.
 *
 * @param nowMs ms since the epoch
 */
export function orderedUuid(ids: Pick<Ids, 'uuid'>, nowMs: number): string {
	const time = nowMs.toString(16).padStart(12, '0');
	return `${time.slice(0, 8)}-${time.slice(8)}-7${ids.uuid().slice(15)}`;
}

/**
 * UUIDs for rows that are written together: they share their first 48 bits, so that an index has them side by side, in a
 * few pages instead of one each. Unlike ordered ones they tell no time: the same `ids` give the same at any time.
 */
export function siblingUuids(ids: Pick<Ids, 'uuid'>): () => string {
	const shared = ids.uuid().slice(0, 13);
	return () => shared + ids.uuid().slice(13);
}

/** When an id that ends in an ordered UUID was made, in ms since the epoch; NaN for another one. */
export const timeOf = (id: string): number =>
	Number.parseInt(id.slice(-36).replace('-', '').slice(0, 12), 16);
