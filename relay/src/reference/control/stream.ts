import type { FastifyReply, FastifyRequest } from 'fastify';
import { iso } from '../../clock.ts';
import type { Clock } from '../../clock.ts';
import { ApiError } from '../errors.ts';
import type { Feed, FeedEvent } from './feed.ts';

/** Readers at a time. */
const MAX_READERS = 32;
/** What may wait for a reader before its connection is cut; it comes back for what is still kept. */
const MAX_WAITING_BYTES = 256 * 1024;
/** A comment this often keeps proxies and idle time-outs from closing a quiet stream. */
const HEARTBEAT_MS = 15_000;

/** Serves the feed as server-sent events. */
export function createStreams({ feed, clock }: { feed: Feed; clock: Clock }) {
	const open = new Set<() => void>();

	return {
		/**
		 * Answers with the stream: first what came after the `Last-Event-ID` that the reader names, then what comes.
		 * A reader that names none gets what comes only. A `gap` tells how many events are gone for good.
		 */
		serve(request: FastifyRequest, reply: FastifyReply): void {
			if (open.size >= MAX_READERS) throw tooManyReaders();
			const { raw } = reply.hijack();
			raw.writeHead(200, {
				...(reply.getHeaders() as Record<string, string>),
				'content-type': 'text/event-stream; charset=utf-8',
				'cache-control': 'no-store',
				'x-accel-buffering': 'no',
			});

			let cancelHeartbeat = () => {};
			const close = () => {
				open.delete(close);
				unsubscribe();
				cancelHeartbeat();
				raw.end();
			};
			const write = (text: string) => {
				if (raw.writableLength > MAX_WAITING_BYTES) raw.destroy();
				else raw.write(text);
			};
			const beat = () => {
				cancelHeartbeat = clock.schedule(HEARTBEAT_MS, () => {
					write(': still here\n\n');
					beat();
				});
			};
			const unsubscribe = feed.subscribe((event) => write(render(event)));
			open.add(close);
			raw.on('close', close);
			raw.on('error', close);

			const lastSeen = lastEventId(request);
			// At once, so that a reader knows from which event on it is told everything. One that comes back has yet to get
			// what it missed.
			const id = lastSeen === null ? `id: ${feed.lastId}\n` : '';
			write(`retry: 1000\n${id}event: hello\ndata: {"last_id":${feed.lastId}}\n\n`);
			if (lastSeen !== null) {
				const { events, missed } = feed.since(lastSeen);
				if (missed > 0) write(`event: gap\ndata: ${JSON.stringify({ missed })}\n\n`);
				for (const event of events) write(render(event));
			}
			beat();
		},

		/** Ends every stream. */
		closeAll(): void {
			for (const close of [...open]) close();
		},
	};
}

const render = ({ id, topic, at, data }: FeedEvent): string =>
	`id: ${id}\nevent: ${topic}\ndata: ${JSON.stringify({ at: iso(at), ...(data as object) })}\n\n`;

function lastEventId(request: FastifyRequest): number | null {
	const header = request.headers['last-event-id'];
	return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : null;
}

const tooManyReaders = () =>
	new ApiError({
		status: 503,
		code: 'too_many_readers',
		problem: `${MAX_READERS} readers follow the events already.`,
		fix: 'Close one of them, then try again.',
		retryAfterMs: 1_000,
	});
