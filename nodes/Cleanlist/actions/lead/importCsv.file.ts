import { NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';
import { recogniseColumns, type ColumnField } from '../../helpers/columns';
import { likelyDelimiter, parseCsv, writeCsv } from '../../helpers/csv';
import { parameterError } from '../../helpers/errors';
import { requiredText } from '../../helpers/requiredText';

/** Largest file Cleanlist imports, as it is sent. */
const MOST_BYTES = 150 * 1024;
/** UTF-16 takes up to twice what the same text takes in UTF-8: no larger file can become small enough. */
const MOST_BYTES_TO_READ = 2 * MOST_BYTES;

export interface CsvFile {
	/** Comma-separated, in UTF-8. */
	content: Buffer;
	headers: string[];
}

/** The item's file as Cleanlist takes it: converted if it is separated or encoded in another way, or has blanks around its headers. */
export async function readCsvFile(context: IExecuteFunctions, itemIndex: number): Promise<CsvFile> {
	const title = 'Input Binary Field';
	const field = requiredText(context, itemIndex, {
		name: 'binaryPropertyName',
		title,
		what: 'The name of the input field',
	});
	const { bytes, fileName } = context.helpers.assertBinaryData(itemIndex, field);
	if (typeof bytes === 'number' && bytes > MOST_BYTES_TO_READ) throw tooLarge(context, itemIndex, bytes);
	const raw = await context.helpers.getBinaryDataBuffer(itemIndex, field);
	const { delimiter = 'auto', encoding = 'utf-8' } = context.getNodeParameter('options', itemIndex, {}) as {
		delimiter?: string;
		encoding?: string;
	};
	const text = decoded(context, itemIndex, raw, encoding);
	const separator = delimiter === 'auto' ? likelyDelimiter(text) : delimiter;
	const records = parseCsv(text, separator);
	const headers = (records[0] ?? []).map((header) => header.trim());
	if (headers.every((header) => header === '')) {
		throw parameterError(
			context.getNode(),
			title,
			itemIndex,
			`The file ${fileName ? `"${fileName}" ` : ''}has no column names in its first row`,
			'Cleanlist takes CSV files whose first row names the columns. Add one, and save a spreadsheet as CSV, not as a workbook.',
		);
	}
	// Columns are named to Cleanlist as the file that it gets has them: without blanks around.
	const asItIs =
		separator === ',' && encoding === 'utf-8' && headers.every((header, nth) => header === records[0]?.[nth]);
	const content = asItIs ? raw : Buffer.from(writeCsv([headers, ...records.slice(1)]));
	if (content.length > MOST_BYTES) throw tooLarge(context, itemIndex, content.length);
	return { content, headers };
}

function decoded(context: IExecuteFunctions, itemIndex: number, raw: Buffer, encoding: string): string {
	try {
		return new TextDecoder(encoding, { fatal: true }).decode(raw);
	} catch {
		throw parameterError(
			context.getNode(),
			'Encoding',
			itemIndex,
			`The file is not encoded in ${encoding.toUpperCase()}`,
			'Choose its encoding in the option \'Encoding\' (Excel for Windows usually writes Windows-1252), or save it as "CSV UTF-8".',
		);
	}
}

function tooLarge(context: IExecuteFunctions, itemIndex: number, bytes: number): NodeOperationError {
	return parameterError(
		context.getNode(),
		'Input Binary Field',
		itemIndex,
		`The file has ${Math.ceil(bytes / 1024)} KB, and Cleanlist imports up to ${MOST_BYTES / 1024} KB (about 600 rows) at once`,
		'Nothing was sent. Split the file, or leave columns out that are not imported.',
	);
}

/** Which field each column is: recognised by the headers, or as the user says. */
export function columnMapping(
	context: IExecuteFunctions,
	itemIndex: number,
	headers: string[],
): Partial<Record<ColumnField, string>> {
	const there = `The file has: ${headers.map((header) => `"${header}"`).join(', ')}.`;
	if (context.getNodeParameter('columnMode', itemIndex, 'auto') !== 'define') {
		const mapping = recogniseColumns(headers);
		if (Object.keys(mapping).length > 0) return mapping;
		throw parameterError(
			context.getNode(),
			'Columns',
			itemIndex,
			'None of the columns could be recognised',
			`${there} Set 'Columns' to 'Define Below' and say what they are. If this is one long name, choose the right 'Delimiter' in the options.`,
		);
	}
	const { values = [] } = context.getNodeParameter('columns', itemIndex, {}) as {
		values?: { field: ColumnField; header: string }[];
	};
	const mapping: Partial<Record<ColumnField, string>> = {};
	for (const { field, header } of values) {
		const name = String(header ?? '').trim();
		if (!headers.includes(name)) {
			throw parameterError(
				context.getNode(),
				'Columns',
				itemIndex,
				`The file has no column "${name}"`,
				`${there} Correct the name in the parameter 'Columns'.`,
			);
		}
		mapping[field] = name;
	}
	if (Object.keys(mapping).length > 0) return mapping;
	throw parameterError(
		context.getNode(),
		'Columns',
		itemIndex,
		'No column is chosen',
		`${there} Add at least one to the parameter 'Columns'.`,
	);
}
