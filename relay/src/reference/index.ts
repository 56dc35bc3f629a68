import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { KEYS_PREFIX, LEGACY_PREFIX, V2_PREFIX } from '../contract/common.ts';
import { VENDOR_BACKOFF_S } from '../contract/webhook.ts';
import type { Ids } from '../ids.ts';
import { createAccount } from './accounts.ts';
import type { Account, NewAccount } from './accounts.ts';
import { createAgenda } from './agenda.ts';
import { createGate } from './auth.ts';
import { DEFAULT_BEHAVIOURS } from './behaviours.ts';
import type { Behaviours } from './behaviours.ts';
import { createByTask } from './by-task.ts';
import { createCompanies } from './companies.ts';
import { DOCS_PREFIX, docsRoutes } from './description/routes.ts';
import { createCompletion } from './control/completion.ts';
import { createControl } from './control/control.ts';
import type { Control } from './control/control.ts';
import { createDisturbance } from './control/disturb.ts';
import { createFaults, faultView } from './control/faults.ts';
import type { Faults } from './control/faults.ts';
import { createFeed } from './control/feed.ts';
import type { Tell } from './control/feed.ts';
import type { SteeringAccess } from './control/guard.ts';
import { createRecorder } from './control/recorder.ts';
import type { Recorder } from './control/recorder.ts';
import { DEFAULT_SEED, controlRoutes } from './control/routes.ts';
import { createSteerableIds } from './control/seeded-ids.ts';
import type { Settings } from './control/settings.ts';
import { createSteerableClock } from './control/steerable-clock.ts';
import { createVariants } from './control/variants.ts';
import { createWebhookFaults } from './control/webhook-faults.ts';
import { openDatabase } from './db/index.ts';
import type { DueWork } from './due-work.ts';
import { createEnrichments } from './enrichments.ts';
import { createExports } from './exports.ts';
import type { ErrorFormat } from './errors.ts';
import { mount } from './http.ts';
import type { Route } from './http.ts';
import { createLedger } from './ledger.ts';
import { createPortal } from './portal.ts';
import { DOWNLOADS_PREFIX } from './prefixes.ts';
import type { NewFolder, NewList, Visibility } from './portal.ts';
import { createQuotes } from './quotes.ts';
import { VENDOR_LIMITS } from './limits.ts';
import type { RateLimits } from './limits.ts';
import { createRateLimiter } from './rate-limit.ts';
import { createRequestLog } from './request-log.ts';
import { creditsBalance, legacyCreditsBalance, validateKey, whoami } from './routes/account.ts';
import { creditsEstimate } from './routes/credits.ts';
import { enrichRoutes } from './routes/enrich.ts';
import { enrichmentRoutes } from './routes/enrichment.ts';
import { downloadRoute, exportRoutes } from './routes/export.ts';
import { keyManagementRoutes } from './routes/key-management.ts';
import { leadListRoutes } from './routes/lead-lists.ts';
import { smartAgentRoutes } from './routes/smart-agents.ts';
import { unscopedRoutes } from './routes/unscoped.ts';
import { listLeadRoutes } from './routes/list-leads.ts';
import { webhookDeliveries } from './routes/webhooks.ts';
import { workspaceRoutes } from './routes/workspace.ts';
import { createSmartAgents } from './smart-agents.ts';
import { createWebhookSender } from './webhooks.ts';
import { createWorkflows } from './workflows.ts';

export type { Account, NewAccount } from './accounts.ts';
export type { Behaviours } from './behaviours.ts';
export type { NewFolder, NewLead, NewList, Visibility } from './portal.ts';

export interface ReferenceOptions {
	/** A SQLite file, or `:memory:`. */
	path: string;
	clock: Clock;
	ids: Ids;
	/** Of the enrichment generator: the same seed and contact give the same answer. Default `cleanlist`. */
	seed?: string;
	/** How long a workflow takes from submission to completion, in ms. Default 1500. */
	completionMs?: number;
	/** Default: the vendor's, 30 a minute per key and 60 per organization. */
	limits?: RateLimits | 'off';
	/** How doubtful behaviours of the vendor's begin; `Reference.behaviours` changes them. */
	behaviours?: Partial<Behaviours>;
	/** Where its description is served. Default: `/docs`. */
	docsPrefix?: string;
	/** Stands the clock still at that instant (ms since the epoch), from the start and after each reset. */
	frozenAt?: number;
	/** Makes what is there from the start and after each reset, again and again without harm. */
	populate?: (reference: Pick<Reference, 'createAccount' | 'createFolder' | 'createList'>) => Promise<void>;
	/** Gets ids only: no key, no address, no URL. */
	log: Logger;
}

