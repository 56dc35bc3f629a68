import { accessConformance } from './conformance/access.ts';
import { bodyConformance } from './conformance/bodies.ts';
import { breakerConformance } from './conformance/breaker.ts';
import { claimConformance } from './conformance/claims.ts';
import type { Engine } from './conformance/fixtures.ts';
import { givingUpConformance } from './conformance/giving-up.ts';
import { ingestConformance } from './conformance/ingest.ts';
import { interventionConformance } from './conformance/interventions.ts';
import { lifeConformance } from './conformance/life.ts';
import { listConformance } from './conformance/lists.ts';
import { retentionConformance } from './conformance/retention.ts';
import { settlementConformance } from './conformance/settlements.ts';
import { subscriptionConformance } from './conformance/subscriptions.ts';

export { anEvent, aSubscription, aToken } from './conformance/fixtures.ts';
export type { Engine, OpenedStore } from './conformance/fixtures.ts';

/** What every engine must do. The tests share nothing: each has a store of its own. */
export function storeConformance(engine: Engine): void {
	describe(`store on ${engine.name}`, () => {
		accessConformance(engine);
		ingestConformance(engine);
		bodyConformance(engine);
		subscriptionConformance(engine);
		claimConformance(engine);
		settlementConformance(engine);
		breakerConformance(engine);
		givingUpConformance(engine);
		interventionConformance(engine);
		listConformance(engine);
		retentionConformance(engine);
		lifeConformance(engine);
	});
}
