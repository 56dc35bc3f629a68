import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { RunSmartAgentRead } from '../../../../relay/src/contract';
import { AGENT } from '../../helpers/agents';
import { withoutEnvelope } from '../../helpers/envelope';
import { chosenList } from '../../helpers/listLocator';
import { requiredText } from '../../helpers/requiredText';
import { isOn } from '../../helpers/values';
import { wholeNumber } from '../../helpers/wholeNumber';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';
import { usableQuote } from '../quote';
import { fields, MOST_ROWS } from './run.fields';

const PARAMETERS = {
	list_id: 'Lead List',
	agent_type: 'Agent',
	prompt: 'Prompt',
	column_name: 'Column Name',
	lead_scope: 'Leads',
	max_rows: 'Most Leads',
	quote_id: 'Quote ID',
	overwrite: 'Overwrite',
};

export const run: ItemOperation = {
	value: 'run',
	name: 'Run',
	action: 'Run smart agent on lead list',
	description:
		'Have a smart agent of Cleanlist write something for each lead of a lead list, into a column of the list',
	scope: 'smart_agents:write',
	furtherScopes: ['credits:read'],
	endpoints: ['POST /api/v2/credits/estimate', 'POST /api/v2/smart-agents/run'],
	cost: 'About 1 for each lead, cold intro emails about 3',
	fields,
	async execute(itemIndex) {
		const { id, subject } = chosenList(this, itemIndex);
		const work = readWork(this, itemIndex);
		const quoteId = await usableQuote(this, itemIndex, {
			terms: { tool: 'run_smart_agent', list_id: id, agent_type: work.agent_type, extra: extraOf(work) },
			facts: { itemIndex, parameters: PARAMETERS, subject },
			cheaper: "Lower 'Most Leads'",
		});
		const started = await request<RunSmartAgentRead>(this, CLEANLIST, {
			method: 'POST',
			path: `${V2}/smart-agents/run`,
			body: { list_id: id, ...work, quote_id: quoteId },
			facts: {
				itemIndex,
				scope: 'smart_agents:write',
				subject,
				parameters: PARAMETERS,
				paid: {
					what: 'the run was',
					whereToLook:
						'Before you run it again, see with Smart Agent → Get Many whether the list has a new run. If so, it was carried out, and running it again would be charged again.',
				},
			},
		});
		return withoutEnvelope(started as IDataObject);
	},
};

type Work = ReturnType<typeof readWork>;

function readWork(context: IExecuteFunctions, itemIndex: number) {
	const agentType = requiredText(context, itemIndex, AGENT);
	const leadScope = requiredText(context, itemIndex, {
		name: 'leadScope',
		title: 'Leads',
		what: 'The choice of leads',
	});
	const { overwrite } = context.getNodeParameter('options', itemIndex, {});
	return {
		agent_type: agentType,
		...(agentType === 'custom_ai' && {
			prompt: requiredText(context, itemIndex, { name: 'prompt', title: 'Prompt', what: 'The prompt' }),
		}),
		column_name: requiredText(context, itemIndex, {
			name: 'columnName',
			title: 'Column Name',
			what: 'The name of the column',
		}),
		lead_scope: leadScope,
		...(leadScope === 'subset' && {
			max_rows: wholeNumber(context, itemIndex, { name: 'maxRows', title: 'Most Leads', most: MOST_ROWS }),
		}),
		overwrite: isOn(overwrite),
	};
}

/** What the estimate has no field of its own for. */
function extraOf({ max_rows }: Work): IDataObject {
	return max_rows === undefined ? {} : { max_rows };
}
