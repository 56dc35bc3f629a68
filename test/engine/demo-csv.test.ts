import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CsvFileError, MAX_ROWS, readContacts } from '../../demo/csv.ts';

describe('contacts read from a CSV file', () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'demo-csv-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	const file = (content: string | Buffer) => {
		const path = join(folder, 'contacts.csv');
		writeFileSync(path, content);
		return path;
	};
	const read = (content: string | Buffer) => readContacts(file(content));
	const problem = (content: string | Buffer): string => {
		try {
			read(content);
		} catch (error) {
			expect(error).toBeInstanceOf(CsvFileError);
			return (error as Error).message.replace(join(folder, 'contacts.csv'), 'FILE');
		}
		throw new Error('The file was accepted');
	};
	const ada = {
		row: 2,
		first_name: 'Ada',
		last_name: 'Abara',
		company_name: 'Blue Kettle',
		company_domain: '',
		linkedin_url: '',
		email: '',
	};

	it.each([
		['a plain header', 'First Name,Last Name,Company\nAda,Abara,Blue Kettle\n'],
		['camel case', 'firstName,lastName,companyName\nAda,Abara,Blue Kettle'],
		['snake case, in another order', 'company_name,last_name,first_name\nBlue Kettle,Abara,Ada'],
		['capitals and spaces', ' FIRST NAME , LAST NAME ,COMPANY\n Ada , Abara , Blue Kettle '],
		['a whole name', 'Name,Employer\nAda Abara,Blue Kettle'],
		['a whole name, last name first', 'Full Name;Organization\nAbara, Ada;Blue Kettle'],
		['columns of no interest', 'Id,First,Last,Company,Notes\n7,Ada,Abara,Blue Kettle,"x, ""y""\nz"'],
		['semicolons', 'Vorname;First Name;Last Name;Company\n;Ada;Abara;Blue Kettle'],
		['tabs and CRLF', 'First Name\tLast Name\tCompany\r\nAda\tAbara\tBlue Kettle\r\n'],
		['bars', 'First Name|Last Name|Company\nAda|Abara|Blue Kettle'],
		[
			'separators inside a quoted header',
			'"First Name","Last Name","Company","a;b;c;d;e"\nAda,Abara,Blue Kettle,x',
		],
		['a byte order mark', '\uFEFFFirst Name,Last Name,Company\nAda,Abara,Blue Kettle'],
		['UTF-16', Buffer.from('\uFEFFFirst Name,Last Name,Company\nAda,Abara,Blue Kettle', 'utf16le')],
		['short rows', 'First Name,Last Name,Company,Domain,Email\nAda,Abara,Blue Kettle'],
		['the same meaning twice', 'First Name,Last Name,Account,Company\nAda,Abara,,Blue Kettle'],
	])('with %s', (_name, content) => {
		expect(read(content)).toEqual([ada]);
	});

	it('with every column there is', () => {
		const header = 'first,surname,organisation,Website,Person Linkedin Url,E-Mail';
		const values =
			'Ada,Abara,Blue Kettle,https://www.bluekettle.example/about?x=1,https://l.example/in/a,a@b.example';
		expect(read(`${header}\n${values}`)).toEqual([
			{
				...ada,
				company_domain: 'bluekettle.example',
				linkedin_url: 'https://l.example/in/a',
				email: 'a@b.example',
			},
		]);
	});

	it('keeps accents, emoji and other scripts, in UTF-8 and in Windows-1252', () => {
		const names = (content: string | Buffer) => read(content).map(({ first_name }) => first_name);
		expect(names('First Name,Last Name,Company\nZoë 🚀,D,C\n花子,田中,株式会社')).toEqual(['Zoë 🚀', '花子']);
		expect(names(Buffer.from('First Name,Last Name,Company\nZo\xeb,D,C', 'latin1'))).toEqual(['Zoë']);
	});

	it('numbers rows as a spreadsheet does, blank ones and line breaks in cells included', () => {
		const rows = read('LinkedIn,Company\nhttps://l/1,"two\nlines"\n\n,\nhttps://l/2,\n\n');
		expect(rows.map(({ row, linkedin_url }) => [row, linkedin_url])).toEqual([
			[2, 'https://l/1'],
			[5, 'https://l/2'],
		]);
	});

	it('keeps a quote in the middle of a value', () => {
		expect(read('First Name,Last Name,Company\nAda,Abara,5" pipes')[0]?.company_name).toBe('5" pipes');
	});

	it.each([
		['', 'FILE is empty.'],
		['\uFEFF\n\n  \n', 'FILE is empty.'],
		['First Name,Last Name,Company\n,,\n\n', 'FILE has a header but no rows.'],
		[Buffer.from([0x50, 0x4b, 3, 4, 0, 0]), 'FILE is not a CSV file: it holds binary data.'],
		['Name,Company\n"Ada,Blue', 'FILE is not a CSV file: a quote that is opened is never closed.'],
		[
			'Colour,Size\nred,7',
			'FILE has no columns to recognise contacts by: its first row must name a LinkedIn URL, or a name and a company (found: Colour, Size).',
		],
		[
			'Email\na@b.example',
			'FILE has no columns to recognise contacts by: its first row must name a LinkedIn URL, or a name and a company (found: Email).',
		],
		[
			'\u001b[31mRed\u001b[0m,,,\nx',
			'FILE has no columns to recognise contacts by: its first row must name a LinkedIn URL, or a name and a company (found: [31mRed[0m).',
		],
	])('refuses %j in a sentence', (content, sentence) => {
		expect(problem(content)).toBe(sentence);
	});

	it('takes 10,000 rows and refuses one more', () => {
		const rows = (count: number) => `LinkedIn\n${'https://l/1\n'.repeat(count)}`;
		expect(read(rows(MAX_ROWS))).toHaveLength(10_000);
		expect(problem(rows(MAX_ROWS + 1))).toBe('FILE has 10,001 rows, and the demo takes at most 10,000.');
	});

	it('refuses a path that is no readable file', () => {
		const missing = join(folder, 'none.csv');
		expect(() => readContacts(missing)).toThrow(new CsvFileError(`There is no file ${missing}.`));
		expect(() => readContacts(folder)).toThrow(new CsvFileError(`${folder} is not a file.`));
	});
});
