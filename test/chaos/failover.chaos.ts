import { startReceiver } from '../relay/harness.ts';
import type { Receiver } from '../relay/harness.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { eventually, pause } from './eventually.ts';
import { startFleet } from './fleet.ts';
import type { Fleet, Member } from './fleet.ts';

const SENDERS = 6;
const BETWEEN = 200;
const LEASE_MS = 60_000;

let fleet: Fleet;
let standby: TestPostgres | null = null;
/** Between the primary and the standby. */
let link: TcpProxy;
let sink: Receiver;
beforeEach(async () => {
	fleet = await startFleet(2);
	link = await startTcpProxy(fleet.postgres.port);
	sink = await startReceiver();
});
afterEach(async () => {
	await fleet.dispose();
	await standby?.dispose();
	await link.close();
	await sink.close();
});

/**
 * The primary is lost for good under load, and a standby takes over under the address the relays know. Resolves once
 * nothing is pending there, with the workflow ids of what was answered 2xx and has not been delivered from there under
 * the same event id.
 *
 * @param options.meanwhile what happens before the primary is lost; `more` waits for more to be answered 2xx
 */
async function failOver(options: {
	synchronous: boolean;
	meanwhile: (more: (what: string) => Promise<void>, refused: () => number) => Promise<void>;
}): Promise<{ lost: string[] }> {
	await fleet.subscribe(sink.url);
	const next = await fleet.postgres.standby({ port: link.port, synchronous: options.synchronous });
	standby = next;

	/** Event id by workflow id, of what was answered 2xx. */
	const acknowledged = new Map<string, string>();
	let refused = 0;
	let sending = true;
	let count = 0;
	const senders = Array.from({ length: SENDERS }, async () => {
		while (sending) {
			const workflowId = `wf-${++count}`;
			const eventId = await fleet.post(fleet.members[count % fleet.members.length] as Member, workflowId);
			if (eventId !== null) acknowledged.set(workflowId, eventId);
			else {
				refused++;
				await pause(100);
			}
		}
	});
	const more = async (what: string) => {
		const before = acknowledged.size;
		await eventually(what, 60_000, () => acknowledged.size >= before + BETWEEN);
	};
	try {
		await more('webhooks taken in by the primary');
		await options.meanwhile(more, () => refused);
		await fleet.postgres.kill();
		await next.query('SELECT pg_promote(true, 30)');
		for (const { proxy } of fleet.members) {
			proxy.target = next.port;
			proxy.reset();
		}
		await more('webhooks taken in by what was the standby');
	} finally {
		sending = false;
		await Promise.all(senders);
	}

	const url = next.url(new URL(fleet.databaseUrl).pathname.slice(1));
	await eventually('nothing pending', 3 * LEASE_MS, async () => {
		const [row] = await next.query<{ n: number }>(
			"SELECT count(*)::int AS n FROM cleanlist_relay.deliveries WHERE state IN ('ready', 'leased')",
			url,
		);
		return row?.n === 0;
	});
	const events = await next.query<{ id: string; workflow_id: string; states: string[] }>(
		`SELECT e.id, e.workflow_id, array_agg(d.state) AS states FROM cleanlist_relay.events e
		JOIN cleanlist_relay.deliveries d ON d.event_seq = e.seq GROUP BY e.seq`,
		url,
	);
	const byWorkflow = new Map(events.map((event) => [event.workflow_id, event]));
	expect(byWorkflow.size).toBe(events.length);
	expect(events.filter(({ states }) => states.join() !== 'delivered')).toEqual([]);
	const received = new Map(
		sink.received.map(({ body, headers }) => [
			(JSON.parse(body) as { workflow_id: string }).workflow_id,
			headers['webhook-id'],
		]),
	);
	const lost = [...acknowledged]
		.filter(([workflowId, id]) => byWorkflow.get(workflowId)?.id !== id || received.get(workflowId) !== id)
		.map(([workflowId]) => workflowId);
	return { lost };
}

test('a failover to a synchronous standby under load loses nothing that was acknowledged', async () => {
	const { lost } = await failOver({ synchronous: true, meanwhile: async () => undefined });
	expect(lost).toEqual([]);
});

test('a synchronous standby that was cut off before the primary was lost lacks nothing that was acknowledged', async () => {
	const { lost } = await failOver({
		synchronous: true,
		meanwhile: async (_more, refused) => {
			link.mode = 'silent';
			await eventually('webhooks refused, as they are not on two disks', 60_000, () => refused() > 0);
		},
	});
	expect(lost).toEqual([]);
});

test('control: an asynchronous standby that was cut off lacks what was acknowledged meanwhile', async () => {
	const { lost } = await failOver({
		synchronous: false,
		meanwhile: async (more) => {
			link.mode = 'silent';
			await more('webhooks taken in without the standby');
		},
	});
	expect(lost.length).toBeGreaterThanOrEqual(BETWEEN);
});
