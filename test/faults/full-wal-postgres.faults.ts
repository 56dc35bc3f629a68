import { startReceiver } from '../relay/harness.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { startRelayUnderTest } from './relay-under-test.ts';
import type { Answer, RelayUnderTest } from './relay-under-test.ts';
import { MEBIBYTE, mountSmallDisk } from './small-disk.ts';
import type { SmallDisk } from './small-disk.ts';

/** All that a real PostgreSQL writes, its write-ahead log too, on a small file system that really is full. */

const FILLER = 'x'.repeat(100_000);

let disk: SmallDisk;
let postgres: TestPostgres;
let relay: RelayUnderTest;
beforeEach(async () => {
	disk = mountSmallDisk(160);
	// As small as a log can be kept: segments that are there already need no room.
	postgres = await startPostgres({ min_wal_size: '32MB', max_wal_size: '32MB' }, disk.folderForPostgres());
	relay = await startRelayUnderTest({ env: { DATABASE_URL: await postgres.createDatabase() } });
});
afterEach(async () => {
	await relay.dispose();
	await postgres.dispose();
	disk.dispose();
});

/** Whether the server is gone for good, and not about to recover from a crash. */
const isGone = () =>
	postgres.query('SELECT').then(
		() => false,
		(error: unknown) => (error as NodeJS.ErrnoException).code === 'ECONNREFUSED',
	);

test("with the log's disk full PostgreSQL goes down; what was acknowledged is delivered once it is started with room", async () => {
	const receiver = await startReceiver();
	try {
		await relay.api('/subscriptions', { url: receiver.url });
		await Promise.all(Array.from({ length: 30 }, (_, n) => relay.post(`before-${n}`)));
		// Tables find room for a while yet; a segment of the log, of 16 MiB, does not.
		disk.fill(4 * MEBIBYTE);

		// Senders go on while the database takes the last that fits, crashes and stays down.
		const answers: Answer[] = [];
		let down = false;
		const senders = Array.from({ length: 4 }, async (_, sender) => {
			for (let n = 0; !down; n++)
				answers.push(await relay.post(`during-${sender}-${n}`, n % 2 === 0 ? '' : FILLER));
		});
		await until(
			'the log has no room and the server is gone',
			async () => {
				// A crash it can recover from is not the end yet: the log is written to until it is.
				await postgres
					.query("SELECT pg_logical_emit_message(false, 'fill', repeat('x', 100000))")
					.catch(() => undefined);
				return isGone();
			},
			60_000,
		);
		expect(postgres.log()).toMatch(/PANIC: .*No space left on device/);
		down = true;
		await Promise.all(senders);
		answers.push(await relay.post('down'));
		expect(answers.at(-1)?.status).toBe(503);
		expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
		for (const { status, retryAfter } of answers) {
			if (status === 503) expect(retryAfter).toMatch(/^\d+$/);
		}
		expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
		expect((await fetch(`${relay.url}/readyz`)).status).toBe(503);

		disk.free();
		await postgres.stop();
		await postgres.start();
		await relay.postUntilTaken('after');
		expect(await relay.missing()).toEqual([]);
		await relay.delivered();
		const delivered = receiver.received.map(
			({ body }) => (JSON.parse(body) as { workflow_id: string }).workflow_id,
		);
		expect([...relay.acknowledged.keys()].filter((workflow) => !delivered.includes(workflow))).toEqual([]);
	} finally {
		await receiver.close();
	}
});
