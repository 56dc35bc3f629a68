import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { EnrichListRequest } from '../../../../relay/src/contract';
import { readEnrichmentType } from '../../helpers/enrichmentType';
import { chosenList } from '../../helpers/listLocator';
import { chargedFor, workflowItem } from '../../helpers/lookedUp';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import { usableQuote } from '../quote';
import { runCourse } from './run.course';
import type { RunEnd } from './run.poll';

interface ListWish {
	list: ReturnType<typeof chosenList>;
	enrichmentType: string;
}

/** One execution of Enrichment → Enrich List. Its output has one item per input item, in order. */
export async function enrichListRun(
	context: IExecuteFunctions,
	itemCount: number,
): Promise<INodeExecutionData[]> {
	return await runCourse<ListWish>(context, itemCount, {
		nameOf: ({ list, enrichmentType }) => JSON.stringify([list.id, enrichmentType]),
		read: (itemIndex) => ({
			list: chosenList(context, itemIndex),
			enrichmentType: readEnrichmentType(context, itemIndex),
		}),
		send: async (...wish) => await send(context, ...wish),
		started: startedItem,
		ended(run, output) {
			const status = become(run);
			return {
				creditsUsed: run.over ? chargedFor(status) : null,
				json: (creditsUsed) =>
					workflowItem(
						output,
						{ ...status, ...(creditsUsed === 0 && { credits_charged: 0 }) },
						run.workflowId,
					),
			};
		},
	});
}

async function send(
	context: IExecuteFunctions,
	{ list, enrichmentType }: ListWish,
	itemIndex: number,
	postscript: string | undefined,
): Promise<IDataObject> {
	// Here, and in the estimate, Cleanlist spells phone with a hyphen.
	const scope = enrichmentType.replace('_', '-') as EnrichListRequest['scope'];
	const facts = {
		itemIndex,
		subject: list.subject,
		parameters: { list_id: 'Lead List', scope: 'Enrichment Type', quote_id: 'Quote ID' },
		postscript,
	};
	const body: EnrichListRequest = {
		list_id: list.id,
		scope,
		quote_id: await usableQuote(context, itemIndex, {
			terms: { tool: 'enrich_list', list_id: list.id, scope },
			facts,
			cheaper: 'Choose a cheaper enrichment type',
		}),
	};
	return await request(context, CLEANLIST, {
		method: 'POST',
		path: `${V2}/enrichment/bulk`,
		body: body as unknown as IDataObject,
		facts: {
			...facts,
			scope: 'enrich:write',
			paid: {
				what: 'the list was',
				whereToLook: `Before you run it again, see with Account → Get Credit Balance whether credits were reserved, and with Lead → Get Many whether leads of the list ${list.id} get email addresses or phone numbers. If so, it was carried out, and sending it again would be charged again.`,
			},
		},
	});
}

const startedItem = ({ list }: ListWish, response: IDataObject): IDataObject => ({
	status: response.status ?? 'pending',
	workflow_id: response.workflow_id ?? null,
	lead_list_id: list.id,
	total_leads: response.total_leads ?? null,
	estimated_cost: response.estimated_cost ?? null,
	credits_reserved: response.credits_reserved ?? null,
});

/** How the run ended, in the words of its last status; `timeout` when it did not. */
function become({ what, last, over, workflowId }: RunEnd<ListWish>): IDataObject {
	if (over && last !== null) return last;
	return {
		...last,
		workflow_id: workflowId,
		lead_list_id: what.list.id,
		status: 'timeout',
		reason: 'The run was not over in time. Ask later with Enrichment → Get, by workflow.',
	};
}
