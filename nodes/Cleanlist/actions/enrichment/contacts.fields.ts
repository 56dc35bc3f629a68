import type { INodeProperties } from 'n8n-workflow';
import { MAX_CONTACTS } from '../../helpers/batches';
import { CONTACT_FIELDS, type ContactField } from '../../helpers/contacts';
import { duplicatesOption, unsendableOption } from './sending.options';

/** Parameter names of the contact fields, by the API's names. */
export const CONTACT_PARAMETERS: Record<ContactField, string> = {
	linkedin_url: 'linkedinUrl',
	first_name: 'firstName',
	last_name: 'lastName',
	company_domain: 'companyDomain',
	company_name: 'companyName',
	email: 'email',
};

function contactField(
	field: ContactField,
	more: Pick<INodeProperties, 'placeholder' | 'description'>,
): INodeProperties {
	return {
		displayName: CONTACT_FIELDS[field],
		name: CONTACT_PARAMETERS[field],
		type: 'string',
		default: '',
		...more,
	};
}

/** A person's fields, for whoever is looked up by them. */
export const personFields: Record<ContactField, INodeProperties> = {
	linkedin_url: contactField('linkedin_url', {
		placeholder: 'e.g. https://www.linkedin.com/in/nathan-smith',
		description:
			'Finds the most. Without it, a first name, a last name and a company domain or company name are needed.',
	}),
	first_name: contactField('first_name', { placeholder: 'e.g. Nathan', description: 'The given name' }),
	last_name: contactField('last_name', { placeholder: 'e.g. Smith', description: 'The family name' }),
	company_domain: contactField('company_domain', {
		placeholder: 'e.g. example.com',
		description: 'The web domain of the employer. Finds more than the name of the company.',
	}),
	company_name: contactField('company_name', {
		placeholder: 'e.g. Example Ltd',
		description: 'The name of the employer',
	}),
	email: contactField('email', {
		placeholder: 'e.g. nathan@example.com',
		description: 'An email address that you already have. It is never enough on its own.',
	}),
};

/** Where the contacts come from; `defaultMode` is how a new node takes them. */
export const contactsFields = (defaultMode: 'columns' | 'fields'): INodeProperties[] => [
	{
		displayName: 'Contacts',
		name: 'inputMode',
		type: 'options',
		noDataExpression: true,
		default: defaultMode,
		description:
			'Where the contacts come from. The contacts of all items are sent together, up to 250 a request.',
		options: [
			{
				name: 'Define Below',
				value: 'fields',
				description: 'One contact for each item, from the fields below',
			},
			{
				name: 'Map Columns',
				value: 'columns',
				description:
					"One contact for each item, from its columns: 'Email', 'First Name', 'company' and so on",
			},
			{
				name: 'Use JSON',
				value: 'json',
				description: 'A contact object, or an array of them, for each item',
			},
		],
	},
	{
		displayName: 'Columns',
		name: 'columns',
		type: 'resourceMapper',
		noDataExpression: true,
		default: { mappingMode: 'autoMapInputData', value: null },
		required: true,
		description:
			'Map Automatically recognises the usual headers, such as Email, Company, "First Name", firstName, Website or LinkedIn. Other columns are ignored.',
		typeOptions: {
			resourceMapper: {
				resourceMapperMethod: 'getContactColumns',
				mode: 'add',
				fieldWords: { singular: 'column', plural: 'columns' },
				addAllFields: true,
				supportAutoMap: true,
			},
		},
		displayOptions: { show: { inputMode: ['columns'] } },
	},
	...Object.values(personFields).map((field) => ({
		...field,
		displayOptions: { show: { inputMode: ['fields'] } },
	})),
	{
		displayName: 'Contacts (JSON)',
		name: 'contactsJson',
		type: 'json',
		default: '={{ $json }}',
		required: true,
		description:
			'A contact object or an array of them, with linkedin_url, first_name, last_name, company_domain, company_name, email. Other keys are ignored.',
		displayOptions: { show: { inputMode: ['json'] } },
	},
];

/** Options of everything that sends contacts; in alphabetical order with others. */
export const contactOptions: INodeProperties[] = [
	{
		displayName: 'Contacts per Request',
		name: 'contactsPerRequest',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: MAX_CONTACTS },
		default: MAX_CONTACTS,
		description:
			'How many contacts one request holds at most, 1 to 250. Each request becomes one Cleanlist workflow with one result.',
	},
	duplicatesOption(
		'Two contacts are one person with the same LinkedIn profile or, without one, the same name and company',
	),
	unsendableOption(
		'A contact needs a LinkedIn URL, or a full name and company; Cleanlist would refuse the whole request because of it',
	),
];
