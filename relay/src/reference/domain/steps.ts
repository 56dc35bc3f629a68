/**
 * Work over many rows is done in steps spread over its duration, so that its progress can be watched, and so that
 * no step keeps the process from answering: 500 leads take some 60 ms.
 */
const STEPS = 10;
const MAX_ROWS = 500;

/** What the schedule of a piece of work depends on; times in ms. */
export interface Stepped {
	total: number;
	createdAt: number;
	durationMs: number;
}

/** Rows one step works on. */
export const rowsPerStep = (total: number): number =>
	Math.min(MAX_ROWS, Math.max(1, Math.ceil(total / STEPS)));

/** How many steps there are: the first only marks the work as begun. */
const stepsOf = (total: number): number => 1 + Math.ceil(total / rowsPerStep(total));

/** When a step (1, 2, …) is due; the last at the end of the duration. */
export const stepDueAt = ({ total, createdAt, durationMs }: Stepped, step: number): number =>
	createdAt + Math.round((durationMs * step) / stepsOf(total));

/** Percent, whole, and 100 only when all is done. */
export const progressOf = (processed: number, total: number): number =>
	total === 0 ? 100 : Math.floor((processed * 100) / total);
