import pino from 'pino';
import { createBodies } from '../../relay/src/bodies.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { createInbox } from '../../relay/src/inbox/index.ts';
import type { Inbox } from '../../relay/src/inbox/index.ts';
import { createSealer } from '../../relay/src/sealing.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import type { Source, Store } from '../../relay/src/store/port.ts';
import { aSubscription } from '../store/conformance.ts';
import { createTestClock } from '../support/test-clock.ts';

const source: Source = { id: 'default', name: 'Cleanlist', tokenHash: Buffer.from('h'), createdAt: 0 };
const clock = createTestClock();
const sealer = createSealer([{ id: 1, key: Buffer.alloc(32, 7) }]);
const bodies = createBodies({ sealer, encrypt: false });

describe('inbox', () => {
	let store: Store;
	let inbox: Inbox;
	let lines: Record<string, unknown>[];
	let woken: number;

	beforeEach(async () => {
		store = await openSqliteStore({ path: ':memory:' });
		await store.putSource(source);
		lines = [];
		woken = 0;
		const log = pino({}, { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
		inbox = createInbox({ store, bodies, clock, ids: systemIds, log, onStored: () => woken++ });
	});
	afterEach(() => store.close());

	const receive = (body: string) =>
		inbox.receive(source, { body: Buffer.from(body), contentType: 'application/json' });

	it('stores a webhook, logs when it came and when it was on disk, and wakes the dispatcher', async () => {
		await store.createSubscription(aSubscription());
		const outcome = await receive('{"workflow_id":"w","results":[{"primary_email":"a@b.example"}]}');
		expect(outcome).toMatchObject({ kind: 'stored', deliveries: 1 });
		expect(woken).toBe(1);
		expect(lines).toEqual([
			expect.objectContaining({
				msg: 'event stored',
				event_id: outcome.eventId,
				workflow_id: 'w',
				received_at: clock.now(),
				stored_at: clock.now(),
				deliveries: 1,
			}),
		]);
		expect(JSON.stringify(lines)).not.toContain('a@b.example');
	});

	it('counts the same workflow once, also when its bytes differ', async () => {
		const first = await receive('{"workflow_id":"w"}');
		expect(await receive('{"workflow_id":"w","later":true}')).toEqual({
			kind: 'duplicate',
			eventId: first.eventId,
		});
		expect(lines.at(-1)).toMatchObject({ msg: 'duplicate event counted', event_id: first.eventId });
	});

	it('keeps what it can not read, once for the same bytes, and wakes nobody', async () => {
		await store.createSubscription(aSubscription());
		const first = await receive('not JSON');
		expect(first.kind).toBe('stored');
		expect((await receive('not JSON')).kind).toBe('duplicate');
		expect((await receive('not JSON either')).kind).toBe('stored');
		expect(await store.getEvent(first.eventId)).toMatchObject({
			state: 'quarantined',
			quarantineReason: 'The body is not JSON.',
			bytes: 8,
		});
		expect(woken).toBe(0);
	});

	it('does not let an odd body stand in the way of the readable one of the same workflow', async () => {
		await store.createSubscription(aSubscription());
		await receive('{"workflow_id":"w","results":"oops"}');
		expect(await receive('{"workflow_id":"w","results":[]}')).toMatchObject({
			kind: 'stored',
			deliveries: 1,
		});
	});

	it('rejects, and says nothing was stored, when the store fails', async () => {
		await store.close();
		await expect(receive('{"workflow_id":"w"}')).rejects.toMatchObject({ name: 'StoreError' });
		expect(lines).toEqual([]);
		expect(woken).toBe(0);
	});
});
