import type { Resource } from '../operation';
import { getAll } from './getAll.operation';

export const lead: Resource = {
	value: 'lead',
	name: 'Lead',
	defaultOperation: getAll.value,
	operations: [getAll],
};
