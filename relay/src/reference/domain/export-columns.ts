import { EXPORT_COLUMNS } from '../../contract/export.ts';

/** The columns every lead has; the contract names the first ten, which are the default. */
export const LEAD_COLUMNS = [...EXPORT_COLUMNS, 'full_name', 'provider'] as const;
export type LeadColumn = (typeof LEAD_COLUMNS)[number];

export const isLeadColumn = (name: string): name is LeadColumn =>
	(LEAD_COLUMNS as readonly string[]).includes(name);

/**
 * The columns of an export, each once, in the order asked for.
 *
 * @param asked null or none for the default
 * @param smart the list's smart columns
 * @param appendSmart whether those that were not asked for come too, at the end
 * @returns `unknown`: those asked for that there are none of
 */
export function chooseColumns(
	asked: readonly string[] | null,
	smart: readonly string[],
	appendSmart: boolean,
): { columns: string[]; unknown: string[] } {
	const wanted = asked?.length ? asked : EXPORT_COLUMNS;
	const columns = [...new Set([...wanted, ...(appendSmart ? smart : [])])];
	return { columns, unknown: columns.filter((name) => !isLeadColumn(name) && !smart.includes(name)) };
}
