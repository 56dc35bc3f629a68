import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { LEGACY_PREFIX } from '../contract/common.ts';
import type { TaskResult } from '../contract/enrichment.ts';
import type {
	EnrichListRequest,
	EnrichPersonRequest,
	SingleEnrichmentResult,
	V2EnrichmentType,
} from '../contract/enrichment-v2.ts';
import type { Ids } from '../ids.ts';
import { writableList } from './access.ts';
import type { Caller } from './auth.ts';
import type { CompletionControl } from './control/completion.ts';
import type { Tell } from './control/feed.ts';
import type { Settings } from './control/settings.ts';
import type { EnrichmentRun, RunEnd } from './db/enrichment-runs.ts';
import type { Database } from './db/index.ts';
import { text } from './domain/contact.ts';
import { costOf, maximumCost } from './domain/credits.ts';
import { enrich, resultOf, withoutFindings } from './domain/generator.ts';
import type { Enrichment } from './domain/generator.ts';
import { contactOf, personFrom, typeFrom } from './domain/person.ts';
import type { Person } from './domain/person.ts';
import { enrichmentTypeOfScope } from './domain/pricing.ts';
import { rowsPerStep, stepDueAt } from './domain/steps.ts';
import { createDueWork } from './due-work.ts';
import { emptyList } from './errors.ts';
import { PROVIDER, writeFindings } from './findings.ts';
import type { Ledger } from './ledger.ts';
import type { Quoted, Quotes } from './quotes.ts';

export interface EnrichmentOptions {
	db: Database;
	ledger: Ledger;
	quotes: Quotes;
	clock: Clock;
	ids: Ids;
	settings: Settings;
	completion: CompletionControl;
	/** Called when a run was started, so that what is due next can change. */
	onChange: () => void;
	tell: Tell;
}

export interface Started {
	workflowId: string;
	creditsReserved: number;
}

/** Those given, or as many as are in the list. */
type Leads = { leadIds: readonly string[] } | { leadsOfList: number };

const countOf = (leads: Leads): number => ('leadIds' in leads ? leads.leadIds.length : leads.leadsOfList);

/** What a run works on. */
interface Work {
	workflowId: string;
	listId: string;
	cohort?: string;
	type: V2EnrichmentType;
	over: { person: Person } | Leads;
	/** What the quote is for, and its id; a call that does not require one may do without. */
	quote: { for: Quoted; id: string | null | undefined; required: boolean };
}

