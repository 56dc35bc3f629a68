import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { isOn } from '../../helpers/values';

/** What becomes of items that ask for the same, and of items that ask for nothing that can be sent. */
export interface SendingOptions {
	sendDuplicatesOnce: boolean;
	stopOnUnsendable: boolean;
}

/** @param sameness when two items are about the same */
export const duplicatesOption = (sameness: string): INodeProperties => ({
	displayName: 'Send Duplicates Once',
	name: 'sendDuplicatesOnce',
	type: 'boolean',
	default: true,
	description: `Whether to send what several items are about only once, and answer on each of them. ${sameness}.`,
});

/** @param what what is needed */
export const unsendableOption = (what: string): INodeProperties => ({
	displayName: 'When an Item Is Incomplete',
	name: 'whenNotSendable',
	type: 'options',
	default: 'report',
	description: `What to do with an item that does not say enough to be sent. ${what}.`,
	options: [
		{
			name: 'Report on Its Item',
			value: 'report',
			description: 'Output it with the status "not_sent" and the reason; the others are sent',
		},
		{ name: 'Stop', value: 'stop', description: 'Fail before anything is sent' },
	],
});

/** What holds for the whole run; read from the first item. */
export function readSendingOptions(context: IExecuteFunctions): SendingOptions {
	const { sendDuplicatesOnce, whenNotSendable } = context.getNodeParameter('options', 0, {});
	return { sendDuplicatesOnce: isOn(sendDuplicatesOnce, true), stopOnUnsendable: whenNotSendable === 'stop' };
}