export interface Reference {
	/** Everything under /api/v2, /api/v1/public and /api/v1/api-keys, and the description; register it without a prefix. */
	routes: FastifyPluginAsync;
	/** Everything under /reference, for whoever may steer; register it without a prefix. */
	controlRoutes(access: SteeringAccess): FastifyPluginAsync;
	/** The same, for this process. */
	readonly control: Control;
	readonly recorder: Pick<Recorder, 'page'>;
	/** Idempotent when a key is given. */
	createAccount(account: NewAccount): Promise<Account>;
	/** Folders, lists with leads, and who sees a list: what people do in the portal and not through the API. */
	createFolder(folder: NewFolder): Promise<{ folderId: string }>;
	createList(list: NewList): Promise<{ listId: string }>;
	/** @param userIds for `shared`: the users of the organization who see it besides its owner */
	shareList(listId: string, visibility: Visibility, userIds?: readonly string[]): Promise<void>;
	/** Set a field to switch a behaviour; the next request finds it so. */
	readonly behaviours: Behaviours;
	/** Starts completing workflows and sending webhooks, those left from before a restart included. */
	start(): void;
	/** Ends timers, breaks off sends (they are made again after the next start) and closes the database. */
	stop(): Promise<void>;
}

/** Rows of deleted lists that are removed before anything else gets its turn. */
const SWEPT_AT_ONCE = 250;

/**
 * The Cleanlist API on one SQLite file: what a workflow needs to run without an account. One process at a time
 * may have the file open.
 *
 * @throws Error when the file can't be opened, or was written by a later version
 */
