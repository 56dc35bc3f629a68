import type { Resource } from '../operation';
import { addToList } from './addToList.operation';
import { getAll } from './getAll.operation';
import { importCsv } from './importCsv.operation';
import { removeFromList } from './removeFromList.operation';

export const lead: Resource = {
	value: 'lead',
	name: 'Lead',
	defaultOperation: getAll.value,
	operations: [addToList, getAll, importCsv, removeFromList],
};
