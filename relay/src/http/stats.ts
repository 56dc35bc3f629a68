import { iso } from '../clock.ts';
import { RELAY_PREFIX, StatsResponse } from '../contract/relay-api.ts';
import type { Store } from '../store/port.ts';
import type { RelayRoutes } from './routes.ts';

/** `GET /relay/v1/stats`: what waits, in a glance. */
export function statsRoutes({ store }: { store: Store }): RelayRoutes {
	return async (http) => {
		http.get(
			`${RELAY_PREFIX}/stats`,
			{
				config: { access: ['read'] },
				schema: { summary: 'What waits: counts of what is not over', response: { 200: StatsResponse } },
			},
			async () => {
				const stats = await store.stats();
				return {
					deliveries: { ready: stats.ready, leased: stats.leased, dead: stats.dead },
					oldest_due_at: stats.oldestDueAt === null ? null : iso(stats.oldestDueAt),
					quarantined_events: stats.quarantined,
					subscriptions: { active: stats.activeSubscriptions, open_breakers: stats.openBreakers },
				};
			},
		);
	};
}
