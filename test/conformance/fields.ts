import type { Field } from './contract.ts';

/**
 * Holds a value against the contract data's list of fields: each field's presence, type, nullness, enum and bounds.
 *
 * @param open whether fields the list does not name are fine
 * @returns one line for each difference
 */
export function differences(fields: Field[], value: unknown, at: string, open = false): string[] {
	if (!isObject(value)) return [`${at} is ${describe(value)}, not an object`];
	const found = fields
		.filter(({ name }) => name !== '*')
		.flatMap((field) => {
			const path = `${at}.${field.name}`;
			const given = value[field.name];
			if (given === undefined) return field.required ? [`${path} is missing`] : [];
			if (given === null) return field.nullable ? [] : [`${path} is null`];
			return ofType(field, field.type, given, path);
		});
	if (open || fields.length === 0 || fields.some(({ name }) => name === '*')) return found;
	const names = new Set(fields.map(({ name }) => name));
	const unknown = Object.keys(value).filter((key) => !names.has(key));
	return [...found, ...unknown.map((key) => `${at}.${key} is not in the contract`)];
}

function ofType(field: Field, type: string, given: unknown, path: string): string[] {
	const wrong = [`${path} is ${describe(given)}, not of type ${type}`];
	const array = /^array<(.+)>$/.exec(type);
	if (array) {
		if (!Array.isArray(given)) return wrong;
		return given.flatMap((item, index) => ofType(field, array[1]!, item, `${path}[${index}]`));
	}
	const record = /^object<(.+)>$/.exec(type);
	if (record) {
		if (!isObject(given)) return wrong;
		return Object.entries(given).flatMap(([key, item]) => ofType(field, record[1]!, item, `${path}.${key}`));
	}
	switch (type) {
		case 'any':
		case 'unknown':
			return [];
		case 'object':
			if (!isObject(given)) return wrong;
			return field.items ? differences(field.items, given, path, field.additionalProperties) : [];
		case 'enum':
			return field.enum!.includes(given as string) ? [] : [`${path} is ${describe(given)}, not in the enum`];
		case 'const':
			return given === field.const ? [] : [`${path} is ${describe(given)}, not ${describe(field.const)}`];
		case 'integer':
			return Number.isInteger(given) ? outOfBounds(field, given as number, path) : wrong;
		case 'string':
		case 'number':
		case 'boolean':
			return typeof given === type ? [] : wrong;
		default:
			return [`${path}: the contract names a type unknown here, ${type}`];
	}
}

function outOfBounds({ minimum = -Infinity, maximum = Infinity }: Field, given: number, path: string) {
	return given < minimum || given > maximum ? [`${path} is ${given}, out of bounds`] : [];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const describe = (value: unknown): string => {
	const text = JSON.stringify(value) ?? 'undefined';
	return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};
