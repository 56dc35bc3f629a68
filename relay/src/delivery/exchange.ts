import type { Dispatcher } from 'undici';

/** What came of a request: how the answer began and what of its body came in time, or why there is none. */
export type Answer =
	{ status: number; retryAfter: string | null; start: Buffer } | { status: null; error: unknown };

/**
 * One request and its answer, straight from undici's parser: a delivery needs the status and the first bytes, and `request()`,
 * which makes a stream of them, with the abort signal and the iterator it takes to read that, costs twice the time.
 *
 * An answer ends when `maxBytes` of its body are there, and then the connection is closed; with nothing after the status that
 * breaks off or never ends, because the status has decided already.
 */
export class Exchange implements Dispatcher.DispatchHandler {
	readonly #maxBytes: number;
	readonly #onStart: () => void;
	readonly #resolve: (answer: Answer) => void;
	#controller: Dispatcher.DispatchController | null = null;
	#reason: Error | null = null;
	#status: number | null = null;
	#retryAfter: string | null = null;
	#chunks: Buffer[] = [];
	#bytes = 0;

	/**
	 * @param options.onStart called when the answer begins
	 * @param options.resolve called once, when it is over
	 */
	constructor(options: { maxBytes: number; onStart: () => void; resolve: (answer: Answer) => void }) {
		this.#maxBytes = options.maxBytes;
		this.#onStart = options.onStart;
		this.#resolve = options.resolve;
	}

	/** Breaks it off: the answer is what there is of it, or this reason. */
	abort(reason: Error): void {
		this.#reason = reason;
		this.#controller?.abort(reason);
	}

	onRequestStart(controller: Dispatcher.DispatchController): void {
		this.#controller = controller;
		// While it waited for a connection.
		if (this.#reason) controller.abort(this.#reason);
	}

	onResponseStart(
		_controller: Dispatcher.DispatchController,
		status: number,
		headers: Record<string, string | string[] | undefined>,
	): void {
		// Of an interim answer; the one that counts follows.
		if (status < 200) return;
		this.#status = status;
		const retryAfter = headers['retry-after'];
		this.#retryAfter = (Array.isArray(retryAfter) ? retryAfter[0] : retryAfter) ?? null;
		this.#onStart();
	}

	onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
		this.#chunks.push(chunk);
		this.#bytes += chunk.length;
		if (this.#bytes >= this.#maxBytes) controller.abort(new Error('Enough of the answer is read.'));
	}

	onResponseEnd(): void {
		this.#end(null);
	}

	onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
		this.#end(error);
	}

	#end(error: Error | null): void {
		const status = this.#status;
		if (status === null) return this.#resolve({ status, error });
		const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
		this.#resolve({ status, retryAfter: this.#retryAfter, start: body.subarray(0, this.#maxBytes) });
	}
}
