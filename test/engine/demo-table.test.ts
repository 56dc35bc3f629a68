import { fit, printable, table, widthOf } from '../../demo/table.ts';

describe('the table of the demo', () => {
	it.each([
		['Zoë', 3],
		['e\u0301', 1],
		['田中', 4],
		['ｱ', 1],
		['한국', 4],
		['🚀', 2],
		['👩‍💻', 2],
		['🇫🇷', 2],
		['✈️', 2],
		['✨ a', 4],
		['1️⃣', 2],
		['–', 1],
	])('%s takes %i columns', (text, columns) => {
		expect(widthOf(text)).toBe(columns);
	});

	it('cuts what is too wide between characters, never inside one', () => {
		expect(fit('Blue Kettle', 11)).toBe('Blue Kettle');
		expect(fit('Blue Kettle', 6)).toBe('Blue …');
		expect(fit('田中花子', 4)).toBe('田…');
		expect(fit('a👩‍💻b', 3)).toBe('a…');
	});

	it('takes the sting out of text from files', () => {
		expect(printable('a\u001b[31mb\r\nc\u202Ed\u0007')).toBe('a [31mb c d');
		expect(printable('👩‍💻')).toBe('👩‍💻');
	});

	it('lines columns up whatever the script, and paints after padding', () => {
		const lines = table(
			[{ title: 'Name' }, { title: 'n', align: 'right' }],
			[
				['田中', '1'],
				['Zoë 🚀', '1,000'],
			],
			(cell, { row }) => (row === 1 ? `<${cell}>` : cell),
		);
		expect(lines).toEqual(['Name        n', '─────────────', '田中        1', '<Zoë 🚀>  <1,000>']);
	});

	it('survives rows that are too short, and no rows', () => {
		expect(table([{ title: 'A' }, { title: 'B' }], [['x']])).toEqual(['A  B', '────', 'x']);
		expect(table([{ title: 'A' }], [])).toEqual(['A', '─']);
	});
});
