import { pino } from 'pino';
import { systemClock } from '../clock.ts';
import { systemIds } from '../ids.ts';
import { behavioursFrom, behavioursView } from './control/behaviours-view.ts';
import type { BehavioursView } from './control/behaviours-view.ts';
import type { Completion } from './control/completion.ts';
import type { Control } from './control/control.ts';
import type { SeededAccount } from './control/populate.ts';
import { viewOf } from './control/recorder.ts';
import { DEFAULT_SEED, startFrom } from './control/routes.ts';
import type { SeedInput } from './control/seed-document.ts';
import { openReference } from './index.ts';
import type { RateLimits } from './limits.ts';
import { createServer } from './server.ts';

export { seededIds } from './control/seeded-ids.ts';
export type { SeededIds } from './control/seeded-ids.ts';

export interface ReferenceApiOptions {
	/** The same seed gives the same ids, keys and findings; a document's own comes first. Default `cleanlist`. */
	seed?: string | number;
	/** Who and what there is; the seeded cast when absent. */
	document?: SeedInput;
	/** Stands the clock still at that instant; it runs when absent. */
	frozenAt?: string | number | Date;
	/** How long a workflow takes, in ms. Default 1500. */
	completionMs?: number;
	/** Default: none, so that a suite of tests does not wait. */
	limits?: RateLimits | 'off';
	behaviours?: Partial<BehavioursView>;
}

export interface ReferenceApi {
	/** E.g. `http://127.0.0.1:43127`; the API is under `/api/v2` and `/api/v1/public`. */
	url: string;
	/** Of the first account: the cast's admin, who may do everything. */
	key: string;
	/** By role, or by e-mail address for people of a document. */
	accounts: Record<string, SeededAccount>;
	control: ReferenceApiControl;
	close(): Promise<void>;
}

type Instant = string | number | Date;

/** Steers a reference API in this process, as `/reference/*` does over HTTP. */
export interface ReferenceApiControl extends Pick<
	Control,
	'reset' | 'snapshot' | 'restore' | 'clock' | 'resume' | 'fault' | 'faults' | 'removeFaults' | 'state'
> {
	seed(next: { seed: string | number } | SeedInput): Promise<{ accounts: SeededAccount[] }>;
	freeze(at?: Instant): Promise<ReturnType<Control['clock']>>;
	/** Moves the clock on by so many ms, or to an instant, and does what comes due on the way, in order. */
	advance(by: number | { until: Instant }): Promise<ReturnType<Control['clock']>>;
	completion(next: Completion): Completion;
	behaviours(changed: Partial<BehavioursView>): BehavioursView;
	/** The requests that came in, the latest first, with their answers. */
	requests(): ReturnType<typeof viewOf>[];
}

/**
 * Starts the reference API in this process, in memory, on a free port of 127.0.0.1.
 *
 * @throws Error when a document can't be used; its message names the place and what to do
 */
export async function createReferenceApi(options: ReferenceApiOptions = {}): Promise<ReferenceApi> {
	const { seed = DEFAULT_SEED, document, frozenAt, completionMs, limits = 'off' } = options;
	const start = startFrom(document ?? { seed });
	if (document && document.seed === undefined) start.seed = String(seed);
	const reference = await openReference({
		path: ':memory:',
		clock: systemClock,
		ids: systemIds,
		log: pino({ level: 'silent' }),
		limits,
		...(completionMs !== undefined && { completionMs }),
		...(options.behaviours && { behaviours: behavioursFrom(options.behaviours) }),
		...(frozenAt !== undefined && { frozenAt: instant(frozenAt) }),
	});
	const { control } = reference;
	const http = await createServer({ reference, control: 'loopback', ids: systemIds });
	try {
		const { accounts } = await control.seed(start);
		const url = await http.listen({ host: '127.0.0.1', port: 0 });
		reference.start();
		return {
			url,
			key: accounts[0]!.key,
			accounts: Object.fromEntries(accounts.map((account) => [account.role ?? account.email, account])),
			control: {
				...control,
				seed: (next) => control.seed(startFrom(next)),
				freeze: (at) => control.freeze(at === undefined ? undefined : instant(at)),
				advance: (by) => control.advance((now) => (typeof by === 'number' ? now + by : instant(by.until))),
				completion: (next) => control.setCompletion(next),
				behaviours: (changed) => behavioursView(control.setBehaviours(behavioursFrom(changed))),
				requests: () => reference.recorder.page(Infinity, null).requests.map(viewOf),
			},
			async close() {
				await http.close();
				await reference.stop();
			},
		};
	} catch (error) {
		await http.close();
		await reference.stop();
		throw error;
	}
}

const instant = (at: Instant): number => new Date(at).getTime();
