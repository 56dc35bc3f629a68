export interface JsonSchema {
	type: string | string[];
	properties?: Record<string, JsonSchema>;
	items?: JsonSchema;
}

/** Where a value is not what the schema says: of another type, or a key that the schema does not have. */
export function mismatches(schema: JsonSchema, value: unknown, path = ''): string[] {
	const types = [schema.type].flat();
	const type = typeOf(value);
	if (!types.includes(type) && !(type === 'integer' && types.includes('number'))) {
		return [`${path || 'the item'} is ${type}, not ${types.join(' or ')}`];
	}
	if (Array.isArray(value)) {
		const { items } = schema;
		return items ? value.flatMap((entry, index) => mismatches(items, entry, `${path}[${index}]`)) : [];
	}
	if (type !== 'object' || !schema.properties) return [];
	return Object.entries(value as object).flatMap(([key, entry]) => {
		const property = schema.properties![key];
		const at = path ? `${path}.${key}` : key;
		return property ? mismatches(property, entry, at) : [`${at} is not in the schema`];
	});
}

function typeOf(value: unknown): string {
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'array';
	return Number.isInteger(value) ? 'integer' : typeof value;
}
