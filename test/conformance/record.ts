import type { Prefix } from './contract.ts';

/** What a run of the suite really produced. */
export interface Produced {
	operation: string;
	prefix: Prefix;
	/** In order, each once. */
	statuses: number[];
	/** How many cases were run. */
	cases: number;
}

export function createRecord() {
	const kept = new Map<string, { operation: string; prefix: Prefix; statuses: Set<number>; cases: number }>();
	return {
		add(operation: string, prefix: Prefix, status: number): void {
			const id = `${operation} ${prefix}`;
			const entry = kept.get(id) ?? { operation, prefix, statuses: new Set<number>(), cases: 0 };
			entry.statuses.add(status);
			entry.cases += 1;
			kept.set(id, entry);
		},
		produced: (): Produced[] =>
			[...kept.values()].map((entry) => ({
				...entry,
				statuses: [...entry.statuses].sort((a, b) => a - b),
			})),
	};
}
