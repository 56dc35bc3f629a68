import type { Resource } from '../operation';
import { enrichAndWait } from './enrichAndWait.operation';
import { get } from './get.operation';
import { start } from './start.operation';

export const enrichment: Resource = {
	value: 'enrichment',
	name: 'Enrichment',
	defaultOperation: start.value,
	operations: [enrichAndWait, get, start],
};
