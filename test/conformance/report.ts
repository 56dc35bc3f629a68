import type { Case } from './cases.ts';
import type { Outcome } from './run.ts';

export interface Result {
	case: Case;
	outcome: Outcome;
}

const WIDEST = 110;

/** What differs, as a table, and how much was looked at. */
export function reportOf(results: Result[], { verbose }: { verbose: boolean }): string {
	const ran = results.filter(({ outcome }) => outcome.status !== undefined);
	const differing = ran.filter(({ outcome }) => outcome.differences.length > 0);
	const notRun = results.filter(({ outcome }) => outcome.notRun !== undefined);

	const sections = [
		differing.length === 0
			? ['No differences.']
			: table(differing.flatMap((result) => result.outcome.differences.map((line) => rowOf(result, line)))),
		verbose ? table(notRun.map((result) => rowOf(result, result.outcome.notRun!))) : reasons(notRun),
		[
			`${results.length} cases: ${ran.length - differing.length} as the contract says, ` +
				`${differing.length} differ, ${notRun.length} not run.`,
		],
	];
	return `\n${sections
		.filter((lines) => lines.length > 0)
		.map((lines) => lines.join('\n'))
		.join('\n\n')}\n`;
}

const rowOf = ({ case: one }: Result, line: string): string[] => [
	`${one.endpoint.method} ${one.path}`,
	one.title,
	line.replaceAll('\n', ' '),
];

/** Why cases were not run, with how many each reason holds back. */
function reasons(notRun: Result[]): string[] {
	const counts = Map.groupBy(notRun, ({ outcome }) => outcome.notRun!.slice(0, WIDEST));
	return [...counts]
		.sort(([, a], [, b]) => b.length - a.length)
		.map(([reason, held]) => `${held.length} not run: ${reason}`);
}

function table(rows: string[][]): string[] {
	if (rows.length === 0) return [];
	const all = [['Operation', 'Case', 'Difference'], ...rows];
	const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column]!.length)));
	const line = (row: string[]) =>
		row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : shorten(cell))).join('  ');
	return [line(all[0]!), '-'.repeat(widths[0]! + widths[1]! + 4 + WIDEST), ...rows.map(line)];
}

const shorten = (text: string): string => (text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text);
