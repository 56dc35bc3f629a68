import type { CsvField } from '../../../relay/src/contract';

/** What a column of a sheet, a CRM or a CSV file can be for Cleanlist. The fields of a contact are among them. */
export type ColumnField = CsvField;

/**
 * How people head such a column, reduced to letters and digits; the API's own name always counts, and comes first.
 * Only headers that leave no doubt: "Company LinkedIn URL" is not a person's, "Source" is nothing.
 */
const HEADERS: Record<ColumnField, readonly string[]> = {
	first_name: ['first', 'fname', 'givenname', 'forename', 'contactfirstname', 'leadfirstname'],
	last_name: ['last', 'lname', 'surname', 'familyname', 'contactlastname', 'leadlastname'],
	full_name: ['name', 'contactname', 'leadname', 'personname', 'contact'],
	email: [
		'emailaddress',
		'mail',
		'workemail',
		'workemailaddress',
		'businessemail',
		'contactemail',
		'leademail',
		'primaryemail',
	],
	phone: ['phonenumber', 'telephone', 'telephonenumber', 'tel', 'contactphone', 'primaryphone'],
	mobile_phone: ['mobile', 'mobilenumber', 'mobilephonenumber', 'cell', 'cellphone', 'cellnumber'],
	work_phone: ['workphonenumber', 'businessphone', 'officephone', 'workdirectphone', 'directphone'],
	linkedin_url: [
		'linkedin',
		'linkedinprofile',
		'linkedinprofileurl',
		'linkedinlink',
		'linkedinprofilelink',
		'personlinkedin',
		'personlinkedinurl',
		'contactlinkedin',
		'contactlinkedinurl',
	],
	company_name: [
		'company',
		'organization',
		'organizationname',
		'organisation',
		'organisationname',
		'employer',
		'account',
		'accountname',
		'currentcompany',
	],
	company_domain: [
		'domain',
		'domainname',
		'emaildomain',
		'organizationdomain',
		'companydomainname',
		'companywebsite',
		'website',
		'companyurl',
	],
	job_title: ['title', 'jobposition', 'position', 'role', 'jobrole'],
	city: ['town', 'contactcity', 'personcity'],
	state: ['stateregion', 'stateprovince', 'region', 'province', 'contactstate', 'personstate'],
	country: ['countryregion', 'contactcountry', 'personcountry'],
};

/** How good a header is for a field: 0 for the API's own name, then the order above. */
const RANKS = new Map<string, { field: ColumnField; rank: number }>(
	(Object.keys(HEADERS) as ColumnField[]).flatMap((field) =>
		[letters(field), ...HEADERS[field]].map((header, rank) => [header, { field, rank }] as const),
	),
);

/** The field that a column holds, by its header in any usual spelling (`E-Mail`, "First Name", `firstName`); null when in doubt. */
export function recogniseColumn(header: string): ColumnField | null {
	return RANKS.get(letters(header))?.field ?? null;
}

/** For each field that one of the headers is for, that header as it is written; of several the best, then the first. */
export function recogniseColumns(headers: readonly string[]): Partial<Record<ColumnField, string>> {
	const best = new Map<ColumnField, { header: string; rank: number }>();
	for (const header of headers) {
		const known = RANKS.get(letters(header));
		if (!known) continue;
		const { field, rank } = known;
		if (rank < (best.get(field)?.rank ?? Infinity)) best.set(field, { header, rank });
	}
	return Object.fromEntries([...best].map(([field, { header }]) => [field, header]));
}

/** Without blanks, marks, accents and case: `E-Mail`, `e_mail` and ` EMAIL ` are one, and so are `état` and `etat`. */
function letters(text: string): string {
	return text
		.normalize('NFKD')
		.toLowerCase()
		.replace(/[^\p{Letter}\p{Number}]/gu, '');
}
