import type { IExecuteFunctions } from 'n8n-workflow';
import { MAX_CONTACTS } from '../../helpers/batches';
import { contactFromRow } from '../../helpers/contactColumns';
import { parseContacts, readContact, type Contact, type ContactField } from '../../helpers/contacts';
import { parameterError } from '../../helpers/errors';
import { asRecord } from '../../helpers/result';
import { numberOf, shown, textOf } from '../../helpers/values';
import { CONTACT_PARAMETERS } from './contacts.fields';
import { readSendingOptions, type SendingOptions } from './sending.options';

export interface ContactOptions extends SendingOptions {
	contactsPerRequest: number;
}

/** What holds for the whole run; read from the first item. */
export function readContactOptions(context: IExecuteFunctions): ContactOptions {
	const { contactsPerRequest: value = MAX_CONTACTS } = context.getNodeParameter('options', 0, {});
	const contactsPerRequest = numberOf(value);
	if (!Number.isInteger(contactsPerRequest) || contactsPerRequest < 1 || contactsPerRequest > MAX_CONTACTS) {
		throw parameterError(
			context.getNode(),
			'Contacts per Request',
			0,
			`'Contacts per Request' is ${shown(value)}, and Cleanlist takes 1 to ${MAX_CONTACTS} contacts in a request`,
			`Set the option 'Contacts per Request' to a whole number from 1 to ${MAX_CONTACTS}. However many contacts there are, they are sent in as many requests as it takes.`,
		);
	}
	return { contactsPerRequest, ...readSendingOptions(context) };
}

/** The contacts of an item: the one its columns or fields describe, or those in its JSON. */
export function readContacts(context: IExecuteFunctions, itemIndex: number): Contact[] {
	const mode = context.getNodeParameter('inputMode', 0);
	if (mode === 'columns') return [readColumns(context, itemIndex)];
	if (mode === 'fields') {
		const names = Object.entries(CONTACT_PARAMETERS) as [ContactField, string][];
		const record = Object.fromEntries(
			names.map(([field, name]) => [field, context.getNodeParameter(name, itemIndex, '')]),
		);
		return [readContact(record)];
	}
	const parsed = parseContacts(context.getNodeParameter('contactsJson', itemIndex));
	if ('contacts' in parsed) return parsed.contacts;
	throw parameterError(
		context.getNode(),
		'Contacts (JSON)',
		itemIndex,
		`The JSON in 'Contacts (JSON)' can not be used: ${parsed.problem}`,
		'Give a contact object such as {"linkedin_url": "…"}, or an array of them. In an expression, hand over the object itself, for example {{ $json.contacts }}.',
	);
}

function readColumns(context: IExecuteFunctions, itemIndex: number): Contact {
	const automatic = context.getNodeParameter('columns.mappingMode', 0) === 'autoMapInputData';
	if (!automatic) return readContact(asRecord(context.getNodeParameter('columns.value', itemIndex, {})));
	return contactFromRow(context.getInputData()[itemIndex]?.json ?? {});
}

/** The user's own URL for an item's results. */
export function readWebhookUrl(context: IExecuteFunctions, itemIndex: number): string {
	const url = textOf(context.getNodeParameter('webhookUrl', itemIndex, ''));
	if (/^https?:\/\/[^/\s]+\S*$/i.test(url)) return url;
	throw parameterError(
		context.getNode(),
		'Webhook URL',
		itemIndex,
		`The webhook URL "${url}" is not a URL`,
		"Enter a whole address that begins with https:// in the parameter 'Webhook URL'.",
	);
}
