import { startReceiver } from '../relay/harness.ts';
import type { Receiver } from '../relay/harness.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { eventually, pause } from './eventually.ts';
import { startFleet } from './fleet.ts';
import type { Fleet, Member } from './fleet.ts';

const SENDERS = 6;
const BETWEEN = 200;
const LEASE_MS = 60_000;

let fleet: Fleet;
let standby: TestPostgres | null = null;
let sink: Receiver;
beforeEach(async () => {
	fleet = await startFleet(2);
	sink = await startReceiver();
});
afterEach(async () => {
	await fleet.dispose();
	await standby?.dispose();
	await sink.close();
});

/** The primary is lost for good, and a standby takes over under the address the relays know. */
test('a failover to a synchronous standby under load loses nothing that was acknowledged', async () => {
	await fleet.subscribe(sink.url);
	standby = await fleet.postgres.standby();
	const next = standby;

	/** Event id by workflow id, of what was answered 2xx. */
	const acknowledged = new Map<string, string>();
	let sending = true;
	let count = 0;
	const senders = Array.from({ length: SENDERS }, async () => {
		while (sending) {
			const workflowId = `wf-${++count}`;
			const eventId = await fleet.post(fleet.members[count % fleet.members.length] as Member, workflowId);
			if (eventId !== null) acknowledged.set(workflowId, eventId);
			else await pause(100);
		}
	});
	const more = async (what: string) => {
		const before = acknowledged.size;
		await eventually(what, 60_000, () => acknowledged.size >= before + BETWEEN);
	};
	try {
		await more('webhooks taken in by the primary');
		await fleet.postgres.kill();
		await next.query('SELECT pg_promote(true, 30)');
		for (const { proxy } of fleet.members) {
			proxy.target = next.port;
			proxy.reset();
		}
		const atFailover = new Map(acknowledged);
		expect(atFailover.size).toBeGreaterThanOrEqual(BETWEEN);
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
	const received = new Map(
		sink.received.map(({ body, headers }) => [
			(JSON.parse(body) as { workflow_id: string }).workflow_id,
			headers['webhook-id'],
		]),
	);
	for (const [workflowId, id] of acknowledged) {
		expect(byWorkflow.get(workflowId)).toEqual({ id, workflow_id: workflowId, states: ['delivered'] });
		expect([workflowId, received.get(workflowId)]).toEqual([workflowId, id]);
	}
});
