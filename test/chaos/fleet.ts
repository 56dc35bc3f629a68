import { SourcesResponse, SubscriptionWithSecret } from '../../relay/src/contract/relay-api.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { webhook } from '../relay/harness.ts';

/** A relay of the fleet: each start is another process, on another port, behind the same proxy to the database. */
export interface Member {
	/** Null while it is down. */
	relay: RelayProcess | null;
	readonly proxy: TcpProxy;
	start(): Promise<void>;
	kill(): Promise<void>;
}

/** Relays with the same keys on one database, each reaching it through a proxy of its own. */
export interface Fleet {
	readonly postgres: TestPostgres;
	readonly databaseUrl: string;
	readonly members: readonly Member[];
	subscribe(url: string): Promise<SubscriptionWithSecret>;
	/** Posts a webhook to one member, as Cleanlist would; the event's id, or null when it was not acknowledged. */
	post(member: Member, workflowId: string): Promise<string | null>;
	dispose(): Promise<void>;
}

const TOKEN = `crt_${'c'.repeat(43)}`;
/** A sender gives up on an answer after this time, in ms. */
const PATIENCE_MS = 20_000;

export async function startFleet(size: number): Promise<Fleet> {
	const postgres = await startPostgres();
	const databaseUrl = await postgres.createDatabase();
	const members = await Promise.all(Array.from({ length: size }, () => enlist(postgres, databaseUrl)));
	// One by one only to be gentle with two cores; they may start together.
	for (const member of members) await member.start();
	const path = await ingestPath(members[0] as Member);

	return {
		postgres,
		databaseUrl,
		members,
		async subscribe(url) {
			const response = await call(members[0] as Member, '/subscriptions', { url });
			return SubscriptionWithSecret.parse(await response.json());
		},
		async post({ relay }, workflowId) {
			if (!relay) return null;
			try {
				const response = await fetch(`${relay.url}${path}`, {
					method: 'POST',
					body: webhook(workflowId),
					signal: AbortSignal.timeout(PATIENCE_MS),
				});
				const answer = (await response.json()) as { event_id?: string };
				return response.ok ? (answer.event_id ?? null) : null;
			} catch {
				return null; // Cut off: not acknowledged.
			}
		},
		async dispose() {
			for (const member of members) {
				await member.relay?.dispose();
				await member.proxy.close();
			}
			await postgres.dispose();
		},
	};
}

async function enlist(postgres: TestPostgres, databaseUrl: string): Promise<Member> {
	const proxy = await startTcpProxy(postgres.port);
	const url = databaseUrl.replace(`:${postgres.port}`, `:${proxy.port}`);
	const member: Member = {
		relay: null,
		proxy,
		async start() {
			member.relay = await startRelay({
				env: {
					DATABASE_URL: url,
					RELAY_REFERENCE: 'off',
					RELAY_TOKEN: TOKEN,
					RELAY_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
					RELAY_SEALING_KEYS: `1 ${Buffer.alloc(32, 2).toString('base64')}`,
				},
			});
		},
		async kill() {
			const { relay } = member;
			member.relay = null;
			await relay?.kill();
			await relay?.dispose();
		},
	};
	return member;
}

const call = (member: Member, path: string, body?: unknown) =>
	fetch(`${member.relay?.url}/relay/v1${path}`, {
		headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
		...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
	});

async function ingestPath(member: Member): Promise<string> {
	const { sources } = SourcesResponse.parse(await (await call(member, '/sources')).json());
	return new URL(sources[0]?.ingest_url ?? '').pathname;
}
