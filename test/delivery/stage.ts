import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { createBodies } from '../../relay/src/bodies.ts';
import { createAddressGuard, createDispatcher } from '../../relay/src/delivery/index.ts';
import type { Dispatcher, Outcome } from '../../relay/src/delivery/index.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { createSealer } from '../../relay/src/sealing.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import type { NewEvent, Store, StoredDelivery, Subscription } from '../../relay/src/store/port.ts';
import { aSubscription, anEvent } from '../store/conformance.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { watched } from '../support/watched-store.ts';

export const sealer = createSealer([{ id: 1, key: Buffer.alloc(32, 7) }]);
const bodies = createBodies({ sealer, encrypt: false });
export const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
/** No jitter, so that the times of the schedule are exact. */
const ids = { ...systemIds, fraction: () => 0 };

/** Everything a delivery passes through, real but for the clock: store on disk, dispatcher, sender, guard. */
export interface Stage {
	store: Store;
	clock: TestClock;
	/** What was logged. */
	lines: Record<string, unknown>[];
	/** What became of each attempt. */
	outcomes: Outcome[];
	start(overrides?: Partial<Parameters<typeof createDispatcher>[0]>): Dispatcher;
	/** Moves time once the dispatcher has nothing left to do but wait. */
	advance(ms: number): Promise<void>;
	subscribe(overrides: Partial<Subscription> & { url: string }): Promise<Subscription>;
	ingest(overrides?: Partial<NewEvent>): Promise<NewEvent>;
	/** The delivery of an event, of those with one. */
	delivery(eventId: string): Promise<StoredDelivery>;
	/** Waits until so many attempts are settled and none is under way. */
	attempted(eventId: string, attempts: number): Promise<void>;
	/** Waits until the delivery is in this state. */
	settled(eventId: string, state: string): Promise<void>;
	close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
	const folder = await mkdtemp(join(tmpdir(), 'delivery-'));
	const { store, quiet } = watched(await openSqliteStore({ path: join(folder, 'relay.sqlite') }));
	await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: 0 });
	// The library that verifies signatures compares timestamps with the real clock.
	const clock = createTestClock(Date.now(), quiet);
	const lines: Record<string, unknown>[] = [];
	const outcomes: Outcome[] = [];
	const running: Dispatcher[] = [];

	const delivery = async (eventId: string) => {
		const [found] = await store.listDeliveries({ eventId, limit: 10 });
		if (!found) throw new Error('no delivery');
		return found;
	};

	return {
		store,
		clock,
		lines,
		outcomes,
		start(overrides = {}) {
			const log = pino(
				{ level: 'debug' },
				{ write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
			);
			const guard = createAddressGuard({ allow: ['127.0.0.1'] });
			const onOutcome = (outcome: Outcome) => void outcomes.push(outcome);
			const dispatcher = createDispatcher({
				...{ store, clock, ids, sealer, bodies, guard, log, onOutcome },
				alone: true,
				...overrides,
			});
			running.push(dispatcher);
			dispatcher.start();
			return dispatcher;
		},
		async advance(ms) {
			await quiet();
			await clock.advance(ms);
		},
		async subscribe(overrides) {
			const subscription = aSubscription({
				sealedSecret: sealer.seal(secret),
				concurrency: 5,
				...overrides,
			});
			await store.createSubscription(subscription);
			return subscription;
		},
		async ingest(overrides) {
			const event = anEvent({ receivedAt: clock.now(), ...overrides });
			await store.ingest(event);
			return event;
		},
		delivery,
		attempted: (eventId, attempts) =>
			until(`attempt ${attempts} is settled`, async () => {
				const { attempts: made, state } = await delivery(eventId);
				return made.length >= attempts && state !== 'leased';
			}),
		settled: (eventId, state) =>
			until(`the delivery is ${state}`, async () => (await delivery(eventId)).state === state),
		async close() {
			let stopped = false;
			const stopping = Promise.all(running.map((dispatcher) => dispatcher.stop(0)));
			void stopping.finally(() => (stopped = true));
			while (!stopped) await clock.advance(1);
			await stopping;
			await store.close();
			await rm(folder, { recursive: true, force: true });
		},
	};
}
