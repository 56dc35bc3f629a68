import type { Resource } from '../operation';
import { get } from './get.operation';
import { getAll } from './getAll.operation';
import { run } from './run.operation';

export const smartAgent: Resource = {
	value: 'smartAgent',
	name: 'Smart Agent',
	defaultOperation: run.value,
	operations: [get, getAll, run],
};
