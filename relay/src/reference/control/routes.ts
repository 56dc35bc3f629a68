import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Ids } from '../../ids.ts';
import { notFound } from '../errors.ts';
import type { Feed } from './feed.ts';
import type { SteeringAccess } from './guard.ts';
import { viewOf } from './recorder.ts';
import type { Recorder } from './recorder.ts';
import { createStreams } from './stream.ts';
import { check, prepareSurface } from './surface.ts';

/** Where the reference API is steered. */
export const CONTROL_PREFIX = '/reference';

const RequestsQuery = z.strictObject({
	limit: z.coerce.number().int().min(1).max(500).default(100),
	cursor: z.coerce.number().int().min(1).optional(),
});

export interface ControlParts {
	/** The real one: streams beat in real time, whatever the reference's clock does. */
	clock: Clock;
	ids: Ids;
	log: Logger;
	feed: Feed;
	recorder: Recorder;
}

/** Everything under /reference/; register it without a prefix. */
export function controlRoutes(parts: ControlParts, access: SteeringAccess): FastifyPluginAsync {
	return async (app) => {
		await app.register(async (inner) => mountControl(inner, parts, access), { prefix: CONTROL_PREFIX });
	};
}

function mountControl(app: FastifyInstance, parts: ControlParts, access: SteeringAccess): void {
	const { clock, ids, log, feed, recorder } = parts;
	prepareSurface(app, { access, ids, log });
	const streams = createStreams({ feed, clock });
	app.addHook('preClose', async () => streams.closeAll());

	app.get('/requests', async (request) => {
		const { limit, cursor } = check(RequestsQuery, request.query, 'The query');
		const { requests, total } = recorder.page(limit + 1, cursor ?? null);
		const page = requests.slice(0, limit);
		return {
			requests: page.map(viewOf),
			total,
			cursor: requests.length > limit ? String(page.at(-1)!.id) : null,
		};
	});

	app.get<{ Params: { id: string } }>('/requests/:id', async ({ params }) => {
		const recorded = recorder.get(Number(params.id));
		if (!recorded) throw notFound('recorded request', params.id);
		return viewOf(recorded);
	});

	app.get('/events', (request, reply) => streams.serve(request, reply));
}
