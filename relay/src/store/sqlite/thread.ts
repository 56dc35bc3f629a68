import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../port.ts';
import type { Call, Failure, Outcome } from './batch.ts';
import { withBuffers } from './buffers.ts';
import { toStoreError } from './errors.ts';
import type { FromWorker, ToWorker } from './worker.ts';

/** The engine in a thread of its own: its disk is waited for there, and HTTP goes on here. */
export interface EngineThread {
	/** Runs the call in the next batch. @throws StoreError */
	call(name: Call['name'], args: readonly unknown[]): Promise<unknown>;
	/** Lets what was called finish, then closes the database. */
	close(): Promise<void>;
}

/** Whoever waits for an outcome. */
interface Waiting {
	resolve: (value: unknown) => void;
	reject: (error: StoreError) => void;
}

/**
 * Calls that go to the thread at once, together; fewer go when this turn of the event loop is over. Under load a turn
 * reads dozens of webhooks: without it the thread had nothing to do until the last of them was read, and then all were
 * with it and this thread had nothing to do: with 64 connections 0.67 to 0.73 of what the server takes without a store, and
 * with it 0.9 and more, with 8 as with 24.
 */
const CALLS_AT_ONCE = 16;

/**
 * Settlements wait for another call to go with, the next claim most often; so long, in ms, or until there are so many. A batch
 * then writes 44 of them instead of 19, and each page that they share once: 9 µs less for a delivery. What waits is lost with
 * the process, and is then delivered again.
 */
const SETTLEMENTS_WAIT_MS = 5;
const SETTLEMENTS_AT_ONCE = 64;

const CLOSED = 'The store is closed.';
const WORKER = join(import.meta.dirname, `worker${extname(import.meta.filename)}`);

/**
 * Starts the thread and opens the database in it.
 *
 * Calls go over a few in one message, settlements many, and are not waited for. While the thread works at one batch the next
 * collects there: the slower the disk, the larger the batches.
 *
 * @param onLost called when the thread dies by a defect. Everything under way, and everything after, is rejected with a
 *   StoreError `failed`
 * @throws StoreError when the database can't be opened
 */
export async function startEngineThread(path: string, onLost: (error: Error) => void): Promise<EngineThread> {
	const worker = new Worker(WORKER, { workerData: path, name: 'store' });
	/** Not sent yet, who waits for them, and how many of them are settlements. */
	let calls: Call[] = [];
	let callers: Waiting[] = [];
	let settlements = 0;
	let settlementsTimer: NodeJS.Timeout | null = null;
	/** Who waits for what was sent, in order. */
	let underWay: Waiting[] = [];
	let gone: StoreError | null = null;
	let closing: Promise<void> | null = null;

	const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
	const opened = new Promise<Outcome>((resolve) =>
		worker.once('message', ([outcome]: FromWorker) => resolve(outcome!)),
	);

	function fail(error: Error): void {
		if (gone) return;
		gone = new StoreError('failed', `The thread that has the database ended: ${error.message}`, {
			cause: error,
		});
		const left = [...underWay, ...callers];
		underWay = [];
		callers = [];
		calls = [];
		for (const { reject } of left) reject(gone);
		onLost(error);
	}

	function send(): void {
		if (settlementsTimer) clearTimeout(settlementsTimer);
		settlementsTimer = null;
		settlements = 0;
		if (calls.length === 0) return;
		const sent = callers;
		const message: ToWorker = calls;
		callers = [];
		calls = [];
		try {
			worker.postMessage(message);
			underWay.push(...sent);
		} catch (error) {
			// Something in it can't cross to another thread.
			for (const { reject } of sent) reject(toStoreError(error));
		}
	}

	function receive(outcomes: FromWorker): void {
		const answered = underWay.splice(0, outcomes.length);
		for (const [index, { resolve, reject }] of answered.entries()) {
			const outcome = outcomes[index]!;
			if ('value' in outcome) resolve(withBuffers(outcome.value));
			else reject(errorFrom(outcome.error));
		}
	}

	worker.on('error', (error) => fail(error as Error));
	worker.on('exit', () => {
		if (!closing) fail(new Error('it stopped'));
	});
	const outcome = await Promise.race([opened, ended.then(() => null)]);
	if (!outcome || 'error' in outcome) {
		closing = ended;
		await ended;
		throw outcome ? errorFrom(outcome.error) : gone!;
	}
	worker.on('message', receive);

	const enqueue: EngineThread['call'] = (name, args) =>
		new Promise((resolve, reject) => {
			if (gone) return reject(gone);
			calls.push({ name, args });
			callers.push({ resolve, reject });
			if (name === 'settle') {
				settlements++;
				settlementsTimer ??= setTimeout(send, SETTLEMENTS_WAIT_MS);
				if (settlements === SETTLEMENTS_AT_ONCE) send();
				return;
			}
			const urgent = calls.length - settlements;
			if (urgent === 1) setImmediate(send);
			if (urgent === CALLS_AT_ONCE) send();
		});

	async function shutDown(): Promise<void> {
		// Queued behind everything called so far, so its answer is the last.
		await enqueue('ping', []).catch(() => undefined);
		gone ??= new StoreError('failed', CLOSED);
		worker.postMessage(null satisfies ToWorker);
		await ended;
	}

	return {
		call: (name, args) =>
			closing ? Promise.reject(gone ?? new StoreError('failed', CLOSED)) : enqueue(name, args),
		close: () => (closing ??= shutDown()),
	};
}

const errorFrom = ({ code, message, cause }: Failure): StoreError =>
	new StoreError(code, message, cause === null ? undefined : { cause: new Error(cause) });
