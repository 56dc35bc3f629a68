import type { Clock } from '../clock.ts';
import { Health } from '../contract/relay-api.ts';
import type { Admission } from '../inbox/admission.ts';
import type { Store } from '../store/port.ts';
import { ProblemError, STORE_PROBLEMS } from './errors.ts';
import type { RelayRoutes } from './routes.ts';

/** How long the store's answer stands, in ms. */
const READY_FOR_MS = 1_000;

/**
 * `/healthz`: the process answers. `/readyz`: it can take webhooks in, which is to say that the store can
 * write, that there is room, and that no shutdown has begun.
 */
export function healthRoutes(options: {
	store: Store;
	admission: Admission;
	clock: Clock;
	isStopping: () => boolean;
}): RelayRoutes {
	const { store, admission, clock, isStopping } = options;
	let checked: Promise<void> | null = null;
	/** However many ask, the store is asked once a second: asking is a write, and these routes are public. */
	const check = () =>
		(checked ??= store.ping().finally(() => clock.schedule(READY_FOR_MS, () => (checked = null))));

	return async (http) => {
		http.get(
			'/healthz',
			{
				config: { access: 'public' },
				schema: { summary: 'Whether the process answers', response: { 200: Health } },
			},
			async () => ({ status: 'ok' as const }),
		);

		http.get(
			'/readyz',
			{
				config: { access: 'public' },
				schema: {
					summary: 'Whether webhooks are taken in',
					response: { 200: Health },
					problems: ['shutting_down', ...STORE_PROBLEMS],
				},
			},
			async () => {
				if (isStopping()) {
					throw new ProblemError('shutting_down', {
						detail: 'The relay finishes what it has begun and takes nothing new.',
						retryAfterS: 10,
					});
				}
				admission.check();
				await check();
				return { status: 'ready' as const };
			},
		);
	};
}
