import { z } from 'zod';

/** What a reader may count on when the vendor sends `T`: every field may be missing or null, every enum is open. */
export type Tolerant<T> = T extends readonly (infer U)[]
	? Tolerant<U>[]
	: T extends string
		? string
		: T extends number
			? number
			: T extends boolean | null | undefined
				? T
				: T extends object
					? { [K in keyof T]?: Tolerant<T[K]> | null } & { [key: string]: unknown }
					: T;

/**
 * Derives the schema for *reading* a shape from the schema for *serving* it, so that one description serves
 * both: unknown keys pass, every field may be absent or null, enums and literals become open strings, bounds
 * go. Types of scalars are still checked: a number where a string belongs is not something to guess about.
 */
export function tolerant<S extends z.ZodType>(schema: S): z.ZodType<Tolerant<z.output<S>>> {
	return loosen(schema) as unknown as z.ZodType<Tolerant<z.output<S>>>;
}

function loosen(schema: z.ZodType): z.ZodType {
	if (schema instanceof z.ZodObject) {
		const { shape } = schema as z.ZodObject<Record<string, z.ZodType>>;
		const fields = Object.entries(shape).map(([key, field]) => [key, loosen(field).nullish()] as const);
		return z.looseObject(Object.fromEntries(fields));
	}
	if (schema instanceof z.ZodArray) return z.array(loosen(schema.element as z.ZodType));
	if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
		return loosen(schema.unwrap() as z.ZodType);
	}
	if (schema instanceof z.ZodUnion) {
		return z.union((schema.options as z.ZodType[]).map(loosen) as [z.ZodType, ...z.ZodType[]]);
	}
	if (schema instanceof z.ZodEnum) return z.string();
	if (schema instanceof z.ZodLiteral) return typeof schema.value === 'string' ? z.string() : z.unknown();
	if (schema instanceof z.ZodNumber) return z.number();
	if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) return z.string();
	return schema;
}
