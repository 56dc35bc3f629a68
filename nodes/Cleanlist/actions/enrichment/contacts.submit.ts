import type { IExecuteFunctions } from 'n8n-workflow';
import type { BulkEnrichRead, SourcesResponse } from '../../../../relay/src/contract';
import { CONTACT_FIELDS, type Contact } from '../../helpers/contacts';
import { mostCredits } from '../../helpers/credits';
import { outcomeError, parameterError } from '../../helpers/errors';
import type { RequestFacts } from '../../helpers/words';
import type { Outcome } from '../../transport/outcome';
import { bodyOf, request, send } from '../../transport/request';
import { CLEANLIST, LEGACY, RELAY, RELAY_V1 } from '../../transport/service';

const RELAY_URL_ADVICE =
	'It is about the URL where your relay takes results in. Cleanlist must reach it from the internet, under https: set RELAY_PUBLIC_URL of the relay to such an address and run the node again; nothing was processed.';

/** Contacts that go out in one request, and where each comes from. */
export interface Batch {
	enrichmentType: string;
	webhookUrl: string | null;
	/** Whether that is the relay's. */
	throughRelay: boolean;
	contacts: { contact: Contact; itemIndex: number }[];
}

/**
 * Sends one request. It is never repeated when it may have been carried out: that would be charged again.
 *
 * @param postscript what an error must also say
 */
export async function submit(
	context: IExecuteFunctions,
	batch: Batch,
	postscript: string | undefined,
): Promise<BulkEnrichRead> {
	const { enrichmentType, webhookUrl, contacts } = batch;
	const outcome = await send(context, CLEANLIST, {
		method: 'POST',
		path: `${LEGACY}/enrich/bulk`,
		body: {
			enrichment_type: enrichmentType,
			...(webhookUrl !== null && { webhook_url: webhookUrl }),
			contacts: contacts.map(({ contact }) => contact),
		},
	});
	const accepted = bodyOf(outcome) as BulkEnrichRead | null;
	if (accepted !== null) return accepted;
	const facts = await factsOf(context, batch, outcome);
	throw outcomeError(context.getNode(), CLEANLIST, outcome, { ...facts, postscript });
}

/** Where the relay takes results in. */
export async function ingestUrl(context: IExecuteFunctions): Promise<string> {
	const { sources } = await request<SourcesResponse>(context, RELAY, {
		method: 'GET',
		path: `${RELAY_V1}/sources`,
	});
	const source = sources?.find(({ id }) => id === 'default') ?? sources?.[0];
	if (source) return source.ingest_url;
	throw parameterError(
		context.getNode(),
		'Result Delivery',
		0,
		'The relay has no source to take results in',
		'Look at the log of the relay; a relay always makes one called "default".',
	);
}

async function factsOf(
	context: IExecuteFunctions,
	{ enrichmentType, throughRelay, contacts }: Batch,
	outcome: Outcome,
): Promise<RequestFacts> {
	const outOfCredits = outcome.kind === 'answered' && outcome.response.status === 402;
	const available = outOfCredits ? await availableCredits(context) : null;
	const needed = contacts.length * mostCredits(enrichmentType);
	return {
		itemIndex: contacts[0]?.itemIndex,
		scope: 'enrich:write',
		parameters: {
			...CONTACT_FIELDS,
			enrichment_type: 'Enrichment Type',
			webhook_url: throughRelay ? 'Result Delivery' : 'Webhook URL',
			contacts: 'Contacts',
		},
		...(throughRelay && { advice: { webhook_url: RELAY_URL_ADVICE } }),
		paidContacts: contacts.length,
		itemOfContact: (position) => contacts[position]?.itemIndex,
		...(available !== null && { credits: { needed, available } }),
	};
}

/** The answer 402 holds no numbers; the balance is free to ask. Null when it can't be had. */
async function availableCredits(context: IExecuteFunctions): Promise<number | null> {
	const outcome = await send(context, CLEANLIST, {
		method: 'GET',
		path: `${LEGACY}/credits/balance`,
		longestWaitMs: 0,
	});
	const balance = bodyOf(outcome) as { credits?: unknown } | null;
	return typeof balance?.credits === 'number' ? balance.credits : null;
}
