/**
 * What crossed a thread boundary has Uint8Arrays where Buffers were sent: this puts the Buffers back, in place, over the
 * same memory.
 */
export function withBuffers<T>(value: T): T {
	if (typeof value !== 'object' || value === null) return value;
	if (value instanceof Uint8Array) {
		// What several share was put back for the first of them.
		if (Buffer.isBuffer(value)) return value;
		return Buffer.from(value.buffer, value.byteOffset, value.byteLength) as Uint8Array as T;
	}
	const fields = value as Record<string, unknown>;
	for (const key in fields) {
		const field = fields[key];
		if (typeof field === 'object' && field !== null) fields[key] = withBuffers(field);
	}
	return value;
}
