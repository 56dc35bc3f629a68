import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { EnrichCompanyRequest } from '../../../../relay/src/contract';
import { companyItem, companyNotSent } from '../../helpers/company';
import { bareDomain } from '../../helpers/domain';
import { plain } from '../../helpers/duplicates';
import { readOutput } from '../../helpers/output';
import { textOf } from '../../helpers/values';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import { Places } from './places';
import { answerAll } from './run.poll';
import { readSendingOptions } from './sending.options';
import { readWishes, sendWishes } from './wishes';

const PARAMETERS = {
	domain: 'Company Domain',
	company_name: 'Company Name',
	company_ticker: 'Ticker',
	company_id: 'Company ID',
};

const NOTHING_SAID = 'A company needs a domain, a name, a ticker or an ID.';

/** One execution of Enrichment → Enrich Company. Its output has one item per input item, in order. */
export async function enrichCompanyRun(
	context: IExecuteFunctions,
	itemCount: number,
): Promise<INodeExecutionData[]> {
	const places = new Places(context, itemCount);
	const settings = places.settings(() => ({
		options: readSendingOptions(context),
		output: readOutput(context, 0),
	}));
	if (settings === null) return places.output();
	const { options, output } = settings;

	const wishes = readWishes<EnrichCompanyRequest>(context, places, {
		options,
		itemCount,
		nameOf,
		read(itemIndex) {
			const company = readCompany(context, itemIndex);
			if (Object.keys(company).length > 0) return company;
			const json = companyNotSent(output, NOTHING_SAID);
			return { unsendable: { reason: NOTHING_SAID, parameter: PARAMETERS.domain, json } };
		},
	});
	const granted = await sendWishes(places, wishes, async (company, itemIndex, postscript) =>
		request(context, CLEANLIST, {
			method: 'POST',
			path: `${V2}/enrichment/company`,
			body: company as IDataObject,
			facts: {
				itemIndex,
				scope: 'enrich:write',
				parameters: PARAMETERS,
				paid: {
					what: 'the company was',
					whereToLook:
						'It costs 1 credit at most: compare Account → Get Credit Balance with what you had before.',
				},
				postscript,
			},
		}),
	);
	for (const { response, ...wish } of granted) {
		const { credits_charged: charged } = response;
		answerAll(places, wish, typeof charged === 'number' ? charged : null, (creditsUsed) =>
			companyItem(output, response, creditsUsed),
		);
	}
	return places.output();
}

function readCompany(context: IExecuteFunctions, itemIndex: number): EnrichCompanyRequest {
	const { companyId, companyTicker } = context.getNodeParameter('additionalFields', itemIndex, {});
	const given = {
		domain: bareDomain(textOf(context.getNodeParameter('companyDomain', itemIndex, ''))),
		company_name: textOf(context.getNodeParameter('companyName', itemIndex, '')),
		company_ticker: textOf(companyTicker),
		company_id: textOf(companyId),
	};
	return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
}

/** The best of what says which company it is. */
function nameOf({ company_id, domain, company_name, company_ticker }: EnrichCompanyRequest): string {
	if (company_id) return JSON.stringify(['id', company_id]);
	if (domain) return JSON.stringify(['domain', domain]);
	return JSON.stringify(['name', plain(company_name ?? ''), plain(company_ticker ?? '')]);
}
