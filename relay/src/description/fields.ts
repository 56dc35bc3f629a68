import type { JsonSchema } from './json-schema.ts';

/** One field of a schema, however deep, as a line of a table. */
export interface FieldLine {
	/** From the root, as in `contacts[].email`. */
	path: string;
	type: string;
	required: boolean;
	nullable: boolean;
	enum?: readonly string[];
	/** Bounds and default, in words. */
	notes: string[];
}

/** The fields of a schema, each before those inside it. */
export function fieldsOf(schema: JsonSchema, at = ''): FieldLine[] {
	const forms = variantsOf(schema);
	if (forms.length > 1) return mergeForms(forms, at);
	const { properties = {}, required = [] } = forms[0] ?? {};
	return Object.entries(properties).flatMap(([name, property]) => {
		const path = at === '' ? name : `${at}.${name}`;
		const nullable = isNullable(property);
		const inner = variantsOf(property)[0] ?? {};
		const line: FieldLine = {
			path,
			type: typeOf(inner),
			required: required.includes(name),
			nullable,
			...(enumOf(inner) ? { enum: enumOf(inner) } : {}),
			notes: notesOf(inner, property),
		};
		if (inner.type === 'array') return [line, ...fieldsOf((inner.items ?? {}) as JsonSchema, `${path}[]`)];
		return [line, ...fieldsOf(inner, path)];
	});
}

/** What a value may be, but for null. */
export const variantsOf = (schema: JsonSchema): JsonSchema[] => {
	const { anyOf, type } = schema as { anyOf?: JsonSchema[]; type?: string | string[] };
	if (anyOf) return anyOf.flatMap(variantsOf).filter((variant) => variant.type !== 'null');
	if (Array.isArray(type))
		return type.filter((one) => one !== 'null').map((one) => ({ ...schema, type: one }));
	return [schema];
};

export const isNullable = (schema: JsonSchema): boolean => {
	const { anyOf, type } = schema as { anyOf?: JsonSchema[]; type?: string | string[] };
	if (anyOf) return anyOf.some(isNullable);
	if (Array.isArray(type)) return type.includes('null');
	// A schema that says nothing of the type takes everything.
	return type === undefined || type === 'null';
};

export const typeOf = (schema: JsonSchema): string => {
	const { type, items, additionalProperties, format } = schema as {
		type?: string;
		items?: JsonSchema;
		additionalProperties?: JsonSchema | boolean;
		format?: string;
	};
	if (type === 'array') return `array of ${typeOf(variantsOf(items ?? {})[0] ?? {})}`;
	if (type === 'object' && typeof additionalProperties === 'object' && additionalProperties.type) {
		return `object of ${typeOf(additionalProperties)}`;
	}
	return (format && type === 'string' ? `string (${format})` : type) ?? 'any';
};

const enumOf = (schema: JsonSchema): readonly string[] | undefined => {
	const { enum: values, const: only } = schema as { enum?: string[]; const?: string };
	return values ?? (typeof only === 'string' ? [only] : undefined);
};

const BOUNDS: readonly [string, string][] = [
	['minimum', 'from'],
	['maximum', 'to'],
	['minLength', 'at least, in characters:'],
	['maxLength', 'at most, in characters:'],
	['minItems', 'at least'],
	['maxItems', 'at most'],
	['minProperties', 'keys, at least'],
];

const notesOf = (schema: JsonSchema, outer: JsonSchema): string[] => [
	...BOUNDS.flatMap(([key, words]) => (typeof schema[key] === 'number' ? [`${words} ${schema[key]}`] : [])),
	...(outer.default === undefined ? [] : [`default ${JSON.stringify(outer.default)}`]),
];

/** The fields of all forms a value can have; one that not every form asks for is not required. */
function mergeForms(forms: JsonSchema[], at: string): FieldLine[] {
	const lines = new Map<string, FieldLine & { forms: number }>();
	for (const form of forms) {
		for (const line of fieldsOf(form, at)) {
			const known = lines.get(line.path);
			if (known) {
				known.forms += 1;
				known.required &&= line.required;
				known.nullable ||= line.nullable;
			} else lines.set(line.path, { ...line, forms: 1 });
		}
	}
	return [...lines.values()].map(({ forms: count, ...line }) => ({
		...line,
		required: line.required && count === forms.length,
		notes: count === forms.length ? line.notes : [...line.notes, 'in one of two forms'],
	}));
}
