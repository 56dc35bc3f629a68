import { EventDetail, EventsResponse, SourcesResponse } from '../../relay/src/contract/relay-api.ts';
import { webhook } from '../relay/harness.ts';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';

/** Longer than a lease: after a crash of the database the last results are forgotten, and their deliveries made again a minute later. */
const PATIENCE_MS = 90_000;

/** A relay process, and what its senders were answered. */
export interface RelayUnderTest extends RelayProcess {
	/** Event ids by workflow, of every 2xx. */
	acknowledged: Map<string, string>;
	post(workflow: string, filler?: string): Promise<Answer>;
	/** Posts until it is taken in. */
	postUntilTaken(workflow: string, filler?: string): Promise<void>;
	/** Acknowledged workflows of which no event is there. */
	missing(): Promise<string[]>;
	/** The workflows of all events there are. */
	workflows(): Promise<Set<string | null>>;
	/** Resolves once every acknowledged event has been delivered to every subscription it had. */
	delivered(): Promise<void>;
}

export interface Answer {
	status: number;
	/** Of a problem document. */
	code: string | undefined;
	retryAfter: string | null;
}

/**
 * @param dataFolder without it a temporary one, gone with `dispose`
 * @param acknowledged what an earlier process on the same folder acknowledged
 */
export async function startRelayUnderTest(options: {
	dataFolder?: string;
	env?: Record<string, string>;
	acknowledged?: Map<string, string>;
}): Promise<RelayUnderTest> {
	const { dataFolder, env, acknowledged = new Map<string, string>() } = options;
	const relay = await startRelay({ dataFolder, env: { RELAY_REFERENCE: 'off', ...env } });
	const { api } = relay;
	const ingestUrl = SourcesResponse.parse(await api('/sources')).sources[0]?.ingest_url ?? '';
	async function post(workflow: string, filler = ''): Promise<Answer> {
		const response = await fetch(ingestUrl, { method: 'POST', body: webhook(workflow, { filler }) });
		const { event_id, code } = (await response.json()) as { event_id?: string; code?: string };
		if (response.ok && event_id !== undefined) acknowledged.set(workflow, event_id);
		return { status: response.status, code, retryAfter: response.headers.get('retry-after') };
	}
	const event = async (id: string) => EventDetail.parse(await api(`/events/${id}`));
	return {
		...relay,
		acknowledged,
		post,
		postUntilTaken: (workflow, filler) =>
			until(
				`${workflow} is taken in`,
				async () => (await post(workflow, filler)).status === 200,
				PATIENCE_MS,
			),
		delivered: () =>
			until(
				'everything is delivered',
				async () => {
					const events = await Promise.all([...acknowledged.values()].map(event));
					return events.every(({ deliveries }) => deliveries.every(({ state }) => state === 'delivered'));
				},
				PATIENCE_MS,
			),
		async workflows() {
			const found = new Set<string | null>();
			for (let before = ''; ;) {
				const { events, cursor } = EventsResponse.parse(await api(`/events?limit=100${before}`));
				for (const { workflow_id } of events) found.add(workflow_id);
				if (cursor === null) return found;
				before = `&cursor=${cursor}`;
			}
		},
		async missing() {
			const missing: string[] = [];
			for (const [workflow, id] of acknowledged) {
				const found = await event(id).catch(() => null);
				if (found?.workflow_id !== workflow) missing.push(workflow);
			}
			return missing;
		},
	};
}
