import { createHash } from 'node:crypto';

/** A value as it is compared: whatever it was in either database, the same one is the same text. */
function canonical(value: unknown): unknown {
	if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('base64')}`;
	if (Array.isArray(value)) return value.map(canonical);
	if (typeof value === 'object' && value !== null) {
		return Object.entries(value)
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([name, one]) => [name, canonical(one)]);
	}
	return value;
}

/** A count and a SHA-256 over rows, in order. */
export function createDigest() {
	const hash = createHash('sha256');
	let rows = 0;
	return {
		add(values: unknown[]): void {
			rows++;
			hash.update(`${JSON.stringify(canonical(values))}\n`);
		},
		finish: () => ({ rows, sha256: hash.digest('hex') }),
	};
}
