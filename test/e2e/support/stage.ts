import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
	EventDetail,
	EventsResponse,
	SubscriptionView,
	SubscriptionsResponse,
} from '../../../relay/src/contract/index.ts';
import { startRelay } from '../../support/relay-process.ts';
import type { RelayProcess } from '../../support/relay-process.ts';
import type { Credential } from './n8n-client.ts';
import { freePorts } from './ports.ts';
import { startN8n } from './real-n8n.ts';
import type { RealN8n } from './real-n8n.ts';

/** The whole product, running: a relay with its reference API, and an n8n that has credentials for both. */
export interface Stage {
	readonly n8n: RealN8n;
	/** The relay that runs now. */
	relay(): RelayProcess;
	readonly cleanlistApi: Credential;
	readonly cleanlistRelayApi: Credential;
	/** What a node's `credentials` holds to use both. */
	readonly credentials: Credentials;
	/** Ends the relay, lets `meanwhile` change its data folder, and starts it again under the same URL. */
	restartRelay(meanwhile?: (dataFolder: string) => void): Promise<void>;
	/** What the relay has, by its management API. */
	subscriptions(): Promise<SubscriptionView[]>;
	/** The newest event of the relay with its deliveries, if there is one. */
	newestEvent(): Promise<EventDetail | undefined>;
	/** A request to the reference API with the demo key. */
	cleanlist(method: string, path: string, body?: unknown): Promise<unknown>;
	dispose(): Promise<void>;
}

export type Credentials = Readonly<
	Record<'cleanlistApi' | 'cleanlistRelayApi', Pick<Credential, 'id' | 'name'>>
>;

/** @param completionMs how long an enrichment takes, in milliseconds */
export async function setStage({ completionMs = 200 } = {}): Promise<Stage> {
	const dataFolder = mkdtempSync(join(tmpdir(), 'cleanlist-relay-e2e-'));
	const undo: (() => Promise<void>)[] = [async () => rmSync(dataFolder, { recursive: true, force: true })];
	const dispose = async () => {
		for (const step of undo.splice(0).reverse()) await step();
	};
	try {
		const [port] = await freePorts(1);
		const start = () =>
			startRelay({
				dataFolder,
				env: {
					// n8n's credentials hold the URL: a relay that is restarted has to come back under it.
					RELAY_PORT: String(port),
					RELAY_REFERENCE_COMPLETION_MS: String(completionMs),
					RELAY_REFERENCE_LIMITS: 'off',
				},
			});
		let relay = await start();
		undo.push(() => relay.dispose());
		const n8n = await startN8n({
			packageTarball: setting('E2E_PACKAGE_TARBALL'),
			n8nFolder: setting('E2E_N8N_FOLDER'),
		});
		undo.push(() => n8n.dispose());

		const cleanlistApi = await n8n.client.createCredential('cleanlistApi', {
			apiKey: relay.demoKey,
			baseUrl: relay.url,
		});
		const cleanlistRelayApi = await n8n.client.createCredential('cleanlistRelayApi', {
			url: relay.url,
			token: relay.token,
		});
		const request = async (token: string, method: string, path: string, body?: unknown) => {
			const response = await fetch(`${relay.url}${path}`, {
				method,
				headers: {
					authorization: `Bearer ${token}`,
					...(body !== undefined && { 'content-type': 'application/json' }),
				},
				body: body === undefined ? undefined : JSON.stringify(body),
			});
			const text = await response.text();
			if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
			return JSON.parse(text) as unknown;
		};
		const fromRelay = async <T>(path: string) => (await request(relay.token, 'GET', path)) as T;

		return {
			n8n,
			relay: () => relay,
			cleanlistApi,
			cleanlistRelayApi,
			credentials: {
				cleanlistApi: { id: cleanlistApi.id, name: cleanlistApi.name },
				cleanlistRelayApi: { id: cleanlistRelayApi.id, name: cleanlistRelayApi.name },
			},
			async restartRelay(meanwhile) {
				await relay.stop();
				meanwhile?.(dataFolder);
				relay = await start();
			},
			subscriptions: async () =>
				(await fromRelay<SubscriptionsResponse>('/relay/v1/subscriptions')).subscriptions,
			async newestEvent() {
				const { events } = await fromRelay<EventsResponse>('/relay/v1/events?limit=1');
				return events[0] && fromRelay<EventDetail>(`/relay/v1/events/${events[0].id}`);
			},
			cleanlist: (method, path, body) => request(relay.demoKey, method, path, body),
			dispose,
		};
	} catch (error) {
		await dispose();
		throw error;
	}
}

/** What the global setup left for the tests. */
function setting(name: string): string {
	const value = process.env[name];
	if (!value) throw new Error(`${name} is not set: run these tests with jest.e2e.config.mjs.`);
	return value;
}
