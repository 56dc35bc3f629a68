/** Most contacts Cleanlist takes in one request. */
export const MAX_CONTACTS = 250;

/** Puts entries of the same kind together, in order, into batches of at most `size`. */
export function toBatches<T>(entries: T[], size: number, kindOf: (entry: T) => string): T[][] {
	const kinds = new Map<string, T[]>();
	for (const entry of entries) {
		const kind = kindOf(entry);
		const group = kinds.get(kind);
		if (group) group.push(entry);
		else kinds.set(kind, [entry]);
	}
	const batches: T[][] = [];
	for (const group of kinds.values()) {
		for (let start = 0; start < group.length; start += size) {
			batches.push(group.slice(start, start + size));
		}
	}
	return batches;
}
