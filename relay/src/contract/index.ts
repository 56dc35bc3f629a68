export * from './account.ts';
export * from './common.ts';
export * from './enrichment.ts';
export * from './errors.ts';
export * from './lead-lists.ts';
export * from './relay-api.ts';
export * from './tolerant.ts';
export * from './webhook.ts';
