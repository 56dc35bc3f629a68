/**
 * The relay's HTTP server with its inbox, on the real store or on none: what is measured and what it is measured
 * against differ in nothing else. Started by run.ts: `node ingest-server.ts <sqlite file | none>`. Prints the
 * ingest URL, serves until its standard input ends, then prints how many events are on disk.
 */
import { DatabaseSync } from 'node:sqlite';
import pino from 'pino';
import { systemClock } from '../src/clock.ts';
import { createSealer, deriveIngestToken, sha256 } from '../src/crypto.ts';
import { createAddressGuard } from '../src/delivery/index.ts';
import { createHttp } from '../src/http/server.ts';
import { systemIds } from '../src/ids.ts';
import { createInbox } from '../src/inbox/index.ts';
import { openSqliteStore } from '../src/store/sqlite/index.ts';
import type { Source, Store } from '../src/store/port.ts';

const [path = 'none'] = process.argv.slice(2);
const stores = path !== 'none';

const masterKey = systemIds.bytes(32);
const token = deriveIngestToken(masterKey, 'default');
const source: Source = {
	id: 'default',
	name: 'Bench',
	tokenHash: sha256(token),
	createdAt: systemClock.now(),
};

const store = await openSqliteStore({ path: stores ? path : ':memory:' });
await store.putSource(source);
const storeless: Store = {
	...store,
	ingest: async (event) => ({ kind: 'stored', eventId: event.id, deliveries: 0 }),
};

const log = pino({ level: 'warn' });
const used = stores ? store : storeless;
const clock = systemClock;
const ids = systemIds;
const { http } = await createHttp({
	store: used,
	inbox: createInbox({ store: used, clock, ids, log, onStored: () => undefined }),
	guard: createAddressGuard({ allow: [] }),
	sealer: createSealer(masterKey),
	clock,
	ids,
	log,
	trustProxy: [],
	ingestUrl: () => '',
	isStopping: () => false,
	reference: null,
});
const origin = await http.listen({ host: '127.0.0.1', port: 0 });
console.log(`${origin}/in/${token}`);

process.stdin.resume();
process.stdin.on('end', () => void finish());

async function finish(): Promise<void> {
	await http.close();
	await store.close();
	let stored = 0;
	if (stores) {
		const db = new DatabaseSync(path, { readOnly: true });
		stored = (db.prepare('SELECT count(*) AS n FROM events').get() as { n: number }).n;
		db.close();
	}
	console.log(stored);
}
