import { scopesOf } from '../../../nodes/Cleanlist/actions/operation.ts';
import { RESOURCES } from '../../../nodes/Cleanlist/actions/resources.ts';

const BEGIN = '<!-- operations: made by "npm run docs:nodes" -->';
const END = '<!-- end of operations -->';

const HEADER = ['Resource', 'Operation', 'API calls', 'Scope', 'Credits'];

/** The table of operations, as the node's own description has them, padded as Prettier wants it. */
export function operationsTable(): string {
	const rows = RESOURCES.flatMap((resource) =>
		resource.operations.map((operation) => [
			resource.name,
			operation.name,
			cell(operation.endpoints),
			cell(scopesOf(operation)),
			operation.cost,
		]),
	);
	const widths = HEADER.map((title, column) =>
		Math.max(title.length, ...rows.map((row) => row[column]!.length)),
	);
	const line = (cells: string[], filler = ' ') =>
		`| ${cells.map((text, column) => text.padEnd(widths[column]!, filler)).join(' | ')} |`;
	return [line(HEADER), line(['', '', '', '', ''], '-'), ...rows.map((row) => line(row))].join('\n');
}

/** The page with today's table in its place. */
export function withOperationsTable(page: string): string {
	const begin = page.indexOf(BEGIN);
	const end = page.indexOf(END);
	if (begin < 0 || end < begin) throw new Error(`The page has no place for the table: ${BEGIN} … ${END}`);
	return `${page.slice(0, begin)}${BEGIN}\n\n${operationsTable()}\n\n${page.slice(end)}`;
}

const cell = (codes: string[]) => codes.map((code) => `\`${code}\``).join('<br>') || 'none';
