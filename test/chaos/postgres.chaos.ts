import { Webhook } from 'standardwebhooks';
import { startReceiver } from '../relay/harness.ts';
import type { Receiver } from '../relay/harness.ts';
import { eventually, pause } from './eventually.ts';
import { startFleet } from './fleet.ts';
import type { Fleet, Member } from './fleet.ts';

/** Repeat a run with CHAOS_SEED=<number>; the seed is in the name of the test. */
const SEED = Number(process.env.CHAOS_SEED ?? 1);
const BLOWS = 14;
/** Senders at work, and webhooks acknowledged between two blows. */
const SENDERS = 6;
const BETWEEN = 50;
/** A lease, and what a loaded machine takes on top of it. */
const LEASE_MS = 60_000;
const SLACK_MS = 10_000;

let fleet: Fleet;
const receivers: Receiver[] = [];
const receive = async (...args: Parameters<typeof startReceiver>) => {
	const receiver = await startReceiver(...args);
	receivers.push(receiver);
	return receiver;
};
beforeEach(async () => {
	fleet = await startFleet(3);
});
afterEach(async () => {
	await fleet.dispose();
	for (const receiver of receivers.splice(0)) await receiver.close();
});

const restart = async (member: Member) => {
	await member.kill();
	await member.start();
};

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

test(`three relays, killed, cut off and bereft of their database, lose nothing that they acknowledged (seed ${SEED})`, async () => {
	const draw = random(SEED);
	const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)] as T;
	const sinks = [await receive(), await receive()];
	const secrets = new Map<Receiver, string>();
	for (const sink of sinks) secrets.set(sink, (await fleet.subscribe(sink.url)).secret);

	/** Event id by workflow id, of what was answered 2xx. */
	const acknowledged = new Map<string, string>();
	let sending = true;
	let count = 0;
	const senders = Array.from({ length: SENDERS }, async () => {
		while (sending) {
			const workflowId = `wf-${++count}`;
			// As Cleanlist does, the same again until it is acknowledged; here, by whichever relay is at hand.
			for (let tries = 0; tries < 5; tries++) {
				const eventId = await fleet.post(
					fleet.members[(count + tries) % fleet.members.length] as Member,
					workflowId,
				);
				if (eventId !== null) {
					acknowledged.set(workflowId, eventId);
					break;
				}
				await pause(100);
			}
		}
	});

	const blows: Record<string, () => Promise<unknown>> = {
		'kill a relay': () => restart(pick(fleet.members)),
		'kill two relays': async () => {
			const spared = pick(fleet.members);
			await Promise.all(fleet.members.filter((member) => member !== spared).map(restart));
		},
		'cut a relay off': async () => pick(fleet.members).proxy.reset(),
		'cut all off': async () => fleet.members.forEach(({ proxy }) => proxy.reset()),
		'silence a relay': async () => {
			const { proxy } = pick(fleet.members);
			proxy.mode = 'silent';
			await pause(500);
			proxy.forget();
		},
		'restart the database': async () => {
			await fleet.postgres.stop();
			await fleet.postgres.start();
		},
		'kill the database': async () => {
			await fleet.postgres.kill();
			await fleet.postgres.start();
		},
	};
	const plan = [
		...Object.keys(blows),
		...Array.from({ length: BLOWS }, () => pick(Object.keys(blows))),
	].slice(0, BLOWS);
	for (const blow of plan) {
		const before = acknowledged.size;
		await eventually(
			`webhooks taken in before "${blow}"`,
			60_000,
			() => acknowledged.size >= before + BETWEEN,
		);
		await (blows[blow] as () => Promise<unknown>)();
	}
	sending = false;
	await Promise.all(senders);

	const pending = () =>
		fleet.postgres.query<{ n: number }>(
			"SELECT count(*)::int AS n FROM cleanlist_relay.deliveries WHERE state IN ('ready', 'leased')",
			fleet.databaseUrl,
		);
	await eventually('nothing pending', 3 * LEASE_MS, async () => (await pending())[0]?.n === 0);

	expect(acknowledged.size).toBeGreaterThanOrEqual(BLOWS * BETWEEN);
	// Present once: each workflow is one event, and it is the one whose id was answered.
	const events = await fleet.postgres.query<{
		id: string;
		workflow_id: string;
		delivered: number;
		deliveries: number;
	}>(
		`SELECT e.id, e.workflow_id, count(d.id)::int AS deliveries,
			(count(d.id) FILTER (WHERE d.state = 'delivered'))::int AS delivered
		FROM cleanlist_relay.events e LEFT JOIN cleanlist_relay.deliveries d ON d.event_seq = e.seq GROUP BY e.seq`,
		fleet.databaseUrl,
	);
	const byWorkflow = new Map(events.map((event) => [event.workflow_id, event]));
	expect(byWorkflow.size).toBe(events.length);
	for (const [workflowId, id] of acknowledged) {
		expect(byWorkflow.get(workflowId)).toEqual({
			id,
			workflow_id: workflowId,
			deliveries: sinks.length,
			delivered: sinks.length,
		});
	}
	// Delivered at least once to each, signed, and a duplicate is recognisable by its webhook-id.
	for (const sink of sinks) {
		const webhook = new Webhook(secrets.get(sink) as string);
		const seen = new Map<string, string>();
		for (const { body, headers } of sink.received) {
			const { workflow_id: workflowId } = JSON.parse(body) as { workflow_id: string };
			const id = String(headers['webhook-id']);
			webhook.verify(body, headers as Record<string, string>);
			expect([workflowId, id]).toEqual([workflowId, seen.get(workflowId) ?? id]);
			seen.set(workflowId, id);
		}
		for (const [workflowId, id] of acknowledged)
			expect([workflowId, seen.get(workflowId)]).toEqual([workflowId, id]);
	}
});

test('what a relay had in hand when it was killed is taken over within a minute', async () => {
	// The first attempt is held for good.
	const sink = await receive((response) => {
		if (sink.received.length > 1) response.end();
	});
	await fleet.subscribe(sink.url);
	const [first, ...others] = fleet.members as [Member, ...Member[]];
	// The others can't get at it meanwhile, so the one that took it in has it.
	for (const { proxy } of others) proxy.mode = 'silent';
	const eventId = await fleet.post(first, 'wf-held');
	await sink.waitFor(1);
	await first.kill();
	for (const { proxy } of others) proxy.forget();
	const killedAt = performance.now();
	await eventually('taken over', LEASE_MS + SLACK_MS, () => sink.received.length > 1);
	expect(performance.now() - killedAt).toBeLessThan(LEASE_MS + SLACK_MS);
	expect(sink.received.map(({ headers }) => headers['webhook-id'])).toEqual([eventId, eventId]);
	expect(sink.received.map(({ headers }) => headers['webhook-attempt'])).toEqual(['1', '2']);
});
