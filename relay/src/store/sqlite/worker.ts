/** The thread that has the database: it takes batches of calls and answers with a batch of outcomes (thread.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { giveBackStartupMemory } from '../../startup-memory.ts';
import { createBatchRunner, failure } from './batch.ts';
import type { Call, Outcome } from './batch.ts';
import { createCheckpointer } from './checkpoint.ts';
import { openEngine } from './engine.ts';
import type { Engine } from './engine.ts';

/** To the thread: a batch, or `null` to close. */
export type ToWorker = Call[] | null;
/** From it: the answer to the opening, then one for each batch. */
export type FromWorker = Outcome[];

/** Calls in a batch from which on there is much to do. At 1,000 webhooks a second there are one or two. */
const BUSY_CALLS = 12;

const port = parentPort!;
const answer = (outcomes: FromWorker) => port.postMessage(outcomes);

/** In ms. By then a backlog is on its way; what waits once for it waits 30 ms. */
const GIVE_BACK_AFTER_MS = 1_000;

const engine = open(workerData as string);
if (engine) {
	serve(engine);
	setTimeout(giveBackStartupMemory, GIVE_BACK_AFTER_MS).unref();
}

function open(path: string): Engine | null {
	try {
		const opened = openEngine(path);
		answer([{ value: undefined }]);
		return opened;
	} catch (error) {
		answer([failure(error)]);
		return null;
	}
}

function serve(opened: Engine): void {
	const run = createBatchRunner(opened);
	const checkpoint = createCheckpointer(opened.db);
	port.on('message', (message: ToWorker) => {
		if (message === null) {
			tidyUp(() => opened.keys.fold());
			opened.db.close();
			port.close();
			return;
		}
		answer(run(message));
		const busy = message.length >= BUSY_CALLS;
		tidyUp(() => opened.keys.foldIfDue(busy));
		tidyUp(() => checkpoint.checkpointIfDue(busy));
	});
}

/** Work that nobody waits for. One that fails, at a full disk say, loses nothing and is tried again after the next batch. */
function tidyUp(work: () => void): void {
	try {
		work();
	} catch {
		// What writes next says what is wrong, to whom it matters.
	}
}
