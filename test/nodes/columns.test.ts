import { CONTACT_FIELDS } from '../../nodes/Cleanlist/helpers/contacts.ts';
import { recogniseColumn, recogniseColumns } from '../../nodes/Cleanlist/helpers/columns.ts';
import { CSV_FIELDS } from '../../relay/src/contract/index.ts';

describe('a column', () => {
	it.each([...CSV_FIELDS, ...Object.keys(CONTACT_FIELDS)])('%s is recognised by its API name', (field) => {
		expect(recogniseColumn(field)).toBe(field);
		expect(recogniseColumn(field.replaceAll('_', ' ').toUpperCase())).toBe(field);
	});

	it.each(Object.entries(CONTACT_FIELDS))('%s is recognised by its name in the node', (field, name) => {
		expect(recogniseColumn(name)).toBe(field);
	});

	it.each([
		['Email', 'email'],
		['E-Mail', 'email'],
		['  e_mail address ', 'email'],
		['\uFEFFEmail', 'email'],
		['Ｅｍａｉｌ', 'email'],
		['First Name', 'first_name'],
		['firstName', 'first_name'],
		['Surname', 'last_name'],
		['Name', 'full_name'],
		['Company', 'company_name'],
		['Organisation', 'company_name'],
		['Website', 'company_domain'],
		['Person Linkedin Url', 'linkedin_url'],
		['LinkedIn', 'linkedin_url'],
		['Mobile', 'mobile_phone'],
		['Job Title', 'job_title'],
		['State/Region', 'state'],
	])('headed %j is %s', (header, field) => {
		expect(recogniseColumn(header)).toBe(field);
	});

	it.each([
		'',
		' ',
		'🚀',
		'Company Linkedin Url',
		'Email Status',
		'Notes',
		'constructor',
		'__proto__',
		'Etat civil',
	])('headed %j is nothing', (header) => {
		expect(recogniseColumn(header)).toBeNull();
	});

	it('is taken once for each field: the clearest of several, else the first', () => {
		expect(
			recogniseColumns(['Mail', 'Work Email', 'E-Mail', 'Notes', 'Firma', 'Company', 'company']),
		).toEqual({
			email: 'E-Mail',
			company_name: 'Company',
		});
		expect(recogniseColumns([])).toEqual({});
	});
});
