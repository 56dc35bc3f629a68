import { startReceiver } from '../relay/harness.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { startRelayUnderTest } from './relay-under-test.ts';
import type { RelayUnderTest } from './relay-under-test.ts';
import { mountSmallDisk } from './small-disk.ts';
import type { SmallDisk } from './small-disk.ts';

/** The tables of a real PostgreSQL on a small file system that really is full. */

const FILLER = 'x'.repeat(100_000);
const REFUSED_FOR_SPACE = { status: 503, code: 'store_full', retryAfter: expect.stringMatching(/^\d+$/) };

let disk: SmallDisk;
let postgres: TestPostgres;
let relay: RelayUnderTest;
beforeEach(async () => {
	disk = mountSmallDisk(64);
	postgres = await startPostgres();
	await postgres.query(`CREATE TABLESPACE small LOCATION '${disk.folderForPostgres()}'`);
	await postgres.query('CREATE DATABASE on_small_disk TABLESPACE small');
	relay = await startRelayUnderTest({ env: { DATABASE_URL: postgres.url('on_small_disk') } });
});
afterEach(async () => {
	await relay.dispose();
	await postgres.dispose();
	disk.dispose();
});

test("with the database's disk full, webhooks get 503 with Retry-After, nothing is half kept, and freed it goes on", async () => {
	const receiver = await startReceiver();
	try {
		await relay.api('/subscriptions', { url: receiver.url });
		await Promise.all(Array.from({ length: 30 }, (_, n) => relay.post(`before-${n}`)));
		await relay.delivered();
		disk.fill();

		// What room its files have left takes some more; then it is full for one alone and for many at once.
		for (let n = 0; (await relay.post(`last-${n}`, FILLER)).status === 200; n++)
			expect(n).toBeLessThan(1_000);
		const workflows = Array.from({ length: 40 }, (_, n) => `full-${n}`);
		for (const workflow of workflows.slice(0, 5)) {
			expect(await relay.post(workflow, FILLER)).toEqual(REFUSED_FOR_SPACE);
		}
		const answers = await Promise.all(workflows.slice(5).map((workflow) => relay.post(workflow, FILLER)));
		for (const answer of answers) expect(answer).toEqual(REFUSED_FOR_SPACE);
		expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
		expect(await relay.missing()).toEqual([]);
		const kept = await relay.workflows();
		expect(workflows.filter((workflow) => kept.has(workflow))).toEqual([]);
		const [left] = await postgres.query<{ n: number }>(
			`SELECT (SELECT count(*) FROM cleanlist_relay.events)::int - (SELECT count(*) FROM cleanlist_relay.bodies)::int
				+ abs((SELECT count(*) FROM cleanlist_relay.dedupe_keys)::int - (SELECT count(*) FROM cleanlist_relay.events)::int) AS n`,
			postgres.url('on_small_disk'),
		);
		expect(left?.n).toBe(0);

		disk.free();
		await relay.postUntilTaken('after');
		// The sender tries again what was refused: new, and not a duplicate of anything.
		for (const workflow of workflows) expect((await relay.post(workflow, FILLER)).status).toBe(200);
		await relay.delivered();
		expect(await relay.missing()).toEqual([]);
	} finally {
		await receiver.close();
	}
});
