import { asRecord } from './result';

/**
 * Reads IDs as people hand them over: one, several separated by commas, blanks or lines, an array of them (also as
 * JSON text), or objects that hold one under `key`. Each once, in order.
 */
export function readIds(value: unknown, key: string): string[] {
	return [...new Set(flatIds(value, key))];
}

function flatIds(value: unknown, key: string): string[] {
	if (Array.isArray(value)) return value.flatMap((entry) => flatIds(entry, key));
	if (typeof value === 'number') return [String(value)];
	if (typeof value !== 'string') {
		const id = asRecord(value)[key];
		return typeof id === 'string' || typeof id === 'number' ? flatIds(id, key) : [];
	}
	return listed(value) ?? value.split(/[\s,;]+/).filter((id) => id !== '');

	function listed(text: string): string[] | null {
		if (!text.trim().startsWith('[')) return null;
		try {
			return flatIds(JSON.parse(text), key);
		} catch {
			return null;
		}
	}
}
