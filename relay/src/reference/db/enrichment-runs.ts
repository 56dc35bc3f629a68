import type { DatabaseSync } from 'node:sqlite';
import type { V2EnrichmentType } from '../../contract/enrichment-v2.ts';
import type { KnownLead } from '../domain/person.ts';
import { dueQueries } from './due.ts';

const INSERT = `
	INSERT INTO enrichment_runs (workflow_id, organization_id, user_id, list_id, cohort, enrichment_type, status, total,
		person, duration_ms, created_at, due_at)
	VALUES (:workflowId, :organizationId, :userId, :listId, :cohort, :enrichmentType, 'pending', :total,
		:person, :durationMs, :createdAt, :dueAt)`;

/** The leads as they are when the run starts: those that come later are neither enriched nor paid for. */
const INSERT_LEADS = `
	INSERT INTO enrichment_run_leads (workflow_id, idx, lead_id) SELECT :workflowId, key, value FROM json_each(:leadIds)`;

/** A whole list: reading 100,000 ids first, and looking each lead up, made it 0.4 s; it is 0.14. */
const INSERT_LEADS_OF_LIST = `
	INSERT INTO enrichment_run_leads (workflow_id, idx, lead_id)
	SELECT :workflowId, row_number() OVER (ORDER BY position) - 1, lead_id FROM list_leads WHERE list_id = :listId`;

const COLUMNS = `workflow_id AS workflowId, organization_id AS organizationId, user_id AS userId, list_id AS listId,
	enrichment_type AS enrichmentType, status, total, processed, hits, emails_found AS emailsFound,
	phones_found AS phonesFound, person, result, charged, refunded, step, duration_ms AS durationMs,
	created_at AS createdAt`;

const RUN = `SELECT ${COLUMNS} FROM enrichment_runs WHERE workflow_id = ? AND organization_id = ?`;

const LATEST_OF_COHORT = `
	SELECT ${COLUMNS} FROM enrichment_runs WHERE cohort = ? AND organization_id = ? ORDER BY seq DESC LIMIT 1`;

const LEAD_COLUMNS = `d.lead_id AS leadId, d.identity, d.first_name AS firstName, d.last_name AS lastName, d.company,
	d.company_domain AS companyDomain, d.linkedin_url AS linkedinUrl, d.email`;

const LEADS = `
	SELECT ${LEAD_COLUMNS} FROM enrichment_run_leads r JOIN leads d USING (lead_id)
	WHERE r.workflow_id = :workflowId AND r.idx >= :from AND r.idx < :to ORDER BY r.idx`;

const LEADS_BY_ID = `
	SELECT ${LEAD_COLUMNS} FROM json_each(:leadIds) wanted JOIN leads d ON d.lead_id = wanted.value ORDER BY wanted.key`;

const ADVANCE = `
	UPDATE enrichment_runs SET status = 'running', step = step + 1, due_at = :dueAt, processed = processed + :processed,
		hits = hits + :hits, emails_found = emails_found + :emails, phones_found = phones_found + :phones
	WHERE workflow_id = :workflowId`;

const SET_RESULT = 'UPDATE enrichment_runs SET result = :result WHERE workflow_id = :workflowId';

const FINISH = `
	UPDATE enrichment_runs SET status = :status, due_at = NULL, charged = :charged, refunded = :refunded,
		completed_at = :completedAt
	WHERE workflow_id = :workflowId`;

const LIST_EXISTS = 'SELECT 1 FROM lead_lists WHERE list_id = ?';

export type RunEnd = 'completed' | 'failed' | 'cancelled';

export interface EnrichmentRun {
	workflowId: string;
	organizationId: string;
	userId: string;
	listId: string;
	enrichmentType: V2EnrichmentType;
	status: 'pending' | 'running' | RunEnd;
	total: number;
	processed: number;
	/** Of those processed: something sought was found. */
	hits: number;
	emailsFound: number;
	phonesFound: number;
	/** JSON of who is looked for, in a run over one person. */
	person: string | null;
	/** JSON of what was found, in a run over one person that has ended. */
	result: string | null;
	/** Credits; null while it runs, as is `refunded`. */
	charged: number | null;
	refunded: number | null;
	/** Steps done. */
	step: number;
	durationMs: number;
	createdAt: number;
}

export function enrichmentRunQueries(db: DatabaseSync) {
	const insert = db.prepare(INSERT);
	const insertLeads = db.prepare(INSERT_LEADS);
	const insertLeadsOfList = db.prepare(INSERT_LEADS_OF_LIST);
	const run = db.prepare(RUN);
	const latestOfCohort = db.prepare(LATEST_OF_COHORT);
	const leads = db.prepare(LEADS);
	const leadsById = db.prepare(LEADS_BY_ID);
	const advance = db.prepare(ADVANCE);
	const setResult = db.prepare(SET_RESULT);
	const finish = db.prepare(FINISH);
	const listExists = db.prepare(LIST_EXISTS);

	return {
		insert(row: {
			workflowId: string;
			organizationId: string;
			userId: string;
			listId: string;
			/** The handle it was started with. */
			cohort: string | null;
			enrichmentType: V2EnrichmentType;
			total: number;
			person: string | null;
			durationMs: number;
			createdAt: number;
			dueAt: number;
		}): void {
			insert.run(row);
		},
		insertLeads(workflowId: string, leadIds: readonly string[]): void {
			insertLeads.run({ workflowId, leadIds: JSON.stringify(leadIds) });
		},
		/** All that are in the list now, in order of attachment. */
		insertLeadsOfList(workflowId: string, listId: string): void {
			insertLeadsOfList.run({ workflowId, listId });
		},
		get: (organizationId: string, workflowId: string) =>
			run.get(workflowId, organizationId) as EnrichmentRun | undefined,
		latestOfCohort: (organizationId: string, cohort: string) =>
			latestOfCohort.get(cohort, organizationId) as EnrichmentRun | undefined,
		...dueQueries<EnrichmentRun>(db, 'enrichment_runs', COLUMNS, 'due_at IS NOT NULL'),
		/** Those of the run from place `from` up to, without, `to`. */
		leads: (workflowId: string, from: number, to: number) =>
			leads.all({ workflowId, from, to }) as unknown as KnownLead[],
		/** In the order given. */
		leadsById: (leadIds: readonly string[]) =>
			leadsById.all({ leadIds: JSON.stringify(leadIds) }) as unknown as KnownLead[],
		/** One step further, with what it found. */
		advance(row: {
			workflowId: string;
			dueAt: number;
			processed: number;
			hits: number;
			emails: number;
			phones: number;
		}): void {
			advance.run(row);
		},
		setResult(workflowId: string, result: string): void {
			setResult.run({ workflowId, result });
		},
		finish(row: {
			workflowId: string;
			status: RunEnd;
			charged: number;
			refunded: number;
			completedAt: number;
		}): void {
			finish.run(row);
		},
		listExists: (listId: string) => listExists.get(listId) !== undefined,
	};
}
