import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startRelayUnderTest } from './relay-under-test.ts';
import type { RelayUnderTest } from './relay-under-test.ts';

/** Another process, an operator's sqlite3 for one, holds the database's write lock. */

let relay: RelayUnderTest;
beforeEach(async () => {
	relay = await startRelayUnderTest({});
});
afterEach(() => relay.dispose());

/** Takes the write lock in a process of its own; returns how to give it back. */
async function lock(): Promise<() => Promise<void>> {
	const holder = fork(join(import.meta.dirname, 'hold-lock.ts'), [join(relay.dataFolder, 'relay.sqlite')], {
		execArgv: [],
	});
	await once(holder, 'message');
	return async () => {
		holder.kill();
		await once(holder, 'exit');
	};
}

test('locked for less than the busy time-out, a webhook waits and is taken in', async () => {
	const unlock = await lock();
	const answer = relay.post('wf-1');
	// The request is under way, as the relay's answer to another one shows.
	expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
	await unlock();
	expect((await answer).status).toBe(200);
	expect(await relay.missing()).toEqual([]);
});

test('locked for longer, a webhook is answered 503 with Retry-After, and later ones are taken in', async () => {
	await relay.post('before');
	const unlock = await lock();
	expect(await relay.post('wf-1')).toEqual({
		status: 503,
		code: 'store_busy',
		retryAfter: expect.stringMatching(/^\d+$/),
	});
	await unlock();
	expect((await relay.post('wf-1')).status).toBe(200);
	expect(await relay.missing()).toEqual([]);
});
