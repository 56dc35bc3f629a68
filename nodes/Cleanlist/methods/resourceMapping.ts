import type { ResourceMapperFields } from 'n8n-workflow';
import { CONTACT_FIELDS } from '../helpers/contacts';

/** The columns of a contact, for mapping incoming data to them. They are always the same, so nothing is asked. */
export async function getContactColumns(): Promise<ResourceMapperFields> {
	return {
		fields: Object.entries(CONTACT_FIELDS).map(([id, displayName]) => ({
			id,
			displayName,
			type: 'string',
			required: false,
			display: true,
			defaultMatch: false,
			canBeUsedToMatch: false,
		})),
	};
}
