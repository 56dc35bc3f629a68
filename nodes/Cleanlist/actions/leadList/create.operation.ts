import { withoutEnvelope } from '../../helpers/envelope';
import { parameterError } from '../../helpers/errors';
import { checkedListName } from '../../helpers/listName';
import { textOf } from '../../helpers/values';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';
import { descriptionField, folderField, LIST_PARAMETERS } from './fields';

export const create: ItemOperation = {
	value: 'create',
	name: 'Create',
	action: 'Create lead list',
	description: 'Create a new lead list, or return the one you already own under that name',
	scope: 'lists:write',
	endpoints: ['POST /api/v2/lead-lists'],
	cost: 'Free',
	fields: [
		{
			displayName: 'Name',
			name: 'name',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. Webinar sign-ups',
			description: '1 to 200 characters',
		},
		{
			displayName: 'When the Name Exists',
			name: 'whenNameExists',
			type: 'options',
			default: 'reuse',
			description: 'What to do if you own a list of this name already, whatever its case',
			options: [
				{ name: 'Fail', value: 'fail', description: 'Give an error. Nothing is created or changed.' },
				{
					name: 'Reuse the List',
					value: 'reuse',
					description: 'Return that list as it is, with "reused": true',
				},
			],
		},
		{
			displayName: 'Additional Fields',
			name: 'additionalFields',
			type: 'collection',
			placeholder: 'Add Field',
			default: {},
			options: [descriptionField, folderField],
		},
	],
	async execute(itemIndex) {
		const name = checkedListName(this.getNode(), this.getNodeParameter('name', itemIndex), itemIndex);
		const additional = this.getNodeParameter('additionalFields', itemIndex, {});
		const description = textOf(additional.description);
		const folderId = textOf(additional.folderId);
		const mayExist = this.getNodeParameter('whenNameExists', itemIndex, 'reuse') !== 'fail';
		const response = await request(this, CLEANLIST, {
			method: 'POST',
			path: `${V2}/lead-lists`,
			body: { name, ...(description && { description }), ...(folderId && { folder_id: folderId }) },
			// The second one would find the list of the first.
			harmlessTwice: mayExist,
			facts: {
				itemIndex,
				scope: 'lists:write',
				parameters: LIST_PARAMETERS,
				...(folderId && { subject: { noun: 'folder', id: folderId, parameter: 'Folder ID' } }),
			},
		});
		if (response.reused === true && !mayExist) {
			throw parameterError(
				this.getNode(),
				'Name',
				itemIndex,
				`You have a lead list named "${String(response.name ?? name)}" already`,
				`Its ID is "${String(response.list_id)}"; nothing was created or changed. Choose another name, or set 'When the Name Exists' to 'Reuse the List'.`,
			);
		}
		return withoutEnvelope(response);
	},
};
