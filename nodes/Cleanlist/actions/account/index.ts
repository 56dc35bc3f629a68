import type { Resource } from '../operation';
import { estimateCost } from './estimateCost.operation';
import { get } from './get.operation';
import { getApiKeys } from './getApiKeys.operation';
import { getCreditBalance } from './getCreditBalance.operation';
import { getUsage } from './getUsage.operation';

export const account: Resource = {
	value: 'account',
	name: 'Account',
	defaultOperation: get.value,
	operations: [estimateCost, get, getApiKeys, getCreditBalance, getUsage],
};