export async function openReference(options: ReferenceOptions): Promise<Reference> {
	const { log, completionMs = 1_500, limits = VENDOR_LIMITS, docsPrefix = DOCS_PREFIX } = options;
	const db = openDatabase(options.path);
	const clock = createSteerableClock(options.clock);
	if (options.frozenAt !== undefined) clock.freeze(options.frozenAt);
	const ids = createSteerableIds(options.ids);
	const settings: Settings = { seed: options.seed ?? DEFAULT_SEED };
	const firstBehaviours = { ...DEFAULT_BEHAVIOURS, ...options.behaviours };
	const behaviours = { ...firstBehaviours };
	const feed = createFeed(clock);
	const tell: Tell = (topic, data) => feed.publish(topic, data);
	const recorder = createRecorder({ clock, feed });
	const faults: Faults = createFaults({
		settings,
		onChange: () => tell('faults', { faults: faults.list().map(faultView) }),
	});
	const variants = createVariants({ db, ids, behaviours });
	const webhookOf = createWebhookFaults({ faults, variants });
	const completion = createCompletion({ db, usualMs: completionMs, now: () => clock.now() });
	const onChange = () => {
		if (completion.isInstant) settleWork();
		agenda.wake();
	};
	const ledger = createLedger({ db, clock });
	const quotes = createQuotes({ db, clock, ids });
	const running = { db, ledger, quotes, clock, ids, settings, completion, onChange, tell };
	const workflows = createWorkflows({ ...running, behaviours, webhookOf });
	const enrichments = createEnrichments(running);
	const agents = createSmartAgents(running);
	const exports = createExports({ db, clock, ids });
	const companies = createCompanies(running);
	const byTask = createByTask({ db, ledger, quotes, companies, enrichments, clock, ids });
	const webhooks = createWebhookSender({
		...{ db, clock, ids, log, onChange, tell },
		backoffS: () => (behaviours.webhookPosts === 6 ? [...VENDOR_BACKOFF_S, 16] : VENDOR_BACKOFF_S),
	});
	const agenda = createAgenda({
		clock,
		nextDueAt: () => earliest(workDueAt(), webhooks.nextDueAt()),
		run() {
			webhooks.sendDue();
			work();
		},
		onError: (err) => log.error({ err }, 'reference work failed; trying again'),
	});
	// What nobody sees goes by the process's own clock: steered time would count its timers, and may stand still.
	const sweeper = createAgenda({
		clock: options.clock,
		nextDueAt: () => (db.leftovers.any() ? 0 : null),
		run: () => db.leftovers.sweep(SWEPT_AT_ONCE),
		onError: (err) => log.error({ err }, 'clearing away deleted lists failed; trying again'),
	});
	const kinds: DueWork[] = [workflows, enrichments, agents];
	const workDueAt = () => earliest(...kinds.map((kind) => kind.nextDueAt()));
	const work = () => {
		for (const kind of kinds) kind.doNext();
		sweeper.wake();
	};
	/** Does all work that is due, its steps and theirs, before anybody asks about it again. */
	const settleWork = () => {
		for (let dueAt = workDueAt(); dueAt !== null && dueAt <= clock.now(); dueAt = workDueAt()) work();
	};
	const limiter = createRateLimiter(limits, clock);
	const gate = createGate({ db, clock, limiter, by: 'key' });
	const requestLog = createRequestLog({ db, clock, realClock: options.clock, log });
	const portal = createPortal({ db, clock, ids });
	const disturbance = createDisturbance({
		...{ clock: options.clock, ids, db, faults, variants, completion, recorder, settleWork },
	});
	const { attach } = disturbance;

	const both: Route[] = [
		whoami(clock),
		creditsEstimate({ db, ledger, quotes }),
		...workspaceRoutes({ db, clock, requestLog }),
		...leadListRoutes({ db, clock, ids, onDelete: () => sweeper.wake() }),
		...listLeadRoutes({ db, clock, ids, enrichments, behaviours }),
		...enrichmentRoutes({ db, clock, enrichments, companies, byTask }),
		...smartAgentRoutes({ db, clock, agents }),
		...exportRoutes({ db, clock, exports }),
		...unscopedRoutes(),
	];
	const v2: Route[] = [...both, creditsBalance(db, clock)];
	const legacy: Route[] = [
		...both,
		legacyCreditsBalance(db),
		validateKey,
		...enrichRoutes(workflows),
		webhookDeliveries(db),
	];
	const keys = keyManagementRoutes({ db, clock, ids, flushUses: requestLog.flush, behaviours });
	const docs = docsRoutes(
		[
			{ prefix: V2_PREFIX, routes: v2, by: 'key' },
			{ prefix: LEGACY_PREFIX, routes: legacy, by: 'key' },
			{ prefix: KEYS_PREFIX, routes: keys, by: 'session' },
		],
		docsPrefix,
	);
	const surface = (errors: ErrorFormat, routes: Route[]) => async (app: FastifyInstance) =>
		mount(app, { errors, routes, gate, clock, ids, log, requestLog, attach });
	/** No part of the API itself, so neither a key nor a place in the usage report. */
	const downloads = async (app: FastifyInstance) => {
		mount(app, { errors: 'v2', routes: [], gate, clock, ids, log, requestLog: { add() {} }, attach });
		downloadRoute(app, exports);
	};
	const keyManagement = async (app: FastifyInstance) =>
		mount(app, {
			errors: 'v2',
			routes: keys,
			gate: createGate({ db, clock, limiter, by: 'session' }),
			clock,
			ids,
			log,
			// The usage report is about the API itself.
			requestLog: { add() {} },
			attach,
		});

	const control = createControl({
		...{ db, clock, ids, settings, behaviours, firstBehaviours, completion, faults, limiter, requestLog },
		...{ webhooks, recorder, feed, portal },
		wake() {
			agenda.wake();
			sweeper.wake();
		},
		realClock: options.clock,
		release: disturbance.release,
		reference: () => reference,
		populate: async () => options.populate?.(reference),
	});

	const reference: Reference = {
		routes: async (app) => {
			await app.register(surface('v2', v2), { prefix: V2_PREFIX });
			await app.register(surface('legacy', legacy), { prefix: LEGACY_PREFIX });
			await app.register(keyManagement, { prefix: KEYS_PREFIX });
			await app.register(downloads, { prefix: DOWNLOADS_PREFIX });
			await app.register(docs, { prefix: docsPrefix });
		},
		control,
		recorder,
		controlRoutes: (access) =>
			controlRoutes(
				{ db, control, clock: options.clock, ids: options.ids, log, feed, recorder, docsPrefix },
				access,
			),
		createAccount: async (account) =>
			createAccount({ db, clock, ids, keyPrefix: behaviours.keyPrefix }, account),
		createFolder: async (folder) => ({ folderId: portal.createFolder(folder) }),
		createList: async (list) => ({ listId: portal.createList(list) }),
		shareList: async (listId, visibility, userIds) => portal.shareList(listId, visibility, userIds),
		behaviours,
		start() {
			agenda.start();
			sweeper.start();
		},
		async stop() {
			clock.stop();
			disturbance.release();
			agenda.stop();
			sweeper.stop();
			await webhooks.stop();
			requestLog.stop();
			db.close();
		},
	};
	try {
		await options.populate?.(reference);
	} catch (error) {
		await reference.stop();
		throw error;
	}
	return reference;
}

const earliest = (...times: (number | null)[]): number | null =>
	times.reduce((first, time) => (first === null || (time !== null && time < first) ? time : first), null);
