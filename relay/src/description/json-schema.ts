import { z } from 'zod';

/** A schema as OpenAPI 3.1 has it: JSON Schema 2020-12. */
export type JsonSchema = Record<string, unknown> & {
	properties?: Record<string, JsonSchema>;
	required?: string[];
};

/**
 * @param io `input` for what is sent over the wire; `output` for what the wire's text is read as, such as the number
 *   that a query parameter stands for
 */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output' = 'input'): JsonSchema {
	const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
	return tidy(rest) as JsonSchema;
}

/** Leaves out what says nothing: the bounds of what JavaScript can count to, and the long form of a format. */
function tidy(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(tidy);
	if (typeof value !== 'object' || value === null) return value;
	const { format } = value as { format?: unknown };
	return Object.fromEntries(
		Object.entries(value)
			.filter(([key]) => !(key === 'pattern' && typeof format === 'string'))
			.filter(([key, of]) => !((key === 'minimum' || key === 'maximum') && isSafeBound(of)))
			.map(([key, of]) => [key, tidy(of)]),
	);
}

const isSafeBound = (bound: unknown): boolean =>
	bound === Number.MAX_SAFE_INTEGER || bound === Number.MIN_SAFE_INTEGER;
