import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { CONTACT_FIELDS } from '../../helpers/contacts';
import { enrichedItem, type Enriched } from '../../helpers/enriched';
import { withoutEnvelope } from '../../helpers/envelope';
import { chargedFor, personStatus } from '../../helpers/lookedUp';
import type { Output } from '../../helpers/output';
import { isBroken, whyBroken } from '../../helpers/progress';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import { nameOfPerson, readPerson, requestOf, whyNobody, type Person } from './person.input';
import { runCourse } from './run.course';
import type { RunEnd } from './run.poll';

const IDS: [string, string] = ['workflow_id', 'lead_id'];

/** One execution of Enrichment → Enrich Person. Its output has one item per input item, in order. */
export async function enrichPersonRun(
	context: IExecuteFunctions,
	itemCount: number,
): Promise<INodeExecutionData[]> {
	return await runCourse<Person>(context, itemCount, {
		nameOf: nameOfPerson,
		read(itemIndex, output) {
			const person = readPerson(context, itemIndex);
			const reason = whyNobody(person);
			if (reason === null) return person;
			return { unsendable: { reason, parameter: 'Email', json: notSent(output, reason, person) } };
		},
		send: async (...wish) => await send(context, ...wish),
		started: startedItem,
		ended(run, output) {
			const enriched = become(run);
			return {
				creditsUsed: enriched.creditsUsed,
				json: (creditsUsed) => enrichedItem(output, { ...enriched, creditsUsed }, IDS),
			};
		},
	});
}

async function send(
	context: IExecuteFunctions,
	person: Person,
	itemIndex: number,
	postscript: string | undefined,
): Promise<IDataObject> {
	const { list } = person;
	return await request(context, CLEANLIST, {
		method: 'POST',
		path: `${V2}/enrichment/person`,
		body: requestOf(person) as IDataObject,
		facts: {
			itemIndex,
			scope: 'enrich:write',
			subject: list.subject,
			parameters: {
				...CONTACT_FIELDS,
				lead_list_id: 'Lead List',
				domain: CONTACT_FIELDS.company_domain,
				phone: 'Phone',
				person_id: 'Person ID',
				enrichment_type: 'Enrichment Type',
				quote_id: 'Quote ID',
			},
			paid: {
				what: 'the person was',
				whereToLook: `Before you run it again, wait a few minutes and look with Lead → Get Many whether the person is on the list ${list.id} with what was asked for. If so, it was carried out, and sending it again would be charged again.`,
			},
			postscript,
		},
	});
}

const startedItem = ({ list, contact }: Person, response: IDataObject): IDataObject => ({
	status: response.status ?? 'pending',
	workflow_id: response.workflow_id ?? null,
	lead_list_id: response.lead_list_id ?? list.id,
	credits_reserved: response.credits_reserved ?? null,
	contact,
});

function notSent(output: Output | undefined, reason: string, { contact }: Person): IDataObject {
	const raw = { status: 'not_sent', reason, contact };
	if (output === undefined) return raw;
	return enrichedItem(output, { raw, reason, status: 'not_sent', creditsUsed: 0, contact }, IDS);
}

function become({ what, last, over, workflowId }: RunEnd<Person>): Enriched {
	const { contact } = what;
	if (!over || last === null) {
		const reason = 'The result was not there in time. Get it later with Enrichment → Get, by workflow.';
		const raw = { status: 'timeout', reason, workflow_id: workflowId, lead_list_id: what.list.id, contact };
		return { raw, reason, status: 'timeout', creditsUsed: null, workflowId, contact };
	}
	return {
		raw: withoutEnvelope(last),
		status: personStatus(last),
		creditsUsed: chargedFor(last),
		workflowId,
		contact,
		...(isBroken(last) && { reason: whyBroken(last) }),
	};
}
