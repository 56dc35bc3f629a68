import type { Resource } from '../operation';
import { enrichAndWait } from './enrichAndWait.operation';
import { enrichCompany } from './enrichCompany.operation';
import { enrichList } from './enrichList.operation';
import { enrichPerson } from './enrichPerson.operation';
import { get } from './get.operation';
import { start } from './start.operation';

export const enrichment: Resource = {
	value: 'enrichment',
	name: 'Enrichment',
	defaultOperation: start.value,
	operations: [enrichAndWait, enrichCompany, enrichList, enrichPerson, get, start],
};