/** The v2 runs (B.19, B.21, B.22): starting them, doing them step by step, and settling what they cost. */
export function createEnrichments(options: EnrichmentOptions) {
	const { db, ledger, quotes, clock, ids, settings, completion, onChange, tell } = options;

	/**
	 * Quote, reservation and run are one transaction, so that a refusal leaves no trace and uses no quote up.
	 *
	 * @throws ApiError 400 or 409 for the quote, 400 `insufficient_credits`
	 */
	const begin = (caller: Caller, work: Work): Started => {
		const { workflowId, over, type } = work;
		const now = clock.now();
		const total = 'person' in over ? 1 : countOf(over);
		const credits = maximumCost(type, total);
		const schedule = { total, createdAt: now, durationMs: completion.durationMs };
		db.transaction(() => {
			const quoteId = text(work.quote.id);
			if (quoteId || work.quote.required) {
				quotes.redeem(caller, quoteId, { ...work.quote.for, recomputedCost: credits });
			}
			ledger.reserve(caller.organizationId, credits, workflowId);
			db.runs.insert({
				workflowId,
				organizationId: caller.organizationId,
				userId: caller.userId,
				listId: work.listId,
				cohort: work.cohort ?? null,
				enrichmentType: type,
				person: 'person' in over ? JSON.stringify(over.person) : null,
				...schedule,
				dueAt: completion.begin(workflowId, stepDueAt(schedule, 1)),
			});
			if ('leadIds' in over) db.runs.insertLeads(workflowId, over.leadIds);
			if ('leadsOfList' in over) db.runs.insertLeadsOfList(workflowId, work.listId);
		});
		tell('workflow', { workflow_id: workflowId, kind: 'enrichment', status: 'pending', total });
		onChange();
		return { workflowId, creditsReserved: credits };
	};

	const beginOverLeads = (caller: Caller, work: Omit<Work, 'workflowId' | 'over'>, over: Leads) => {
		if (countOf(over) === 0) throw emptyList(work.cohort ?? work.listId);
		return begin(caller, { ...work, workflowId: `bulk-enrich-${ids.uuid()}`, over });
	};

	/** @returns null for a person whom nothing identifies: there is nobody to look for */
	const look = (person: Person): Enrichment | null =>
		person.identity === null
			? null
			: enrich(settings.seed, person.contact, { email: person.contact.email, identity: person.identity });

	/** The lead that a person is or becomes: made only when something was found. */
	const leadOf = (run: EnrichmentRun, { leadId, contact, identity }: Person): string =>
		leadId ??
		db.lists.upsertLead({
			leadId: ids.uuid(),
			ownerId: run.userId,
			identity: identity as string,
			firstName: text(contact.first_name),
			lastName: text(contact.last_name),
			company: text(contact.company_name),
			companyDomain: text(contact.company_domain),
			linkedinUrl: text(contact.linkedin_url),
		});

	const enrichPerson = (run: EnrichmentRun, person: Person, now: number): TaskResult[] => {
		const found = completion.fateOf(run.workflowId).misses(0) ? null : look(person);
		const result = found && resultOf(run.workflowId, run.enrichmentType, found);
		let leadId = '';
		if (found && result?.status === 'completed') {
			leadId = leadOf(run, person);
			writeFindings(db, leadId, found, result, now);
			db.lists.attach(run.listId, leadId);
		}
		db.runs.setResult(run.workflowId, JSON.stringify(singleResult(run, leadId, person, result)));
		return result ? [result] : [];
	};

	const enrichLeads = (run: EnrichmentRun, from: number, to: number, now: number): TaskResult[] => {
		const { misses } = completion.fateOf(run.workflowId);
		return db.runs.leads(run.workflowId, from, to).map((lead, index) => {
			const { leadId, identity } = lead;
			const known = look({ leadId, identity, contact: contactOf(lead) }) as Enrichment;
			const found = misses(from + index) ? withoutFindings(known) : known;
			const result = resultOf(run.workflowId, run.enrichmentType, found);
			writeFindings(db, leadId, found, result, now);
			return result;
		});
	};

	const lookUp = (run: EnrichmentRun, from: number, to: number, now: number): TaskResult[] =>
		run.person === null
			? enrichLeads(run, from, to, now)
			: enrichPerson(run, JSON.parse(run.person) as Person, now);

	/** Spends what was found, gives the rest back, and closes the run. */
	const end = (run: EnrichmentRun, status: RunEnd, now: number): void => {
		const cost = costOf({ emails: run.emailsFound, phones: run.phonesFound });
		const settled = ledger.settle(run.organizationId, run.workflowId, cost);
		db.runs.finish({ workflowId: run.workflowId, status, ...settled, completedAt: now });
		tell('workflow', { workflow_id: run.workflowId, kind: 'enrichment', status, ...settled });
	};

	/** Ends a run before its time. What it has found by then is paid for. */
	const breakOff = (run: EnrichmentRun, outcome: 'failed' | 'cancelled', now: number): void => {
		if (run.person !== null) {
			const person = JSON.parse(run.person) as Person;
			db.runs.setResult(run.workflowId, JSON.stringify(singleResult(run, '', person, null)));
		}
		end(run, outcome, now);
	};

	/** The first step marks the run as begun; each further one looks up some of its leads. */
	const step = (run: EnrichmentRun, now: number): void => {
		// Its leads have nowhere to go.
		if (!db.runs.listExists(run.listId)) return breakOff(run, 'cancelled', now);
		const { outcome } = completion.fateOf(run.workflowId);
		if (outcome !== null && run.step > 0) return breakOff(run, outcome, now);
		const from = run.processed;
		const to = run.step === 0 ? from : Math.min(run.total, from + rowsPerStep(run.total));
		const results = to === from ? [] : lookUp(run, from, to, now);
		db.runs.advance({
			workflowId: run.workflowId,
			dueAt: stepDueAt(run, run.step + 2),
			processed: to - from,
			hits: results.filter((result) => result.status === 'completed').length,
			emails: results.filter((result) => result.primary_email !== null).length,
			phones: results.filter((result) => result.personal_phone_numbers.length > 0).length,
		});
		if (to === run.total) {
			end(db.runs.get(run.organizationId, run.workflowId) as EnrichmentRun, 'completed', now);
		}
	};

	return {
		/**
		 * Looks one person up; the lead goes into the given list when something was found.
		 *
		 * @throws ApiError 404 for a list that the caller can't change
		 */
		startPerson(caller: Caller, request: z.output<typeof EnrichPersonRequest>): Started {
			const { listId } = writableList(db, caller, request.lead_list_id);
			const personId = text(request.person_id);
			const reachable = personId !== null && db.listLeads.reachable(caller, personId);
			const lead = reachable ? db.runs.leadsById([personId])[0] : undefined;
			const type = typeFrom(request);
			return begin(caller, {
				workflowId: `enrich-${ids.uuid()}`,
				listId,
				type,
				over: { person: personFrom(request, lead) },
				quote: {
					for: { tool: 'enrich_person', enrichmentType: type, listId },
					id: request.quote_id,
					required: false,
				},
			});
		},

		/**
		 * Looks up every lead that is in the list now.
		 *
		 * @throws ApiError 404 for a list that the caller can't change, 400 for an empty one
		 */
		startList(caller: Caller, request: z.output<typeof EnrichListRequest>): Started & { total: number } {
			const { listId, leadCount: total } = writableList(db, caller, request.list_id);
			const type = enrichmentTypeOfScope(request.scope);
			const quoted: Quoted = { tool: 'enrich_list', enrichmentType: type, listId };
			const quote = { for: quoted, id: request.quote_id, required: true };
			const started = beginOverLeads(caller, { listId, type, quote }, { leadsOfList: total });
			return { ...started, total };
		},

		/**
		 * Looks up leads that an import has just put into a list. Inside a transaction it becomes a part of it.
		 *
		 * @throws ApiError 400 `insufficient_credits`, or for the quote; 409 for a used one
		 */
		startListEnrichment(
			caller: Caller,
			request: {
				listId: string;
				leadIds: string[];
				type: V2EnrichmentType;
				/** Of the tool `bulk_import_csv`. */
				quoteId?: string | null;
			},
		): Started {
			const { listId, leadIds, type, quoteId } = request;
			const quoted: Quoted = { tool: 'bulk_import_csv', enrichmentType: type, listId };
			const quote = { for: quoted, id: quoteId, required: false };
			return beginOverLeads(caller, { listId, type, quote }, { leadIds });
		},

		/**
		 * Looks up persons of a cohort.
		 *
		 * @throws ApiError 400 `insufficient_credits`, or for the quote; 409 for a used one
		 */
		startCohort(
			caller: Caller,
			request: {
				cohort: string;
				listId: string;
				leadIds: string[];
				type: V2EnrichmentType;
				quoted: Quoted;
				quoteId: string;
			},
		): Started {
			const { cohort, listId, leadIds, type, quoted, quoteId } = request;
			const quote = { for: quoted, id: quoteId, required: true };
			return beginOverLeads(caller, { cohort, listId, type, quote }, { leadIds });
		},

		...createDueWork({ db, clock, queue: db.runs, step }),
	};
}

export type Enrichments = ReturnType<typeof createEnrichments>;

/** Where a run can be asked about, whichever prefix it was started under: the vendor's examples point there. */
export const pollPath = (workflowId: string): string =>
	`${LEGACY_PREFIX}/enrichment/status/${encodeURIComponent(workflowId)}`;

function singleResult(
	run: EnrichmentRun,
	leadId: string,
	{ contact }: Person,
	result: TaskResult | null,
): z.input<typeof SingleEnrichmentResult> {
	const name = result?.prospect;
	return {
		lead_id: leadId,
		status: leadId ? 'completed' : 'failed',
		full_name: name?.full_name ?? null,
		first_name: name?.first_name ?? text(contact.first_name),
		last_name: name?.last_name ?? text(contact.last_name),
		email: result?.primary_email ?? null,
		email_status: result?.primary_email_status ?? null,
		phone: result?.personal_phone_numbers[0] ?? null,
		linkedin_url: result?.linkedin_url ?? text(contact.linkedin_url),
		title: result?.title ?? null,
		company: result?.company.name ?? text(contact.company_name),
		enrichment_type: run.enrichmentType,
		provider: leadId ? PROVIDER : null,
	};
}
