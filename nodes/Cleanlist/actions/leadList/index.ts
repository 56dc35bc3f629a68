import type { Resource } from '../operation';
import { create } from './create.operation';
import { deleteList } from './delete.operation';
import { get } from './get.operation';
import { getAll } from './getAll.operation';
import { update } from './update.operation';

export const leadList: Resource = {
	value: 'leadList',
	name: 'Lead List',
	defaultOperation: getAll.value,
	operations: [create, deleteList, get, getAll, update],
};
