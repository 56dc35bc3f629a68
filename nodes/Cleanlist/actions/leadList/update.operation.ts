import type { IDataObject } from 'n8n-workflow';
import { withoutEnvelope } from '../../helpers/envelope';
import { parameterError } from '../../helpers/errors';
import { chosenList, leadListField } from '../../helpers/listLocator';
import { checkedListName } from '../../helpers/listName';
import { textOf } from '../../helpers/values';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';
import { descriptionField, folderField, LIST_PARAMETERS } from './fields';

export const update: ItemOperation = {
	value: 'update',
	name: 'Update',
	action: 'Update lead list',
	description: 'Rename, describe or move a lead list that you own',
	scope: 'lists:write',
	endpoints: ['PATCH /api/v2/lead-lists/{list_id}'],
	cost: 'Free',
	fields: [
		leadListField,
		{
			displayName: 'Update Fields',
			name: 'updateFields',
			type: 'collection',
			placeholder: 'Add Field',
			default: {},
			description: 'What to change; everything else stays as it is',
			options: [
				{
					...descriptionField,
					description: 'What the list is for. Leave it empty to remove the description.',
				},
				{
					...folderField,
					description:
						'The folder of your own to move the list to. Leave it empty to take it out of its folder.',
				},
				{
					displayName: 'Name',
					name: 'name',
					type: 'string',
					default: '',
					description: 'The new name, 1 to 200 characters',
				},
			],
		},
	],
	async execute(itemIndex) {
		const { id, path, subject } = chosenList(this, itemIndex);
		const fields = this.getNodeParameter('updateFields', itemIndex, {});
		const body: IDataObject = {};
		if ('name' in fields) body.name = checkedListName(this.getNode(), fields.name, itemIndex);
		// An empty text removes; an expression that gave nothing at all says nothing.
		if (fields.description !== undefined) body.description = textOf(fields.description) || null;
		if (fields.folderId !== undefined) body.folder_id = textOf(fields.folderId) || null;
		if (Object.keys(body).length === 0) {
			throw parameterError(
				this.getNode(),
				'Update Fields',
				itemIndex,
				'There is nothing to change',
				`Add a name, a description or a folder in the parameter 'Update Fields', or remove the step: the list ${id} is as it was.`,
			);
		}
		const response = await request(this, CLEANLIST, {
			method: 'PATCH',
			path: V2 + path,
			body,
			harmlessTwice: true,
			facts: { itemIndex, scope: 'lists:write', subject, parameters: LIST_PARAMETERS },
		});
		return withoutEnvelope(response);
	},
};
