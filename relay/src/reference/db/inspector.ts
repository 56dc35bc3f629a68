import type { DatabaseSync } from 'node:sqlite';

/** All of these read the latest rows of all organizations, and few of them: pages that are looked at while data grow. */

const ORGANIZATIONS = `
	SELECT o.organization_id AS organizationId, o.name, o.tier, o.appsumo_tier AS appsumoTier, o.credits,
		o.reserved_credits AS reserved, (SELECT count(*) FROM users u WHERE u.organization_id = o.organization_id) AS users
	FROM organizations o ORDER BY o.rowid DESC LIMIT :limit`;

const LEDGER = `
	SELECT l.entry_id AS entryId, o.name AS organization, l.kind, l.amount, l.reserved, l.reference,
		l.created_at AS createdAt
	FROM credit_ledger l JOIN organizations o USING (organization_id) ORDER BY l.entry_id DESC LIMIT :limit`;

const LISTS = `
	SELECT l.list_id AS listId, l.name, u.name AS owner, o.name AS organization, l.is_protected AS isProtected,
		l.is_hidden AS isHidden, l.visibility,
		EXISTS (SELECT 1 FROM list_shares s WHERE s.list_id = l.list_id) AS isShared,
		l.lead_count AS leadCount, l.enriched_count AS enrichedCount, l.created_at AS createdAt
	FROM lead_lists l JOIN users u ON u.user_id = l.owner_id JOIN organizations o ON o.organization_id = l.organization_id
	ORDER BY l.seq DESC LIMIT :limit`;

const LEADS = `
	SELECT d.lead_id AS leadId, d.first_name AS firstName, d.last_name AS lastName, d.email, d.phone, d.title, d.company
	FROM list_leads ll JOIN leads d USING (lead_id)
	WHERE ll.list_id = :listId ORDER BY ll.position LIMIT :limit`;

/** The three kinds of work in one order: the latest first. */
const WORK = `
	SELECT * FROM (
		SELECT workflow_id AS workId, 'bulk' AS kind, coalesce(outcome, status) AS status, enrichment_type AS type, total,
			successful + failed AS processed, created_at AS createdAt, completed_at AS completedAt
		FROM workflows ORDER BY rowid DESC LIMIT :limit)
	UNION ALL SELECT * FROM (
		SELECT workflow_id, 'enrichment', status, enrichment_type, total, processed, created_at, completed_at
		FROM enrichment_runs ORDER BY seq DESC LIMIT :limit)
	UNION ALL SELECT * FROM (
		SELECT task_id, 'smart agent', status, agent_type, total, processed, created_at, completed_at
		FROM smart_agent_runs ORDER BY seq DESC LIMIT :limit)
	ORDER BY createdAt DESC LIMIT :limit`;

const TASKS = `
	SELECT task_id AS taskId, contact, result FROM tasks WHERE workflow_id = :workId ORDER BY idx LIMIT :limit`;

const WEBHOOKS = `
	SELECT workflow_id AS workflowId, webhook_url AS url, completed_at IS NOT NULL AS hasEnded FROM workflows
	WHERE webhook_url IS NOT NULL ORDER BY rowid DESC LIMIT :limit`;

const ATTEMPTS = `
	SELECT attempt_number AS attempt, status, due_at AS dueAt, attempted_at AS attemptedAt,
		response_code AS responseCode, error_message AS error
	FROM webhook_deliveries WHERE workflow_id = :workflowId ORDER BY attempt_number`;

export interface OrganizationView {
	organizationId: string;
	name: string;
	tier: string;
	appsumoTier: number | null;
	credits: number;
	reserved: number;
	users: number;
}
export interface LedgerView {
	entryId: number;
	organization: string;
	kind: string;
	amount: number;
	reserved: number;
	reference: string | null;
	createdAt: number;
}
export interface ListView {
	listId: string;
	name: string;
	owner: string;
	organization: string;
	isProtected: 0 | 1;
	isHidden: 0 | 1;
	isShared: 0 | 1;
	visibility: string;
	leadCount: number;
	enrichedCount: number;
	createdAt: number;
}
export interface LeadView {
	leadId: string;
	firstName: string | null;
	lastName: string | null;
	email: string | null;
	phone: string | null;
	title: string | null;
	company: string | null;
}
export interface WorkView {
	workId: string;
	kind: 'bulk' | 'enrichment' | 'smart agent';
	status: string;
	type: string;
	total: number;
	processed: number;
	createdAt: number;
	completedAt: number | null;
}
export interface TaskView {
	taskId: string;
	/** JSON */
	contact: string;
	/** JSON */
	result: string | null;
}
export interface WebhookView {
	workflowId: string;
	url: string;
	hasEnded: 0 | 1;
}
export interface AttemptView {
	attempt: number;
	status: 'pending' | 'succeeded' | 'failed';
	dueAt: number;
	attemptedAt: number | null;
	responseCode: number | null;
	error: string | null;
}

/** SQL of the inspector. */
export function inspectorQueries(db: DatabaseSync) {
	const organizations = db.prepare(ORGANIZATIONS);
	const ledger = db.prepare(LEDGER);
	const lists = db.prepare(LISTS);
	const leads = db.prepare(LEADS);
	const work = db.prepare(WORK);
	const tasks = db.prepare(TASKS);
	const webhooks = db.prepare(WEBHOOKS);
	const attempts = db.prepare(ATTEMPTS);

	return {
		organizations: (limit: number) => organizations.all({ limit }) as unknown as OrganizationView[],
		ledger: (limit: number) => ledger.all({ limit }) as unknown as LedgerView[],
		lists: (limit: number) => lists.all({ limit }) as unknown as ListView[],
		/** The first ones of a list, in order of attachment. */
		leads: (listId: string, limit: number) => leads.all({ listId, limit }) as unknown as LeadView[],
		work: (limit: number) => work.all({ limit }) as unknown as WorkView[],
		/** The first ones of a workflow, in the order of its contacts. */
		tasks: (workId: string, limit: number) => tasks.all({ workId, limit }) as unknown as TaskView[],
		webhooks: (limit: number) => webhooks.all({ limit }) as unknown as WebhookView[],
		attempts: (workflowId: string) => attempts.all({ workflowId }) as unknown as AttemptView[],
	};
}
