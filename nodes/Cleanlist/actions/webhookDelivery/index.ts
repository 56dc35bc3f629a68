import type { Resource } from '../operation';
import { getAll } from './getAll.operation';

export const webhookDelivery: Resource = {
	value: 'webhookDelivery',
	name: 'Webhook Delivery',
	defaultOperation: getAll.value,
	operations: [getAll],
};
