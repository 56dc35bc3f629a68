/** The thread that has the database: it takes batches of calls and answers with a batch of outcomes (thread.ts). */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { giveBackStartupMemoryWhenIdle } from '../../memory.ts';
import { createBatchRunner, failure, isProgress } from './batch.ts';
import type { Call, Outcome } from './batch.ts';
import { createCheckpointer } from './checkpoint.ts';
import { openEngine } from './engine.ts';
import type { Engine } from './engine.ts';

/** To the thread: calls, or `null` to close. */
export type ToWorker = Call[] | null;
/** From it: the answer to the opening, then one for each batch. */
export type FromWorker = Outcome[];

const port = parentPort!;
const answer = (outcomes: FromWorker) => port.postMessage(outcomes);

/** How long progress that no write follows may be missing on disk, in ms. */
const SYNC_WITHIN_MS = 50;

const engine = open(workerData as string);
if (engine) {
	serve(engine);
	giveBackStartupMemoryWhenIdle();
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
	let syncing: NodeJS.Timeout | null = null;

	/** A ping waits for the disk, and everything before it is there then too. */
	function syncSoon(): void {
		syncing ??= setTimeout(() => {
			syncing = null;
			run([{ name: 'ping', args: [] }]);
		}, SYNC_WITHIN_MS);
	}

	port.on('message', (message: ToWorker) => {
		const { calls, closing } = withWhatCame(message);
		if (calls.length > 0) {
			answer(run(calls));
			if (calls.some(isProgress)) syncSoon();
			tidyUp(() => opened.keys.foldIfDue(performance.now()));
			tidyUp(() => checkpoint.checkpointIfDue(performance.now()));
		}
		if (!closing) return;
		if (syncing) clearTimeout(syncing);
		tidyUp(() => opened.keys.fold());
		opened.db.close();
		port.close();
	});
}

/** One batch of this message and all those that came while the last batch was worked at. */
function withWhatCame(message: ToWorker): { calls: Call[]; closing: boolean } {
	const calls: Call[] = [];
	for (let next: ToWorker | undefined = message; next !== undefined; next = received()) {
		if (next === null) return { calls, closing: true };
		calls.push(...next);
	}
	return { calls, closing: false };
}

function received(): ToWorker | undefined {
	const came: { message: ToWorker } | undefined = receiveMessageOnPort(port);
	return came?.message;
}

/** Work that nobody waits for. One that fails, at a full disk say, loses nothing and is tried again after the next batch. */
function tidyUp(work: () => void): void {
	try {
		work();
	} catch {
		// What writes next says what is wrong, to whom it matters.
	}
}
