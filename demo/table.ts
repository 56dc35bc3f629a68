/** Characters that take two columns in a terminal: East Asian wide and full-width ones, and emoji. */
const WIDE =
	/^(?![\uFF61-\uFFDC])(?:\p{Emoji_Presentation}|.\u{FE0F}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303E\uFF01-\uFF60\uFFE0-\uFFE6])/u;
/** What would move the cursor, colour the screen, or turn text round. */
const CONTROLS = /[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const split = (text: string) => Array.from(graphemes.segment(text), ({ segment }) => segment);

/** Terminal columns that `text` takes. */
export const widthOf = (text: string): number =>
	split(text).reduce((sum, grapheme) => sum + (WIDE.test(grapheme) ? 2 : 1), 0);

/** Text from outside made harmless for a terminal: one line, no control characters. */
export const printable = (text: string): string => text.replace(CONTROLS, ' ').trim();

/** At most `width` columns; what is cut off is shown by `…`. */
export function fit(text: string, width: number): string {
	if (widthOf(text) <= width) return text;
	let kept = '';
	for (const grapheme of split(text)) {
		if (widthOf(kept + grapheme) > width - 1) break;
		kept += grapheme;
	}
	return `${kept}…`;
}

export interface ColumnSpec {
	title: string;
	align?: 'left' | 'right';
	/** Widest it may get, in terminal columns. */
	max?: number;
}

/** Called with a cell that is already padded, so that colour does not disturb the alignment. */
export type Paint = (cell: string, place: { row: number; column: number }) => string;

/** Lines of a table: titles, a rule, then the rows. `paint` gets row -1 for the titles. */
export function table(columns: ColumnSpec[], rows: string[][], paint: Paint = (cell) => cell): string[] {
	const cells = rows.map((row) =>
		columns.map(({ max = 60 }, index) => fit(printable(row[index] ?? ''), max)),
	);
	const widths = columns.map(({ title }, index) =>
		Math.max(widthOf(title), ...cells.map((row) => widthOf(row[index]!))),
	);
	const line = (values: string[], row: number) =>
		values
			.map((value, column) => {
				const padding = ' '.repeat(widths[column]! - widthOf(value));
				const padded = columns[column]!.align === 'right' ? padding + value : value + padding;
				return paint(padded, { row, column });
			})
			.join('  ')
			.trimEnd();
	return [
		line(
			columns.map(({ title }) => title),
			-1,
		),
		'─'.repeat(widths.reduce((sum, width) => sum + width, 0) + 2 * (columns.length - 1)),
		...cells.map(line),
	];
}
