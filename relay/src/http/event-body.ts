import type { IncomingMessage } from 'node:http';
import type { Place } from '../inbox/admission.ts';
import { ProblemError } from './errors.ts';
import { MAX_EVENT_BYTES } from './limits.ts';

/**
 * Reads a webhook's body whole. Its bytes are counted as they come, against the limit of one body and of all that are
 * under way; what is too much is refused there and then, and nothing of it is kept.
 *
 * @throws ProblemError `too_large`, StoreError `busy` or `full`
 */
export function readEventBody(request: IncomingMessage, place: Place): Promise<Buffer> {
	if (Number(request.headers['content-length'] ?? 0) > MAX_EVENT_BYTES) return Promise.reject(tooLarge());
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		let bytes = 0;

		const stop = (error: Error) => {
			request.off('data', onData).off('end', onEnd).off('error', stop);
			// The rest is read and dropped, so that the sender sees the answer and not a broken connection.
			request.resume();
			reject(error);
		};
		const onData = (chunk: Buffer) => {
			bytes += chunk.length;
			if (bytes > MAX_EVENT_BYTES) return stop(tooLarge());
			try {
				place.take(chunk.length);
				chunks.push(chunk);
			} catch (error) {
				stop(error as Error);
			}
		};
		// Node copies each chunk out of the socket's buffer, so a lone one need not be copied again.
		const onEnd = () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
		request.on('data', onData).on('end', onEnd).on('error', stop);
	});
}

const tooLarge = () =>
	new ProblemError('too_large', {
		detail: `The body is larger than the ${MAX_EVENT_BYTES} bytes this endpoint takes in.`,
	});
