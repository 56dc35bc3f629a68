import { z } from 'zod';
import { decodeCursor } from '../domain/cursor.ts';
import { badCursor } from '../errors.ts';

/** `?limit=`, a whole number. */
export const limitParam = ({ default: fallback, max }: { default: number; max: number }) =>
	z
		.string()
		.refine((text) => /^-?\d{1,15}$/.test(text), {
			message: 'Input should be a valid integer, unable to parse string as an integer',
			params: { type: 'int_parsing' },
		})
		.transform(Number)
		.pipe(z.int().min(1).max(max))
		.default(fallback);

/** `?cursor=`, or the given start when there is none. @throws ApiError 400 when it is malformed */
export function positionOf(kind: string, cursor: string | null | undefined, start: number): number {
	if (!cursor) return start;
	const position = decodeCursor(kind, cursor);
	if (position === null) throw badCursor();
	return position;
}
