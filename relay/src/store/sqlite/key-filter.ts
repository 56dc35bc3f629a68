/** Bits of a filter, 16 for each of the 32,768 keys it is made for, and how many of them a key sets. */
const BITS = 2 ** 19;
const SHIFT = 13; // leaves 19 bits of 32
/** Odd numbers without a pattern; each makes another place of the same hash. */
const FACTORS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f];

/**
 * A Bloom filter: which keys a set may have. One that it has is never denied, one that it has not is in 99.7 % of all cases,
 * mostly after a look at one or two of the bits.
 */
export type KeyFilter = Uint8Array;

export const createKeyFilter = (): KeyFilter => new Uint8Array(BITS / 8);

/** What a filter knows a key by: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, over UTF-16 units. */
export function hashOf(key: string): number {
	let hash = 0x811c9dc5;
	for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
	return hash;
}

export function add(filter: KeyFilter, hash: number): void {
	for (const factor of FACTORS) {
		const place = Math.imul(hash, factor) >>> SHIFT;
		filter[place >>> 3]! |= 1 << (place & 7);
	}
}

export function mayHave(filter: KeyFilter, hash: number): boolean {
	for (const factor of FACTORS) {
		const place = Math.imul(hash, factor) >>> SHIFT;
		if ((filter[place >>> 3]! & (1 << (place & 7))) === 0) return false;
	}
	return true;
}
