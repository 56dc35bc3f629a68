import type { Resource } from '../operation';
import { getCsv } from './getCsv.operation';
import { getJson } from './getJson.operation';

export const exportResource: Resource = {
	value: 'export',
	name: 'Export',
	defaultOperation: getJson.value,
	operations: [getCsv, getJson],
};
