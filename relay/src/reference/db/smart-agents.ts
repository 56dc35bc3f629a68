import type { DatabaseSync } from 'node:sqlite';
import type { AgentType } from '../../contract/smart-agents.ts';
import type { AgentLead } from '../domain/smart-agent.ts';
import { dueQueries } from './due.ts';
import { VISIBLE } from './lead-lists.ts';
import type { Viewer } from './lead-lists.ts';

const INSERT = `
	INSERT INTO smart_agent_runs (task_id, organization_id, user_id, list_id, column_name, agent_type, prompt, status,
		total, duration_ms, created_at, due_at)
	VALUES (:taskId, :organizationId, :userId, :listId, :columnName, :agentType, :prompt, 'pending',
		:total, :durationMs, :createdAt, :dueAt)`;

const INSERT_CELLS = `
	INSERT INTO smart_agent_cells (task_id, idx, lead_id) SELECT :taskId, key, value FROM json_each(:leadIds)`;

const COLUMNS = `r.seq, r.task_id AS taskId, r.organization_id AS organizationId, r.list_id AS listId,
	r.column_name AS columnName, r.agent_type AS agentType, r.prompt, r.status, r.total, r.processed, r.succeeded, r.step,
	r.duration_ms AS durationMs, r.created_at AS createdAt`;

/** Own runs, and those on lists that the viewer can see: their texts tell about the leads. */
const READABLE = `r.organization_id = :organizationId AND (r.user_id = :userId
	OR EXISTS (SELECT 1 FROM lead_lists l WHERE l.list_id = r.list_id AND ${VISIBLE}))`;

const RUN = `SELECT ${COLUMNS} FROM smart_agent_runs r WHERE r.task_id = :taskId AND ${READABLE}`;

const LATEST = `SELECT ${COLUMNS} FROM smart_agent_runs r WHERE ${READABLE} ORDER BY r.seq DESC LIMIT :limit`;

const LATEST_OF_LIST = `
	SELECT ${COLUMNS} FROM smart_agent_runs r
	WHERE r.list_id = :listId AND ${READABLE} ORDER BY r.seq DESC LIMIT :limit`;

/** `isInList`: it may have been removed since the run began. */
const CELLS_TO_FILL = `
	SELECT c.idx, c.lead_id AS leadId, d.identity, d.first_name AS firstName, d.last_name AS lastName, d.title, d.company,
		d.company_domain AS companyDomain,
		EXISTS (SELECT 1 FROM list_leads m WHERE m.list_id = :listId AND m.lead_id = c.lead_id) AS isInList
	FROM smart_agent_cells c JOIN leads d USING (lead_id)
	WHERE c.task_id = :taskId AND c.idx >= :from AND c.idx < :to ORDER BY c.idx`;

const FILL_CELL = `
	UPDATE smart_agent_cells SET value = :value, error = :error WHERE task_id = :taskId AND idx = :index`;

const FILLED_CELLS = `
	SELECT lead_id AS leadId, value, error FROM smart_agent_cells
	WHERE task_id = ? AND (value IS NOT NULL OR error IS NOT NULL) ORDER BY idx`;

const ADVANCE = `
	UPDATE smart_agent_runs SET status = 'processing', step = step + 1, due_at = :dueAt,
		processed = processed + :processed, succeeded = succeeded + :succeeded
	WHERE task_id = :taskId`;

const FINISH = `
	UPDATE smart_agent_runs SET status = :status, due_at = NULL, completed_at = :completedAt WHERE task_id = :taskId`;

/** The leads without a value in the column, or all of them, in order of attachment. */
const LEADS_TO_RUN = `
	SELECT m.lead_id AS leadId FROM list_leads m
	WHERE m.list_id = :listId AND (:overwrite OR NOT EXISTS (
		SELECT 1 FROM smart_columns c JOIN smart_values v USING (column_id)
		WHERE c.list_id = :listId AND c.name = :columnName AND v.lead_id = m.lead_id))
	ORDER BY m.position LIMIT :limit`;

const ENSURE_COLUMN = `
	INSERT INTO smart_columns (list_id, name) VALUES (:listId, :columnName) ON CONFLICT (list_id, name) DO NOTHING`;

const SET_VALUE = `
	INSERT INTO smart_values (column_id, lead_id, value)
	SELECT column_id, :leadId, :value FROM smart_columns WHERE list_id = :listId AND name = :columnName
	ON CONFLICT (column_id, lead_id) DO UPDATE SET value = excluded.value`;

