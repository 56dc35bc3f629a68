import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../clock.ts';
import type { Ids } from '../../ids.ts';
import { ApiError, rateLimitedByFault, renderError, retryAfterHeader } from '../errors.ts';
import type { CompletionControl } from './completion.ts';
import type { Faults, RequestFault } from './faults.ts';
import { operationOf } from './operations.ts';
import { last4Of } from './recorder.ts';
import type { Recorder } from './recorder.ts';
import type { Variants } from './variants.ts';

declare module 'fastify' {
	interface FastifyRequest {
		/** The faults that it met. */
		referenceFaults: { id: string; fault: RequestFault }[] | null;
	}
}

/** What stands between the API and its clients: faults, variants, completion by polls, and the record of it all. */
export function createDisturbance(o: {
	/** The real one: a client's own time-outs run on real time, whatever the reference's clock does. */
	clock: Clock;
	ids: Ids;
	db: { steering: { workId(organizationId: string, id: string): string | null } };
	faults: Faults;
	variants: Variants;
	completion: CompletionControl;
	recorder: Recorder;
	/** Does the work that is due. */
	settleWork: () => void;
}) {
	const { clock, ids, db, faults, variants, completion, recorder, settleWork } = o;
	const waiting = new Set<() => void>();

	const pause = (ms: number): Promise<void> =>
		new Promise((resolve) => {
			const end = () => {
				cancel();
				waiting.delete(end);
				resolve();
			};
			const cancel = clock.schedule(ms, end);
			waiting.add(end);
		});

	async function* dribble(payload: Buffer, { bytes, every_ms }: { bytes: number; every_ms: number }) {
		for (let at = 0; at < payload.length; at += bytes) {
			if (at > 0) await pause(every_ms);
			yield payload.subarray(at, at + bytes);
		}
	}

	const of = <T extends RequestFault['type']>(request: FastifyRequest, type: T, when?: 'before' | 'after') =>
		request.referenceFaults?.find(
			({ fault }) => fault.type === type && (!when || !('when' in fault) || fault.when === when),
		)?.fault as Extract<RequestFault, { type: T }> | undefined;

	/** Ends the connection, if that was ordered. @returns whether it did */
	const breakOff = (request: FastifyRequest, when: 'before' | 'after'): boolean => {
		const { socket } = request.raw;
		if (of(request, 'reset', when)) socket.resetAndDestroy();
		else if (of(request, 'empty_reply', when)) socket.destroy();
		else return false;
		return true;
	};

	const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
		request.referenceFaults = faults.ofRequest({
			method: request.method,
			path: request.originalUrl.split('?', 1)[0] as string,
			operation: operationOf(request.method, request.routeOptions.url),
			keyLast4: last4Of(request),
		});
		for (const { fault } of request.referenceFaults) {
			if (fault.type === 'latency') await pause(fault.ms);
		}
		if (breakOff(request, 'before')) {
			recorder.record(request, { status: null });
			reply.hijack();
			return;
		}
		const limit = of(request, 'rate_limit');
		if (limit) throw rateLimitedByFault(limit.retry_after_s);
		const status = of(request, 'status', 'before');
		if (status) throw errorOf(status);
	};

	/** Once the caller is let in and the body is read: variants are taken out, and a poll counts. */
	const preHandler = async (request: FastifyRequest): Promise<void> => {
		variants.read(request);
		const asked = askedAbout(request);
		const caller = request.referenceCaller;
		if (asked === null || caller === null) return;
		const workId = db.steering.workId(caller.organizationId, asked);
		if (workId !== null && completion.polled(workId)) settleWork();
	};

	const onSend = async (request: FastifyRequest, reply: FastifyReply, answer: unknown): Promise<unknown> => {
		let payload = answer;
		const status = of(request, 'status', 'after');
		if (status) {
			const format = request.routeOptions.config.referenceErrors ?? 'v2';
			const requestId = `req_${ids.uuid().replaceAll('-', '')}`;
			const error = errorOf(status);
			void reply
				.code(status.status)
				.headers({ 'content-type': 'application/json; charset=utf-8', ...retryAfterHeader(error) });
			payload = JSON.stringify(renderError(error, format, requestId));
		}
		if (of(request, 'malformed_json') && typeof payload === 'string') {
			// Without its last bracket it can't be whole.
			payload = payload.slice(0, Math.max(1, Math.floor(payload.length / 2)));
		}
		if (breakOff(request, 'after')) {
			recorder.record(request, { status: null });
			return payload;
		}
		const text = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : null;
		recorder.record(request, { status: reply.statusCode, body: text });
		const slow = of(request, 'dribble');
		if (!slow || text === null) return payload;
		void reply.removeHeader('content-length');
		return Readable.from(dribble(Buffer.from(text as string), slow), { objectMode: false });
	};

	return {
		/** Adds its hooks; call it before any others are added that answer. */
		attach: (app: FastifyInstance): void => {
			app.decorateRequest('referenceFaults', null);
			app.addHook('onRequest', onRequest);
			app.addHook('preHandler', preHandler);
			app.addHook('preSerialization', async (request, reply, answer) =>
				variants.write(request, reply, answer),
			);
			app.addHook('onSend', onSend);
		},
		/** Ends every wait that was ordered. */
		release: (): void => {
			for (const end of [...waiting]) end();
		},
	};
}

const errorOf = (fault: Extract<RequestFault, { type: 'status' }>): ApiError =>
	new ApiError({
		status: fault.status,
		code: fault.code ?? (fault.status >= 500 ? 'service_unavailable' : 'injected_fault'),
		problem: fault.message ?? `This fault was ordered: status ${fault.status}.`,
		...(fault.message !== undefined && { detail: fault.message }),
		...(fault.retry_after_s !== undefined && { retryAfterMs: fault.retry_after_s * 1_000 }),
	});

/** The workflow, task or agent run that a request asks about. */
function askedAbout(request: FastifyRequest): string | null {
	const params = request.params as Record<string, string | undefined>;
	const query = request.query as Record<string, unknown>;
	// Given twice it is a list, which the route refuses.
	const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
	switch (operationOf(request.method, request.routeOptions.url)) {
		case 'enrich_status_legacy':
			// With both it is refused.
			return query.workflow_id && query.task_id ? null : (text(query.workflow_id) ?? text(query.task_id));
		case 'enrichment_status':
			return params.workflow_id ?? null;
		case 'get_smart_agent_results':
			return params.smart_agent_task_id ?? null;
		default:
			return null;
	}
}
