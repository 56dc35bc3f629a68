import type { DatabaseSync } from 'node:sqlite';

const INSERT = `
	INSERT INTO steered_work (work_id, outcome, fail_share, polls_left) VALUES (:workId, :outcome, :failShare, :pollsLeft)`;

const GET = `
	SELECT outcome, fail_share AS failShare, polls_left AS pollsLeft FROM steered_work WHERE work_id = ?`;

const SET_POLLS_LEFT = 'UPDATE steered_work SET polls_left = :pollsLeft WHERE work_id = :workId';

const RELEASE = [
	`UPDATE workflows SET due_at = :now WHERE workflow_id = :workId AND status = 'processing'`,
	'UPDATE enrichment_runs SET due_at = :now WHERE workflow_id = :workId AND due_at IS NOT NULL',
	'UPDATE smart_agent_runs SET due_at = :now WHERE task_id = :workId AND due_at IS NOT NULL',
];

/** By its own id, by that of one of a workflow's tasks, or by the cohort that it is the latest run over. */
const WORK = `
	SELECT workflow_id AS workId FROM workflows WHERE workflow_id = :id AND organization_id = :organizationId
	UNION ALL
	SELECT workflow_id FROM tasks JOIN workflows USING (workflow_id) WHERE task_id = :id AND organization_id = :organizationId
	UNION ALL
	SELECT workflow_id FROM enrichment_runs WHERE workflow_id = :id AND organization_id = :organizationId
	UNION ALL
	SELECT * FROM (
		SELECT workflow_id FROM enrichment_runs WHERE cohort = :id AND organization_id = :organizationId ORDER BY seq DESC LIMIT 1)
	UNION ALL
	SELECT task_id FROM smart_agent_runs WHERE task_id = :id AND organization_id = :organizationId`;

const RESULTS = 'SELECT result FROM tasks WHERE workflow_id = ? AND result IS NOT NULL ORDER BY idx';

const COUNTED = {
	organizations: 'organizations',
	users: 'users',
	keys: 'api_keys',
	lists: 'lead_lists',
	leads: 'leads',
	workflows: 'workflows',
	enrichment_runs: 'enrichment_runs',
	smart_agent_runs: 'smart_agent_runs',
	webhook_attempts: 'webhook_deliveries',
	quotes: 'quotes',
} as const;

const COUNTS = `SELECT ${Object.entries(COUNTED)
	.map(([name, table]) => `(SELECT count(*) FROM ${table}) AS ${name}`)
	.join(', ')}`;

/** What was ordered for a piece of work when it began. */
export interface SteeredWork {
	outcome: 'failed' | 'cancelled' | null;
	/** Share of its contacts for which nothing is found. */
	failShare: number | null;
	/** Times that one can still ask and find it running; null when it does not wait for that. */
	pollsLeft: number | null;
}

/** SQL of what steers the reference API and looks into it. */
export function steeringQueries(db: DatabaseSync) {
	const insert = db.prepare(INSERT);
	const get = db.prepare(GET);
	const setPollsLeft = db.prepare(SET_POLLS_LEFT);
	const release = RELEASE.map((sql) => db.prepare(sql));
	const work = db.prepare(WORK);
	const results = db.prepare(RESULTS);
	const counts = db.prepare(COUNTS);

	return {
		insert(row: SteeredWork & { workId: string }): void {
			insert.run({ ...row });
		},
		get: (workId: string) => get.get(workId) as SteeredWork | undefined,
		setPollsLeft(workId: string, pollsLeft: number | null): void {
			setPollsLeft.run({ workId, pollsLeft });
		},
		/** Makes it due now. */
		release(workId: string, now: number): void {
			for (const statement of release) statement.run({ workId, now });
		},
		/** The organization's piece of work that an id asks about; null when there is none. */
		workId: (organizationId: string, id: string): string | null =>
			(work.get({ organizationId, id }) as { workId: string } | undefined)?.workId ?? null,
		/** JSON of each result of a legacy workflow, in the order of its contacts. */
		results: (workflowId: string): string[] =>
			(results.all(workflowId) as { result: string }[]).map(({ result }) => result),
		counts: () => counts.get() as Record<keyof typeof COUNTED, number>,
	};
}
