import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { ExportCsvRead } from '../../../../relay/src/contract';
import { chosenColumns, columnsFields } from '../../helpers/exportColumns';
import { chosenList, leadListField } from '../../helpers/listLocator';
import { optionsField } from '../../helpers/optionsField';
import { requiredText } from '../../helpers/requiredText';
import { isOn, textOf } from '../../helpers/values';
import { download } from '../../transport/download';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import { eachItem } from '../each-item';
import type { BatchOperation } from '../operation';

export const getCsv: BatchOperation = {
	value: 'getCsv',
	name: 'Get CSV',
	action: 'Export lead list as CSV file',
	description: 'Export the leads of a lead list as a CSV file',
	scope: 'export:read',
	endpoints: ['POST /api/v2/export/csv/signed-url'],
	cost: 'Free',
	fields: [
		leadListField,
		{
			displayName: 'Put Output File in Field',
			name: 'binaryPropertyName',
			type: 'string',
			default: 'data',
			required: true,
			hint: 'The name of the output binary field to put the file in',
			description: 'Where the following nodes find the file',
		},
		...columnsFields,
		optionsField([
			{
				displayName: 'File Name',
				name: 'fileName',
				type: 'string',
				default: '',
				placeholder: 'e.g. leads.csv',
				description: 'What to call the file; otherwise the name that Cleanlist gives it',
			},
			{
				displayName: 'Include Smart Agent Columns',
				name: 'includeSmartAgents',
				type: 'boolean',
				default: true,
				description: 'Whether to add the columns that smart agents filled',
			},
		]),
	],
	async executeAll(items) {
		return await eachItem(this, items.length, async (item) => [await exportCsv(this, item)]);
	},
};

async function exportCsv(context: IExecuteFunctions, itemIndex: number): Promise<INodeExecutionData> {
	const { id, subject } = chosenList(context, itemIndex);
	const field = requiredText(context, itemIndex, {
		name: 'binaryPropertyName',
		title: 'Put Output File in Field',
		what: 'The name of the output field',
	});
	const columns = chosenColumns(context, itemIndex);
	const { fileName, includeSmartAgents } = context.getNodeParameter('options', itemIndex, {});
	const facts = { itemIndex, scope: 'export:read', subject };
	const link = await request<ExportCsvRead>(context, CLEANLIST, {
		method: 'POST',
		path: `${V2}/export/csv/signed-url`,
		body: {
			list_id: id,
			include_smart_agents: isOn(includeSmartAgents, true),
			...(columns.length > 0 && { columns }),
		},
		harmlessTwice: true,
		facts: { ...facts, parameters: { list_id: 'Lead List', columns: 'Columns' } },
	});
	const file = await download(context, link.download_url ?? '', { itemIndex });
	const name = textOf(fileName) || file.fileName || `leads-${id}.csv`;
	return {
		json: {
			list_id: id,
			row_count: link.row_count ?? null,
			file_name: name,
			file_size_bytes: file.content.length,
		},
		binary: {
			[field]: await context.helpers.prepareBinaryData(file.content, name, file.mimeType ?? 'text/csv'),
		},
	};
}
