import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventDetail, EventsResponse, SourcesResponse } from '../../relay/src/contract/relay-api.ts';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';
import { startWitness } from './sender-and-receiver.ts';
import type { Witness } from './sender-and-receiver.ts';

/** Webhooks sent at once while a point is armed. */
const AT_ONCE = 12;
/** A lease, and then some: how far each next process's clock is ahead where leases have to run out. */
const PAST_LEASES_MS = 61_000;
/** For a point to be reached and for everything to be delivered: far less than the 60 s of a lease. */
const GIVE_UP_MS = 30_000;

/** Where the outside, and not the preload, does the killing. */
const BY_SENDER = 'answer: as the first sender has it';
const BY_RECEIVER = 'attempt: as the receiver has it';

const ATTEMPT = [
	'attempt: before the request',
	'attempt: after the request was sent',
	BY_RECEIVER,
	'attempt: after the receiver answered',
];
const steps = (when: string[]) =>
	['event', 'claim', 'settlement', 'release'].flatMap((step) => when.map((at) => `${step}: ${at}`));

export const SQLITE_POINTS = [
	'transaction: before it begins',
	...steps(['before it is written', 'written, not committed', 'before COMMIT', 'after COMMIT']),
	BY_SENDER,
	...ATTEMPT,
];
/**
 * Most of what the relay asks of PostgreSQL is one statement, a transaction of its own. COMMIT is sent right behind a
 * claim: "before COMMIT" is between the two, "written, not committed" before COMMIT is answered.
 */
export const POSTGRES_POINTS = [
	...steps(['before it is written', 'sent', 'after COMMIT']),
	'claim: written, not committed',
	'claim: before COMMIT',
	BY_SENDER,
	...ATTEMPT,
];

/**
 * One relay through many lives on one store: each is killed at the next point, while webhooks come in and deliveries go
 * out, and the one after it has to bring everything to its end.
 */
export function testCrashPoints(options: {
	points: string[];
	/** More environment for the relay, such as where its database is. */
	env: () => Record<string, string>;
	/** True where the next process can't know that its predecessor is gone: leases have to run out. */
	leasesRunOut: boolean;
}): void {
	const { points, env, leasesRunOut } = options;
	let folder: string;
	let witness: Witness;
	let relay: RelayProcess;
	let lives = 0;
	const armed = () => join(folder, 'armed');

	async function start(point: string): Promise<void> {
		relay = await startRelay({
			dataFolder: join(folder, 'data'),
			env: {
				RELAY_REFERENCE: 'off',
				RELAY_SHUTDOWN_BUDGET_MS: '50',
				NODE_OPTIONS: `--import=${join(import.meta.dirname, 'preload.ts')}`,
				CRASH_POINT: point,
				CRASH_ARMED: armed(),
				CRASH_CLOCK_MS: String(leasesRunOut ? lives * PAST_LEASES_MS : 0),
				...env(),
			},
		});
		lives++;
	}
	const ingestUrl = async () =>
		SourcesResponse.parse(await relay.api('/sources')).sources[0]?.ingest_url ?? '';

	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), 'relay-crash-'));
		witness = await startWitness();
		await start(points[0] ?? '');
		await relay.api('/subscriptions', { url: witness.url });
	});
	afterAll(async () => {
		await relay.dispose();
		await witness.close();
		rmSync(folder, { recursive: true });
	});

	test.each(points.map((point, index) => ({ point, next: points[index + 1] ?? '' })))(
		'$point',
		async ({ point, next }) => {
			const workflows = Array.from({ length: AT_ONCE }, (_, n) => `wf-${point}-${n}`);
			await crash(point, workflows);
			await start(next);

			// The vendor sends again what was not answered.
			const unanswered = workflows.filter((workflow) => !witness.acknowledged.has(workflow));
			await witness.send(await ingestUrl(), unanswered);
			expect([...witness.acknowledged.keys()]).toEqual(expect.arrayContaining(workflows));
			await until(
				`everything is delivered after ${point}`,
				async () => {
					const events = await Promise.all(workflows.map(eventOf));
					return events.every(({ deliveries }) => deliveries.every(({ state }) => state === 'delivered'));
				},
				GIVE_UP_MS,
			);
			for (const workflow of workflows) await expectOnceAndDelivered(workflow);
		},
		120_000,
	);

	test('at the end, every event of every life is there once', async () => {
		const ids = [...witness.acknowledged.values()];
		expect(new Set(ids).size).toBe(points.length * AT_ONCE);
		expect([...witness.received.keys()].sort()).toEqual([...witness.acknowledged.keys()].sort());
		for (const workflow of witness.acknowledged.keys()) await expectOnceAndDelivered(workflow);
		// At least once is all that can be promised to a receiver: some died between its answer and its record.
		expect([...witness.received.values()].some((ids) => ids.length > 1)).toBe(true);
	}, 120_000);

	/** Arms the point, lets webhooks come in, and returns once the process is dead. */
	async function crash(point: string, workflows: string[]): Promise<void> {
		const kill = () => relay.signal('SIGKILL');
		const stopping = point.startsWith('release');
		witness.receive(stopping ? 'hold' : 'answer', point === BY_RECEIVER ? kill : undefined);
		// Asked before: the relay has transactions of its own, and may die by one as soon as the point is armed.
		const url = await ingestUrl();
		writeFileSync(armed(), '');
		const sent = witness.send(url, workflows, point === BY_SENDER ? kill : undefined);
		if (stopping) {
			await sent;
			await until('the receiver holds deliveries', () => witness.held > 0, GIVE_UP_MS);
			relay.signal('SIGTERM');
		}
		let exit: unknown = null;
		void relay.exited.then((how) => (exit = how));
		await until(`the relay dies at "${point}"`, () => exit !== null, GIVE_UP_MS);
		await sent;
		if (existsSync(armed())) rmSync(armed());
		witness.receive('answer');
		expect(exit).toEqual({ code: null, signal: 'SIGKILL' });
	}

	async function eventOf(workflow: string): Promise<EventDetail> {
		return EventDetail.parse(await relay.api(`/events/${witness.acknowledged.get(workflow)}`));
	}

	async function expectOnceAndDelivered(workflow: string): Promise<void> {
		const id = witness.acknowledged.get(workflow);
		const listed = EventsResponse.parse(
			await relay.api(`/events?workflow_id=${encodeURIComponent(workflow)}`),
		);
		expect(listed.events.map((event) => event.id)).toEqual([id]);
		const ids = witness.received.get(workflow) ?? [];
		expect(ids.length).toBeGreaterThan(0);
		expect(new Set(ids)).toEqual(new Set([id]));
		const { deliveries } = await eventOf(workflow);
		expect(deliveries.map(({ state }) => state)).toEqual(['delivered']);
	}
}
