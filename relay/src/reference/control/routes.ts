import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Ids } from '../../ids.ts';
import type { Database } from '../db/index.ts';
import { mountInspector } from '../inspector/routes.ts';
import { CONTROL_PREFIX } from '../prefixes.ts';
import { BehavioursRequest, behavioursFrom, behavioursView } from './behaviours-view.ts';
import { Completion } from './completion.ts';
import type { Control, Start } from './control.ts';
import type { Feed } from './feed.ts';
import type { SteeringAccess } from './guard.ts';
import type { SeededAccount } from './populate.ts';
import { viewOf } from './recorder.ts';
import type { Recorder } from './recorder.ts';
import { Seed, readSeedDocument } from './seed-document.ts';
import { createStreams } from './stream.ts';
import { check, noSuch, prepareSurface } from './surface.ts';

/** Where nobody names another. */
export const DEFAULT_SEED = 'cleanlist';

const Name = z
	.string()
	.regex(/^[\w .-]{1,60}$/, 'Write a name of up to 60 letters, digits, spaces, ., - and _');
const Instant = z
	.union([z.iso.datetime({ offset: true }), z.int()])
	.transform((at) => new Date(at).getTime());
const FreezeRequest = z.strictObject({ at: Instant.optional() });
const AdvanceRequest = z
	.strictObject({ ms: z.int().min(0).optional(), until: Instant.optional() })
	.refine(({ ms, until }) => (ms === undefined) !== (until === undefined), 'Give either ms or until');
const SnapshotRequest = z.strictObject({ name: Name });
const SeedRequest = z.strictObject({ seed: Seed });

const RequestsQuery = z.strictObject({
	limit: z.coerce.number().int().min(1).max(500).default(100),
	cursor: z.coerce.number().int().min(1).optional(),
});

export interface ControlParts {
	control: Control;
	/** The real one: streams beat in real time, whatever the reference's clock does. */
	clock: Clock;
	ids: Ids;
	log: Logger;
	feed: Feed;
	recorder: Recorder;
	/** To be looked into only. */
	db: Database;
	/** Where the API is described. */
	docsPrefix: string;
}

/** Everything under /reference/; register it without a prefix. */
export function controlRoutes(parts: ControlParts, access: SteeringAccess): FastifyPluginAsync {
	return async (app) => {
		await app.register(async (inner) => mountControl(inner, parts, access), { prefix: CONTROL_PREFIX });
	};
}

function mountControl(app: FastifyInstance, parts: ControlParts, access: SteeringAccess): void {
	const { control, clock, ids, log, feed, recorder } = parts;
	prepareSurface(app, { access, ids, log });
	const streams = createStreams({ feed, clock });
	app.addHook('preClose', async () => streams.closeAll());

	app.post('/reset', async () => {
		const { accounts } = await control.reset();
		return { state: control.state(), accounts: accountsView(accounts) };
	});
	app.post('/seed', async ({ body }) => {
		const { accounts } = await control.seed(startFrom(body));
		return { state: control.state(), accounts: accountsView(accounts) };
	});
	app.get('/state', async () => control.state());

	app.post('/snapshot', async ({ body }) => {
		const { name } = check(SnapshotRequest, body, 'The snapshot');
		return control.snapshot(name);
	});
	app.post('/restore', async ({ body }) => {
		const { name } = check(SnapshotRequest, body, 'The snapshot');
		if (!(await control.restore(name))) throw noSuch('snapshot', name, 'state');
		return { name, state: control.state() };
	});

	app.get('/clock', async () => control.clock());
	app.post('/clock/freeze', async ({ body }) =>
		control.freeze(check(FreezeRequest, body ?? {}, 'The instant').at),
	);
	app.post('/clock/resume', async () => control.resume());
	app.post('/clock/advance', async ({ body }) => {
		const { ms, until } = check(AdvanceRequest, body, 'The advance');
		return control.advance((now) => until ?? now + ms!);
	});

	app.post('/faults', async ({ body }, reply) => reply.code(201).send(control.fault(body as never)));
	app.get('/faults', async () => ({ faults: control.faults() }));
	app.delete('/faults', async () => ({ removed: control.removeFaults() }));
	app.delete<{ Params: { id: string } }>('/faults/:id', async ({ params }) => {
		if (control.removeFaults(params.id) === 0) throw noSuch('fault', params.id, 'faults');
		return { removed: 1 };
	});

	app.get('/completion', async () => control.completion());
	app.post('/completion', async ({ body }) =>
		control.setCompletion(check(Completion, body, 'The completion')),
	);

	app.get('/behaviours', async () => behavioursView(control.behaviours()));
	app.put('/behaviours', async ({ body }) =>
		behavioursView(control.setBehaviours(behavioursFrom(check(BehavioursRequest, body, 'The behaviours')))),
	);

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
		if (!recorded) throw noSuch('recorded request', params.id, 'requests');
		return viewOf(recorded);
	});

	// A stream's head alone would have to wait for its end.
	app.get('/events', { exposeHeadRoute: false }, (request, reply) => streams.serve(request, reply));

	mountInspector(app, parts);
}

/** A seed makes the cast anew, a document what it says. */
export function startFrom(body: unknown): Start {
	if (typeof body === 'object' && body !== null && Object.keys(body).join() === 'seed') {
		return { seed: check(SeedRequest, body, 'The seed').seed, people: 'cast' };
	}
	const document = readSeedDocument(body);
	return { seed: document.seed ?? DEFAULT_SEED, people: document };
}

/** As this machine may see them: the keys of people who do not exist. */
export const accountsView = (accounts: readonly SeededAccount[]) =>
	accounts.map((account) => ({
		role: account.role,
		name: account.name,
		email: account.email,
		about: account.about,
		key: account.key,
		keys: account.keys,
		session_token: account.sessionToken,
		user_id: account.userId,
		organization_id: account.organizationId,
	}));
