import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { EstimateRead, EstimateRequest } from '../../../relay/src/contract';
import type { RequestFacts } from '../helpers/words';
import { request } from './request';
import { CLEANLIST, V2 } from './service';

export type EstimateTerms = EstimateRequest;

/** Asks what a call would cost at most; the answer's quote pays for that call, once, within minutes. Free. */
export async function estimate(
	context: IExecuteFunctions,
	terms: EstimateTerms,
	facts: RequestFacts,
): Promise<EstimateRead> {
	return await request<EstimateRead>(context, CLEANLIST, {
		method: 'POST',
		path: `${V2}/credits/estimate`,
		body: terms as unknown as IDataObject,
		facts: {
			scope: 'credits:read',
			parameters: {
				list_id: 'Lead List',
				task_id: 'Cohort Task ID',
				data_points: 'Data Points',
				enrichment_type: 'Enrichment Type',
				scope: 'Enrichment Type',
				agent_type: 'Agent',
				row_count: 'Number of People',
			},
			...facts,
		},
	});
}
