import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { EstimateRead } from '../../../../relay/src/contract';
import { AGENT } from '../../helpers/agents';
import { choice } from '../../helpers/choice';
import { readEnrichmentType } from '../../helpers/enrichmentType';
import { parameterError } from '../../helpers/errors';
import { chosenList } from '../../helpers/listLocator';
import { requiredText } from '../../helpers/requiredText';
import { textOf } from '../../helpers/values';
import { wholeNumber } from '../../helpers/wholeNumber';
import type { RequestFacts } from '../../helpers/words';
import { estimate, type EstimateTerms } from '../../transport/estimate';
import type { ItemOperation } from '../operation';
import { fields, SUBJECTS, TOOLS, TYPED_TOOLS, type Tool } from './estimateCost.fields';

export const estimateCost: ItemOperation = {
	value: 'estimateCost',
	name: 'Estimate Cost',
	action: 'Estimate cost in credits of operation',
	description:
		'Estimate what an operation would cost the account at most, whether its credits suffice, and get a quote that holds for minutes',
	scope: 'credits:read',
	endpoints: ['POST /api/v2/credits/estimate'],
	cost: 'Free',
	fields,
	async execute(itemIndex) {
		const tool = choice(this, itemIndex, { name: 'tool', title: 'Tool', what: 'tool', values: TOOLS });
		const { terms, subject } = termsOf(this, itemIndex, tool);
		return output(await estimate(this, { tool, ...terms }, { itemIndex, ...(subject && { subject }) }));
	},
};

function termsOf(
	context: IExecuteFunctions,
	itemIndex: number,
	tool: Tool,
): { terms: Omit<EstimateTerms, 'tool'>; subject?: RequestFacts['subject'] } {
	const type = TYPED_TOOLS.includes(tool) ? readEnrichmentType(context, itemIndex) : null;
	switch (SUBJECTS[tool]) {
		case 'cohort': {
			const title = 'Cohort Task ID';
			const id = requiredText(context, itemIndex, {
				name: 'cohortTaskId',
				title,
				what: 'The ID of the cohort',
			});
			return {
				terms: { task_id: id, data_points: dataPoints(context, itemIndex, tool) },
				subject: { noun: 'cohort', id, parameter: title },
			};
		}
		case 'rows':
			return {
				terms: {
					row_count: wholeNumber(context, itemIndex, { name: 'rowCount', title: 'Number of People' }),
					enrichment_type: type,
				},
			};
		case 'list': {
			const { id, subject } = chosenList(context, itemIndex);
			// Here, and only here, Cleanlist spells phone with a hyphen.
			if (type !== null) return { terms: { list_id: id, scope: type.replace('_', '-') }, subject };
			if (tool === 'run_smart_agent')
				return { terms: { list_id: id, agent_type: requiredText(context, itemIndex, AGENT) }, subject };
			const provider = textOf(context.getNodeParameter('provider', itemIndex, ''));
			return { terms: { list_id: id, ...(provider !== '' && { provider }) }, subject };
		}
	}
}

function dataPoints(context: IExecuteFunctions, itemIndex: number, tool: Tool): string[] {
	const name = tool === 'add_person_enrichments' ? 'personDataPoints' : 'companyDataPoints';
	const chosen: unknown = context.getNodeParameter(name, itemIndex, []);
	if (Array.isArray(chosen) && chosen.length > 0) return chosen.map(String);
	throw parameterError(
		context.getNode(),
		'Data Points',
		itemIndex,
		'No data point is chosen',
		"Choose at least one in the parameter 'Data Points'.",
	);
}

/** Cleanlist gives the end of the quote in seconds since 1970, which no other node expects. */
function output(quote: EstimateRead): IDataObject {
	const { quote_id, estimated_cost: cost, available_credits: available, expires_at: expires } = quote;
	return {
		tool: quote.tool ?? null,
		estimated_cost: cost ?? null,
		available_credits: available ?? null,
		sufficient: quote.sufficient ?? null,
		shortfall:
			typeof cost === 'number' && typeof available === 'number' ? Math.max(0, cost - available) : null,
		row_count: quote.row_count ?? null,
		quote_id: quote_id ?? null,
		quote_expires_at: typeof expires === 'number' ? new Date(expires * 1000).toISOString() : null,
	};
}
