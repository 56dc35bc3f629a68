import { CsvError, parse } from 'csv-parse/sync';
import { CSV_MAX_ROWS } from '../../contract/list-leads.ts';
import type { CSV_SKIP_REASONS, CsvField } from '../../contract/list-leads.ts';
import type { Contact } from '../../contract/enrichment.ts';
import { identityOf, namesSomeone, text } from './contact.ts';

/** Row numbers an answer gives as examples of rows left out. */
const MAX_SAMPLES = 10;

/** By itself csv-parse takes the first line's for all of them, and what ends otherwise for one long cell. */
const LINE_ENDS = ['\r\n', '\n', '\r'];

type SkipReason = (typeof CSV_SKIP_REASONS)[number];

/** A person as a row describes them. */
export interface ImportedPerson {
	contact: Contact;
	email: string | null;
	phone: string | null;
	title: string | null;
	/** "City, State, Country", as far as given. */
	location: string | null;
}

export interface CsvImport {
	rowsParsed: number;
	people: ImportedPerson[];
	skipReasons: Partial<Record<SkipReason, number>>;
	/** 1-based; the header is row 1. */
	sampleSkipRows: number[];
}

/** What keeps a file from being read; `missingHeader` when it is a column that was asked for. */
export class CsvFault extends Error {
	override readonly name = 'CsvFault';
	readonly missingHeader: string | null;
	readonly headers: string[];
	constructor(message: string, missingHeader: string | null = null, headers: string[] = []) {
		super(message);
		this.missingHeader = missingHeader;
		this.headers = headers;
	}
}

/**
 * Reads people from a CSV file: RFC 4180, UTF-8 with or without BOM, comma-separated, any line ending. Blank
 * lines do not count as rows, but keep their numbers, so that a row number is the one a spreadsheet shows.
 *
 * @throws CsvFault when it is not UTF-8, not CSV, has no header, or lacks a column that `mapping` names
 */
export function readPeople(file: Buffer, mapping: Partial<Record<CsvField, string>>): CsvImport {
	const [header, ...records] = parseRecords(file);
	if (!header || isBlank(header)) throw new CsvFault('The CSV has no header in its first row.');
	const headers = header.map((name) => name.trim());
	const columns = Object.entries(mapping).map(([field, name]) => {
		const index = headers.indexOf(name.trim());
		if (index < 0) throw new CsvFault(`The CSV has no column ${JSON.stringify(name)}.`, name, headers);
		return { field: field as CsvField, index };
	});

	const result: CsvImport = { rowsParsed: 0, people: [], skipReasons: {}, sampleSkipRows: [] };
	const seen = { emails: new Set<string>(), profiles: new Set<string>() };
	for (const [index, record] of records.entries()) {
		if (isBlank(record)) continue;
		result.rowsParsed += 1;
		const cell = (field: CsvField): string | null => {
			const column = columns.find((candidate) => candidate.field === field);
			return column ? text(record[column.index]) : null;
		};
		const person = personOf(cell);
		const reason = result.rowsParsed > CSV_MAX_ROWS ? 'row_cap_exceeded' : reasonToSkip(person, seen);
		if (reason) {
			result.skipReasons[reason] = (result.skipReasons[reason] ?? 0) + 1;
			// The header is row 1, the first record row 2.
			if (result.sampleSkipRows.length < MAX_SAMPLES) result.sampleSkipRows.push(index + 2);
		} else {
			result.people.push(person);
		}
	}
	return result;
}

function parseRecords(file: Buffer): string[][] {
	let content: string;
	try {
		content = new TextDecoder('utf-8', { fatal: true }).decode(file);
	} catch {
		throw new CsvFault('The CSV is not in UTF-8.');
	}
	try {
		return parse(content, { relax_column_count: true, record_delimiter: LINE_ENDS });
	} catch (error) {
		if (error instanceof CsvError) throw new CsvFault(`The file is not CSV: ${error.message}`);
		throw error;
	}
}

const isBlank = (record: string[]): boolean => record.every((value) => value.trim() === '');

function personOf(cell: (field: CsvField) => string | null): ImportedPerson {
	// "Jane van Doe" is Jane, van Doe.
	const [first = null, ...rest] = cell('full_name')?.split(/\s+/) ?? [];
	const email = cell('email');
	return {
		contact: {
			linkedin_url: cell('linkedin_url'),
			first_name: cell('first_name') ?? first,
			last_name: cell('last_name') ?? (rest.join(' ') || null),
			company_name: cell('company_name'),
			company_domain: cell('company_domain'),
			email,
		},
		email,
		phone: cell('phone') ?? cell('mobile_phone') ?? cell('work_phone'),
		title: cell('job_title'),
		location: [cell('city'), cell('state'), cell('country')].filter(Boolean).join(', ') || null,
	};
}

function reasonToSkip(
	{ contact, email }: ImportedPerson,
	seen: { emails: Set<string>; profiles: Set<string> },
): SkipReason | null {
	if (!email && !namesSomeone(contact)) return 'missing_required';
	const address = email?.toLowerCase();
	const profile = contact.linkedin_url && identityOf(contact);
	if (address && seen.emails.has(address)) return 'duplicate_email';
	if (profile && seen.profiles.has(profile)) return 'duplicate_linkedin';
	if (address) seen.emails.add(address);
	if (profile) seen.profiles.add(profile);
	return null;
}
