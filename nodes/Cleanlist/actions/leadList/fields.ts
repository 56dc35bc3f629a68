import type { INodeProperties } from 'n8n-workflow';

/** The optional fields of a list, and how errors name the API's fields. */
export const descriptionField: INodeProperties = {
	displayName: 'Description',
	name: 'description',
	type: 'string',
	default: '',
	description: 'What the list is for',
};

export const folderField: INodeProperties = {
	displayName: 'Folder ID',
	name: 'folderId',
	type: 'string',
	default: '',
	description: 'A folder of your own; folders are made in the Cleanlist portal',
};

export const LIST_PARAMETERS = { name: 'Name', description: 'Description', folder_id: 'Folder ID' };
