/**
 * The candidate nearest to `word` by edit distance, for "did you mean" sentences; null when none is near enough
 * (more than a third of the word would have to change) to be what was meant.
 */
export function closest(word: string, candidates: readonly string[]): string | null {
	let best: { candidate: string; distance: number } | null = null;
	for (const candidate of candidates) {
		const distance = editDistance(word, candidate);
		if (!best || distance < best.distance) best = { candidate, distance };
	}
	return best && best.distance <= Math.max(word.length, best.candidate.length) / 3 ? best.candidate : null;
}

/** Levenshtein's distance, one row of the table at a time. */
function editDistance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, j) => j);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			next.push(
				Math.min(
					(row[j] ?? 0) + 1,
					(next[j - 1] ?? 0) + 1,
					(row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
				),
			);
		}
		row = next;
	}
	return row[b.length] ?? 0;
}
