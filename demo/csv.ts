import { readFileSync, statSync } from 'node:fs';
import { CsvError, parse } from 'csv-parse/sync';

/** Keeps a slip (a video, a database dump) from filling the memory; 10,000 contacts need about 2 MB. */
const MAX_BYTES = 50 * 1024 * 1024;
export const MAX_ROWS = 10_000;

/** What Cleanlist can use of a row. */
export interface ContactRow {
	/** As a spreadsheet numbers it: the header is row 1. */
	row: number;
	first_name: string;
	last_name: string;
	company_name: string;
	company_domain: string;
	linkedin_url: string;
	email: string;
}

/** The file can't be used. The message is one sentence for whoever chose it. */
export class CsvFileError extends Error {}

type Column = Exclude<keyof ContactRow, 'row'> | 'full_name';

/** Headers of spreadsheets and CRM exports, reduced to their letters. */
const HEADERS: Record<Column, string[]> = {
	email: ['email', 'emailaddress', 'mail', 'workemail', 'businessemail', 'primaryemail'],
	first_name: ['firstname', 'first', 'givenname', 'forename', 'fname'],
	last_name: ['lastname', 'last', 'surname', 'familyname', 'lname'],
	full_name: ['name', 'fullname', 'contactname', 'contact', 'person', 'lead', 'leadname'],
	company_name: [
		'company',
		'companyname',
		'organization',
		'organisation',
		'employer',
		'account',
		'accountname',
	],
	company_domain: ['domain', 'companydomain', 'website', 'companywebsite', 'companyurl', 'web'],
	linkedin_url: [
		'linkedin',
		'linkedinurl',
		'linkedinprofile',
		'linkedinprofileurl',
		'linkedinlink',
		'personlinkedinurl',
		'profileurl',
	],
};
const COLUMN_OF = new Map(
	(Object.entries(HEADERS) as [Column, string[]][]).flatMap(([column, names]) =>
		names.map((name) => [name, column] as const),
	),
);

/**
 * Reads contacts from a CSV file as spreadsheets and CRMs write it: with or without a byte order mark, UTF-8,
 * UTF-16 or Windows-1252, separated by comma, semicolon, tab or bar.
 *
 * @throws CsvFileError
 */
export function readContacts(path: string): ContactRow[] {
	const records = parseRecords(path, decode(path, readBytes(path)));
	const [header, ...rows] = records;
	if (!header) throw new CsvFileError(`${path} is empty.`);
	const columns = header.map((name) => COLUMN_OF.get(letters(name)));
	const known = new Set(columns.filter((column) => column !== undefined));
	if (!isEnough(known)) {
		throw new CsvFileError(
			`${path} has no columns to recognise contacts by: its first row must name a LinkedIn URL, or a name and a company (found: ${shown(header)}).`,
		);
	}
	const contacts = rows
		.map((values, index) => ({ values, row: index + 2 }))
		.filter(({ values }) => values.some((value) => value.trim() !== ''))
		.map(({ values, row }) => toContact(row, columns, values));
	if (contacts.length === 0) throw new CsvFileError(`${path} has a header but no rows.`);
	if (contacts.length > MAX_ROWS) {
		throw new CsvFileError(
			`${path} has ${contacts.length.toLocaleString('en')} rows, and the demo takes at most ${MAX_ROWS.toLocaleString('en')}.`,
		);
	}
	return contacts;
}

function readBytes(path: string): Buffer {
	try {
		const stats = statSync(path);
		if (!stats.isFile()) throw new CsvFileError(`${path} is not a file.`);
		if (stats.size > MAX_BYTES)
			throw new CsvFileError(`${path} is larger than 50 MB, too large for the demo.`);
		return readFileSync(path);
	} catch (error) {
		if (error instanceof CsvFileError) throw error;
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT' || code === 'ENOTDIR') throw new CsvFileError(`There is no file ${path}.`);
		if (code === 'EACCES') throw new CsvFileError(`${path} can't be read: permission denied.`);
		throw error;
	}
}

function decode(path: string, bytes: Buffer): string {
	const [first, second] = bytes;
	if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
	if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
	if (bytes.includes(0)) throw new CsvFileError(`${path} is not a CSV file: it holds binary data.`);
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		// What spreadsheets on Windows write unless told otherwise.
		return new TextDecoder('windows-1252').decode(bytes);
	}
}

function parseRecords(path: string, text: string): string[][] {
	if (text.trim() === '') return [];
	try {
		return parse(text, {
			delimiter: delimiterOf(text),
			bom: true,
			relax_column_count: true,
			// A quote in the middle of a value, as in 5" pipes, is just a quote.
			relax_quotes: true,
		});
	} catch (error) {
		if (!(error instanceof CsvError)) throw error;
		const what =
			error.code === 'CSV_QUOTE_NOT_CLOSED'
				? 'a quote that is opened is never closed'
				: 'its rows and columns can not be made out';
		throw new CsvFileError(`${path} is not a CSV file: ${what}.`);
	}
}

/** The separator that the header, outside of quotes, has most of. */
function delimiterOf(text: string): string {
	const header = (/^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text)?.[0] ?? '').replace(/"(?:[^"]|"")*"/g, '');
	const count = (delimiter: string) => header.split(delimiter).length;
	return [',', ';', '\t', '|'].reduce((best, next) => (count(next) > count(best) ? next : best));
}

function isEnough(columns: ReadonlySet<Column>): boolean {
	if (columns.has('linkedin_url')) return true;
	const named = columns.has('full_name') || (columns.has('first_name') && columns.has('last_name'));
	return named && (columns.has('company_name') || columns.has('company_domain'));
}

function toContact(row: number, columns: (Column | undefined)[], values: string[]): ContactRow {
	// Of two columns with the same meaning the first one that says something counts.
	const value = (column: Column): string =>
		columns
			.map((name, index) => (name === column ? (values[index] ?? '').trim() : ''))
			.find((text) => text !== '') ?? '';
	const [first, last] = splitName(value('full_name'));
	return {
		row,
		first_name: value('first_name') || first,
		last_name: value('last_name') || last,
		company_name: value('company_name'),
		company_domain: value('company_domain').replace(/^https?:\/\/(www\.)?|[/?#].*$/gi, ''),
		linkedin_url: value('linkedin_url'),
		email: value('email'),
	};
}

/** `Ada Lovelace` and `Lovelace, Ada`; all but the first word is the last name. */
function splitName(name: string): [string, string] {
	const [last, given] = name.split(',').map((part) => part.trim());
	if (given) return [given, last ?? ''];
	const [first = '', ...rest] = name.split(/\s+/);
	return [first, rest.join(' ')];
}

const letters = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '');

/** The header's names, on one line, as far as they are of use in a sentence. */
function shown(header: string[]): string {
	const names = header
		.map((name) => name.replace(/[\p{Cc}\p{Cf}]/gu, '').trim())
		.filter((name) => name !== '');
	const text = names.slice(0, 8).join(', ');
	return names.length === 0 ? 'nothing' : [...text].slice(0, 120).join('') + (names.length > 8 ? ', …' : '');
}