const COLUMN_NAMES = 'SELECT name FROM smart_columns WHERE list_id = ? ORDER BY column_id';

const VALUES = `
	SELECT v.lead_id AS leadId, c.name, v.value FROM json_each(:leadIds) wanted
	JOIN smart_columns c ON c.list_id = :listId
	JOIN smart_values v ON v.column_id = c.column_id AND v.lead_id = wanted.value`;

export interface AgentRun {
	seq: number;
	taskId: string;
	organizationId: string;
	listId: string;
	columnName: string;
	agentType: AgentType;
	prompt: string | null;
	status: 'pending' | 'processing' | 'completed' | 'failed';
	total: number;
	processed: number;
	succeeded: number;
	/** Steps done. */
	step: number;
	durationMs: number;
	createdAt: number;
}

/** A cell of the run, with the lead it is about. */
export type CellToFill = AgentLead & { idx: number; leadId: string; isInList: 0 | 1 };

export function smartAgentQueries(db: DatabaseSync) {
	const insert = db.prepare(INSERT);
	const insertCells = db.prepare(INSERT_CELLS);
	const run = db.prepare(RUN);
	const latest = db.prepare(LATEST);
	const latestOfList = db.prepare(LATEST_OF_LIST);
	const cellsToFill = db.prepare(CELLS_TO_FILL);
	const fillCell = db.prepare(FILL_CELL);
	const filledCells = db.prepare(FILLED_CELLS);
	const advance = db.prepare(ADVANCE);
	const finish = db.prepare(FINISH);
	const leadsToRun = db.prepare(LEADS_TO_RUN);
	const ensureColumn = db.prepare(ENSURE_COLUMN);
	const setValue = db.prepare(SET_VALUE);
	const columnNames = db.prepare(COLUMN_NAMES);
	const values = db.prepare(VALUES);

	const viewer = ({ organizationId, userId }: Viewer) => ({ organizationId, userId });

	return {
		/** Makes the run and, when it is new, its column. */
		insert(
			row: {
				taskId: string;
				organizationId: string;
				userId: string;
				listId: string;
				columnName: string;
				agentType: AgentType;
				prompt: string | null;
				total: number;
				durationMs: number;
				createdAt: number;
				dueAt: number;
			},
			leadIds: readonly string[],
		): void {
			insert.run(row);
			insertCells.run({ taskId: row.taskId, leadIds: JSON.stringify(leadIds) });
			ensureColumn.run({ listId: row.listId, columnName: row.columnName });
		},
		get: (caller: Viewer, taskId: string) => run.get({ ...viewer(caller), taskId }) as AgentRun | undefined,
		/** Newest first; of one list, or of all. */
		latest: (caller: Viewer, listId: string | null, limit: number) =>
			(listId === null
				? latest.all({ ...viewer(caller), limit })
				: latestOfList.all({ ...viewer(caller), listId, limit })) as unknown as AgentRun[],
		...dueQueries<AgentRun>(db, 'smart_agent_runs r', COLUMNS, 'due_at IS NOT NULL'),
		/** From place `from` up to, without, `to`. */
		cellsToFill: ({ taskId, listId }: AgentRun, from: number, to: number) =>
			cellsToFill.all({ taskId, listId, from, to }) as unknown as CellToFill[],
		fillCell(row: { taskId: string; index: number; value: string | null; error: string | null }): void {
			fillCell.run(row);
		},
		filledCells: (taskId: string) =>
			filledCells.all(taskId) as { leadId: string; value: string | null; error: string | null }[],
		advance(row: { taskId: string; dueAt: number; processed: number; succeeded: number }): void {
			advance.run(row);
		},
		finish(row: { taskId: string; status: 'completed' | 'failed'; completedAt: number }): void {
			finish.run(row);
		},
		/** @param overwrite also those that have a value in the column */
		leadsToRun: (listId: string, columnName: string, overwrite: boolean, limit: number) =>
			(
				leadsToRun.all({ listId, columnName, overwrite: Number(overwrite), limit }) as { leadId: string }[]
			).map(({ leadId }) => leadId),
		setValue(row: { listId: string; columnName: string; leadId: string; value: string }): void {
			setValue.run(row);
		},
		/** In the order in which they were made. */
		columnNames: (listId: string) => (columnNames.all(listId) as { name: string }[]).map(({ name }) => name),
		values: (listId: string, leadIds: readonly string[]) =>
			values.all({ listId, leadIds: JSON.stringify(leadIds) }) as unknown as {
				leadId: string;
				name: string;
				value: string;
			}[],
	};
}
