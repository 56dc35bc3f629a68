import type { FastifyRequest } from 'fastify';
import { iso } from '../../clock.ts';
import type { Clock } from '../../clock.ts';
import { bearerOf } from '../domain/key.ts';
import type { Feed } from './feed.ts';
import { operationOf } from './operations.ts';
import { keepBody, redact } from './redact.ts';
import type { KeptBody } from './redact.ts';

/** Requests kept; with two bodies of at most 8 KiB each, some 16 MiB. */
const KEPT = 1_000;

/** A request as it came in and what it got, without keys and secrets. */
export interface RecordedRequest {
	/** Counts up from 1 and never starts over while the process lives. */
	id: number;
	/** Ms since the epoch, on the reference's clock. */
	at: number;
	method: string;
	/** With its query. */
	path: string;
	/** By its name in the contract; null for a path that is none of the contract's. */
	operation: string | null;
	/** Null when a fault kept the answer back. */
	status: number | null;
	/** From its arrival to its answer, in real time. */
	ms: number;
	/** Of the key it was sent with, whether or not there is such a key. */
	keyLast4: string | null;
	organizationId: string | null;
	/** The faults that it met, by id. */
	faults: string[];
	requestBody: KeptBody | null;
	responseBody: KeptBody | null;
}

/** Keeps the latest requests to the API and their answers, in memory, to be looked at. */
export function createRecorder({ clock, feed }: { clock: Clock; feed: Feed }) {
	let kept: RecordedRequest[] = [];
	let lastId = 0;

	/** @param status null when the answer is kept back */
	const record = (
		request: FastifyRequest,
		answer: { status: number | null; body?: Buffer | string | null },
	): void => {
		const recorded: RecordedRequest = {
			id: ++lastId,
			at: clock.now(),
			method: request.method,
			path: redact(request.originalUrl.slice(0, 2_000)),
			operation: operationOf(request.method, request.routeOptions.url),
			status: answer.status,
			ms: Math.round((clock.monotonic() - request.referenceStartedAt) * 10) / 10,
			keyLast4: last4Of(request),
			organizationId: request.referenceCaller?.organizationId ?? null,
			faults: request.referenceFaults?.map(({ id }) => id) ?? [],
			requestBody: keepBody(request.referenceRawBody),
			responseBody: keepBody(answer.body),
		};
		kept.push(recorded);
		if (kept.length > KEPT) kept.shift();
		feed.publish('request', summaryOf(recorded));
	};

	return {
		record,

		/** Newest first, those before `before` only. */
		page(limit: number, before: number | null): { requests: RecordedRequest[]; total: number } {
			const older = before === null ? kept : kept.filter(({ id }) => id < before);
			return { requests: older.slice(-limit).reverse(), total: kept.length };
		},

		get: (id: number): RecordedRequest | undefined => kept.find((request) => request.id === id),

		clear(): void {
			kept = [];
		},
	};
}

export type Recorder = ReturnType<typeof createRecorder>;

/** The last four characters of the key or session token a request came with. */
export function last4Of(request: FastifyRequest): string | null {
	const { authorization } = request.headers;
	const token = authorization === undefined ? null : bearerOf(authorization);
	// Of something shorter, four characters would be too much of it.
	return token !== null && token.length >= 16 ? token.slice(-4) : null;
}

/** As the control surface writes it, without the bodies. */
export const summaryOf = (request: RecordedRequest) => ({
	id: request.id,
	at: iso(request.at),
	method: request.method,
	path: request.path,
	operation: request.operation,
	status: request.status,
	ms: request.ms,
	key_last4: request.keyLast4,
	organization_id: request.organizationId,
	faults: request.faults,
});

export const viewOf = (request: RecordedRequest) => ({
	...summaryOf(request),
	request_body: request.requestBody,
	response_body: request.responseBody,
});
