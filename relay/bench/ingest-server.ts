/**
 * The relay's HTTP server with its inbox, on the real store or on none: what is measured and what it is measured
 * against differ in nothing else. Started by run.ts: `node ingest-server.ts <sqlite file | none>`. Prints the
 * ingest URL, serves until its standard input ends, then prints a ServerResult.
 */
import { tmpdir } from 'node:os';
import pino from 'pino';
import { systemClock } from '../src/clock.ts';
import { deriveIngestToken, sha256 } from '../src/crypto.ts';
import { createBodies } from '../src/bodies.ts';
import { createSealer } from '../src/sealing.ts';
import { createAddressGuard } from '../src/delivery/index.ts';
import { LIMITS } from '../src/http/limits.ts';
import { createDiskSpace, freeBytes } from '../src/disk-space.ts';
import { createHttp } from '../src/http/server.ts';
import { collectYoungAlone } from '../src/memory.ts';
import { createMetrics } from '../src/metrics.ts';
import { systemIds } from '../src/ids.ts';
import { createAdmission } from '../src/inbox/admission.ts';
import { createInbox } from '../src/inbox/index.ts';
import { withKnownSources } from '../src/store/known-sources.ts';
import { openSqliteStore } from '../src/store/sqlite/index.ts';
import type { Source, Store } from '../src/store/port.ts';
import { storedEvents } from './support.ts';

/** What the server says at its end. */
export interface ServerResult {
	/** Events on disk. */
	stored: number;
	/** CPU time of this process, every thread of it, for each request, in µs; the start not counted. */
	cpuUs: number;
}

collectYoungAlone();
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

const store = withKnownSources(await openSqliteStore({ path: stores ? path : ':memory:' }), systemClock);
await store.putSource(source);
const storeless: Store = {
	...store,
	ingest: async (event) => ({ kind: 'stored', eventId: event.id, deliveries: 0 }),
};

const sealer = createSealer([{ id: 1, key: systemIds.bytes(32) }]);
const bodies = createBodies({ sealer, encrypt: false });
const log = pino({ level: 'warn' });
const used = stores ? store : storeless;
const clock = systemClock;
const ids = systemIds;
let served = 0;
const { http } = await createHttp({
	metrics: createMetrics({ clock, stats: () => used.stats(), underWay: () => 0 }),
	openMetrics: false,
	store: used,
	inbox: createInbox({ store: used, bodies, clock, ids, log, onStored: () => undefined }),
	admission: createAdmission({
		disk: createDiskSpace({ free: () => freeBytes(tmpdir()), reserve: 0, clock }),
	}),
	guard: createAddressGuard({ allow: [] }),
	sealer,
	bodies,
	onDue: () => undefined,
	onStopped: () => undefined,
	clock,
	ids,
	log,
	trustProxy: [],
	limits: { ...LIMITS, connections: 1_000 },
	ingestUrl: () => '',
	isStopping: () => false,
	reference: null,
});
http.addHook('onResponse', (_request, _reply, done) => {
	served++;
	done();
});
const origin = await http.listen({ host: '127.0.0.1', port: 0 });
const beforeLoad = process.cpuUsage();
console.log(`${origin}/in/${token}`);

process.stdin.resume();
process.stdin.on('end', () => void finish());

async function finish(): Promise<void> {
	const { user, system } = process.cpuUsage(beforeLoad);
	await http.close();
	await store.close();
	const result: ServerResult = { stored: stores ? storedEvents(path) : 0, cpuUs: (user + system) / served };
	console.log(JSON.stringify(result));
}
