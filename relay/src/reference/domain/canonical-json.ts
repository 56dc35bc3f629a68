/**
 * JSON with the keys of every object sorted, so that equal values have equal texts. Works on a stack of its own:
 * a value nested a hundred thousand deep is no way to bring the process down.
 */
export function canonicalJson(value: unknown): string {
	const out: string[] = [];
	const todo: ({ text: string } | { value: unknown })[] = [{ value }];
	for (let next = todo.pop(); next; next = todo.pop()) {
		if ('text' in next) {
			out.push(next.text);
			continue;
		}
		const { value: current } = next;
		if (typeof current !== 'object' || current === null) {
			out.push(JSON.stringify(current) ?? 'null');
			continue;
		}
		const isArray = Array.isArray(current);
		const parts = isArray
			? current.map((item: unknown) => ({ label: '', item }))
			: Object.entries(current)
					.sort(([a], [b]) => (a < b ? -1 : 1))
					.map(([key, item]) => ({ label: `${JSON.stringify(key)}:`, item: item as unknown }));
		out.push(isArray ? '[' : '{');
		todo.push({ text: isArray ? ']' : '}' });
		// Last in, first out.
		for (const [index, { label, item }] of [...parts.entries()].reverse()) {
			todo.push({ value: item }, { text: (index > 0 ? ',' : '') + label });
		}
	}
	return out.join('');
}
