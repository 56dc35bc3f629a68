import type { IDataObject, ILoadOptionsFunctions, INodeListSearchResult } from 'n8n-workflow';
import { AGENTS } from '../helpers/agents';
import { nextCursor } from '../transport/pages';
import { request } from '../transport/request';
import { CLEANLIST, V2 } from '../transport/service';

/** Pages looked through for one filtered answer: the API can't search by name, and the user watches a spinner. */
const PAGES_PER_SEARCH = 5;
const PAGE_SIZE = 100;
const LONGEST_WAIT_MS = 5_000;

/** The latest 100 runs of smart agents, which is all that Cleanlist lists; with a filter, those whose text holds it. */
export async function searchAgentRuns(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const wanted = filter?.trim().toLowerCase() ?? '';
	const { runs }: IDataObject = await request(this, CLEANLIST, {
		method: 'GET',
		path: `${V2}/smart-agents`,
		query: { limit: PAGE_SIZE },
		facts: { scope: 'smart_agents:read' },
		longestWaitMs: LONGEST_WAIT_MS,
	});
	const all = ((runs ?? []) as IDataObject[]).map((run) => ({
		name: titleOfRun(run),
		value: String(run.task_id),
	}));
	return { results: all.filter(({ name }) => name.toLowerCase().includes(wanted)) };
}

/** What a run is told by: the column it fills, the agent, how far it is, and its day. */
function titleOfRun({ column_name, agent_type, status, created_at }: IDataObject): string {
	const agent = AGENTS.find(({ value }) => value === agent_type)?.name ?? agent_type;
	const day = String(created_at ?? '').slice(0, 10);
	return [column_name, agent, status, day].filter(Boolean).join(' · ');
}

/** The lists to choose from, page by page; with a filter, those whose name holds it, whatever the case. */
export async function searchLeadLists(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const wanted = filter?.trim().toLowerCase() ?? '';
	const results: INodeListSearchResult['results'] = [];
	let cursor: string | null = paginationToken ?? null;
	for (let pages = 0; pages < PAGES_PER_SEARCH && results.length === 0; pages++) {
		const page: IDataObject = await request(this, CLEANLIST, {
			method: 'GET',
			path: `${V2}/lead-lists`,
			query: { limit: PAGE_SIZE, ...(cursor && { cursor }) },
			facts: { scope: 'lists:read' },
			longestWaitMs: LONGEST_WAIT_MS,
		});
		for (const list of (page.lists ?? []) as IDataObject[]) {
			const name = String(list.name ?? list.list_id);
			if (!name.toLowerCase().includes(wanted)) continue;
			results.push({ name, value: String(list.list_id) });
		}
		cursor = nextCursor(page);
		if (cursor === null) break;
	}
	return { results, ...(cursor !== null && { paginationToken: cursor }) };
}
