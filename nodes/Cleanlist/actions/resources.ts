import { account } from './account';
import { enrichment } from './enrichment';
import { exportResource } from './export';
import { lead } from './lead';
import { leadList } from './leadList';
import type { Resource } from './operation';
import { smartAgent } from './smartAgent';
import { webhookDelivery } from './webhookDelivery';

/** Every resource of the node, in alphabetical order. A new operation is a new file and a line in its resource. */
export const RESOURCES: Resource[] = [
	account,
	enrichment,
	exportResource,
	lead,
	leadList,
	smartAgent,
	webhookDelivery,
];
