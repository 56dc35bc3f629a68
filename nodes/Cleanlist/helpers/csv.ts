/** Separators that spreadsheets write, in the order in which they win a tie. */
const DELIMITERS = [',', ';', '\t', '|'] as const;

/** The separator of a file: the one that its header row, outside quotes, holds most of. */
export function likelyDelimiter(text: string): string {
	const counts = new Map<string, number>(DELIMITERS.map((delimiter) => [delimiter, 0]));
	let quoted = false;
	for (const char of text) {
		if (char === '"') quoted = !quoted;
		else if (quoted) continue;
		else if (char === '\n' || char === '\r') break;
		else if (counts.has(char)) counts.set(char, (counts.get(char) ?? 0) + 1);
	}
	return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}

/** The records of a file as RFC 4180 describes it, with any line ending; an empty line is a record of one empty cell. */
export function parseCsv(text: string, delimiter: string): string[][] {
	const records: string[][] = [];
	let record: string[] = [];
	let cell = '';
	let quoted = false;
	const endCell = () => {
		record.push(cell);
		cell = '';
	};
	const endRecord = () => {
		endCell();
		records.push(record);
		record = [];
	};
	for (let at = 0; at < text.length; at++) {
		const char = text.charAt(at);
		if (quoted) {
			if (char !== '"') cell += char;
			else if (text.charAt(at + 1) === '"') cell += text.charAt(++at);
			else quoted = false;
		} else if (char === '"' && cell === '') quoted = true;
		else if (char === delimiter) endCell();
		else if (char === '\n') endRecord();
		else if (char !== '\r') cell += char;
		else if (text.charAt(at + 1) !== '\n') endRecord();
	}
	if (cell !== '' || record.length > 0) endRecord();
	return records;
}

/** Records as a comma-separated file, one line for each, so that row numbers stay what they were. */
export function writeCsv(records: string[][]): string {
	const write = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
	return records.map((record) => `${record.map(write).join(',')}\r\n`).join('');
}
