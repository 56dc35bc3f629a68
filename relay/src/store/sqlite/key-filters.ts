/** Bits of a segment's filter, 16 for each of its 32,768 keys, and how many of them a key sets. */
const PLACES = 2 ** 19;
const SHIFT = 13; // leaves 19 bits of 32
/** Odd numbers without a pattern; each makes another place of the same hash. */
const FACTORS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f];

/** Segments whose filters are one array; in SQL a block is `segment >> 3`. */
const SEGMENTS = 8;

/**
 * Bloom filters of eight segments: which keys each may have. One that it has is never denied, one that it has not is in 99.7 % of
 * all cases. The byte at a place has a bit for each segment, so that one look asks them all: with a filter for each by itself
 * a new key took 63 µs among 10 million on a busy machine, for each look is into memory that no cache has; so it takes 5.
 */
export type FilterBlock = Uint8Array;

export const createFilterBlock = (): FilterBlock => new Uint8Array(PLACES);

/** Which block a segment's filter is in. */
export const blockOf = (segment: number): number => Math.floor(segment / SEGMENTS);

/** What a filter knows a key by: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, over UTF-16 units. */
export function hashOf(key: string): number {
	let hash = 0x811c9dc5;
	for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
	return hash;
}

const placeOf = (hash: number, factor: number): number => Math.imul(hash, factor) >>> SHIFT;

/** Of a key that the segment has now. */
export function add(block: FilterBlock, segment: number, hash: number): void {
	const bit = 1 << (segment % SEGMENTS);
	for (const factor of FACTORS) block[placeOf(hash, factor)]! |= bit;
}

/** The segments that may have the key. @param number of the block */
export function segmentsOf(block: FilterBlock, number: number, hash: number): number[] {
	let bits = 2 ** SEGMENTS - 1;
	for (const factor of FACTORS) {
		bits &= block[placeOf(hash, factor)]!;
		if (bits === 0) return NONE;
	}
	const segments: number[] = [];
	for (let segment = 0; segment < SEGMENTS; segment++) {
		if (bits & (1 << segment)) segments.push(number * SEGMENTS + segment);
	}
	return segments;
}
const NONE: number[] = [];
