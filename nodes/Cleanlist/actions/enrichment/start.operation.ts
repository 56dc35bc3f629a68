import type {
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	NodeApiError,
	NodeOperationError,
} from 'n8n-workflow';
import type { BulkEnrichRead, SourcesResponse } from '../../../../relay/src/contract';
import { MAX_CONTACTS, toBatches } from '../../helpers/batches';
import {
	CONTACT_FIELDS,
	parseContacts,
	readContact,
	whyNotSendable,
	type Contact,
	type ContactField,
} from '../../helpers/contacts';
import { asNodeError, errorItem, outcomeError, parameterError } from '../../helpers/errors';
import type { RequestFacts } from '../../helpers/words';
import type { Outcome } from '../../transport/outcome';
import { bodyOf, request, send, type ApiRequest } from '../../transport/request';
import { CLEANLIST, LEGACY, RELAY, RELAY_V1 } from '../../transport/service';
import type { BatchOperation } from '../operation';
import { CONTACT_PARAMETERS, fields } from './start.fields';

/** Most credits one contact can cost, by enrichment type. */
const MOST_CREDITS: Record<string, number> = { none: 0, partial: 1, phone_only: 10, full: 11 };

/** A contact on its way: where it comes from, and the place of its answer in the output. */
interface Entry {
	itemIndex: number;
	place: number;
	contact: Contact;
	enrichmentType: string;
	webhookUrl: string | null;
}

export const start: BatchOperation = {
	value: 'start',
	name: 'Start',
	action: 'Start enriching contacts',
	description: 'Send contacts to be enriched; the results are ready minutes later',
	scope: 'enrich:write',
	endpoints: ['POST /api/v1/public/enrich/bulk'],
	fields,
	async executeAll(items) {
		return await new Run(this).execute(items.length);
	},
};

/** One execution of the operation. Its output has one item per contact, in the order of the input. */
class Run {
	/** One place per contact, kept free for what becomes of it. */
	private readonly output: (INodeExecutionData | undefined)[] = [];

	/** Input items that already have their one error item. */
	private readonly failedItems = new Set<number>();

	private readonly startedWorkflows: string[] = [];

	private submitted = 0;

	private readonly context: IExecuteFunctions;

	constructor(context: IExecuteFunctions) {
		this.context = context;
	}

	async execute(itemCount: number): Promise<INodeExecutionData[]> {
		const options = this.usableOptions(itemCount);
		if (options) {
			const entries = this.readItems(itemCount, options.stopOnUnsendable);
			if (entries.length > 0) await this.submitAll(entries, options.size);
		}
		return this.output.filter((item) => item !== undefined);
	}

	/** The options; null, with an error item for every input item, when they can't be used. */
	private usableOptions(itemCount: number): ReturnType<Run['readOptions']> | null {
		try {
			return this.readOptions();
		} catch (error) {
			const everyItem = Array.from({ length: itemCount }, (_, item) => ({ itemIndex: item, place: item }));
			this.fail(error, everyItem);
			return null;
		}
	}

	private readItems(itemCount: number, stopOnUnsendable: boolean): Entry[] {
		const entries: Entry[] = [];
		for (let item = 0; item < itemCount; item++) {
			try {
				entries.push(...this.readItem(item, stopOnUnsendable));
			} catch (error) {
				this.fail(error, [{ itemIndex: item, place: this.output.push(undefined) - 1 }]);
			}
		}
		return entries;
	}

	private readOptions(): { size: number; stopOnUnsendable: boolean } {
		const options = this.context.getNodeParameter('options', 0, {}) as {
			contactsPerRequest?: number;
			whenNotSendable?: string;
		};
		const size = options.contactsPerRequest ?? MAX_CONTACTS;
		if (!Number.isInteger(size) || size < 1 || size > MAX_CONTACTS) {
			throw parameterError(
				this.context.getNode(),
				'Contacts per Request',
				0,
				`"Contacts per Request" is ${size}, and Cleanlist takes 1 to ${MAX_CONTACTS} contacts in a request`,
				`Set the option "Contacts per Request" to a whole number from 1 to ${MAX_CONTACTS}. However many contacts there are, they are sent in as many requests as it takes.`,
			);
		}
		return { size, stopOnUnsendable: options.whenNotSendable === 'stop' };
	}

	/** The item's contacts that can be sent; the others are answered right here. */
	private readItem(itemIndex: number, stopOnUnsendable: boolean): Entry[] {
		const { context, output } = this;
		const enrichmentType = this.readEnrichmentType(itemIndex);
		const webhookUrl = this.readWebhookUrl(itemIndex);
		const contacts = this.readContacts(itemIndex);
		if (contacts.length === 0) {
			output.push(notSent(itemIndex, {}, 'The JSON of this item holds no contact.'));
		}
		const reasons = contacts.map(whyNotSendable);
		const reason = reasons.find((entry) => entry !== null);
		if (stopOnUnsendable && reason) {
			throw parameterError(
				context.getNode(),
				'Contacts',
				itemIndex,
				'The contact of this item can not be sent',
				`${reason} Nothing of this item was sent. Complete it, or set the option "When a Contact Can't Be Sent" to "Report on Its Item".`,
			);
		}
		return contacts.flatMap((contact, index) => {
			const why = reasons[index] ?? null;
			const place = output.push(why === null ? undefined : notSent(itemIndex, contact, why)) - 1;
			return why === null ? [{ itemIndex, place, contact, enrichmentType, webhookUrl }] : [];
		});
	}

	private readContacts(itemIndex: number): Contact[] {
		const { context } = this;
		if (context.getNodeParameter('inputMode', itemIndex) === 'fields') {
			const names = Object.entries(CONTACT_PARAMETERS) as [ContactField, string][];
			const record = Object.fromEntries(
				names.map(([field, name]) => [field, context.getNodeParameter(name, itemIndex, '')]),
			);
			return [readContact(record)];
		}
		const parsed = parseContacts(context.getNodeParameter('contactsJson', itemIndex));
		if ('contacts' in parsed) return parsed.contacts;
		throw parameterError(
			context.getNode(),
			'Contacts (JSON)',
			itemIndex,
			`The JSON in "Contacts (JSON)" can not be used: ${parsed.problem}`,
			'Give a contact object such as {"linkedin_url": "…"}, or an array of them. In an expression, hand over the object itself, for example {{ $json.contacts }}.',
		);
	}

	private readEnrichmentType(itemIndex: number): string {
		const value = this.context.getNodeParameter('enrichmentType', itemIndex);
		if (typeof value === 'string' && value in MOST_CREDITS) return value;
		throw parameterError(
			this.context.getNode(),
			'Enrichment Type',
			itemIndex,
			`There is no enrichment type "${String(value)}"`,
			`Choose one in the parameter "Enrichment Type"; an expression must give one of ${Object.keys(MOST_CREDITS).join(', ')}.`,
		);
	}

	/** The user's own URL; null with the other ways of delivery. */
	private readWebhookUrl(itemIndex: number): string | null {
		if (this.context.getNodeParameter('delivery', 0) !== 'webhook') return null;
		const value = this.context.getNodeParameter('webhookUrl', itemIndex, '');
		const url = typeof value === 'string' ? value.trim() : '';
		if (/^https?:\/\/[^/\s]+\S*$/i.test(url)) return url;
		throw parameterError(
			this.context.getNode(),
			'Webhook URL',
			itemIndex,
			`The webhook URL "${url}" is not a URL`,
			'Enter a whole address that begins with https:// in the parameter "Webhook URL".',
		);
	}

	private async submitAll(entries: Entry[], size: number): Promise<void> {
		let relayUrl: string | null;
		try {
			relayUrl = await this.ingestUrl();
		} catch (error) {
			this.fail(error, entries);
			return;
		}
		const batches = toBatches(entries, size, ({ enrichmentType, webhookUrl }) =>
			JSON.stringify([enrichmentType, webhookUrl]),
		);
		for (const batch of batches) {
			try {
				await this.submit(batch, relayUrl);
			} catch (error) {
				this.fail(error, batch);
			}
		}
	}

	/** Where the relay takes results in, asked once per run; null with the other ways of delivery. */
	private async ingestUrl(): Promise<string | null> {
		if (this.context.getNodeParameter('delivery', 0) !== 'relay') return null;
		const { sources } = await request<SourcesResponse>(this.context, RELAY, {
			method: 'GET',
			path: `${RELAY_V1}/sources`,
		});
		const source = sources?.find(({ id }) => id === 'default') ?? sources?.[0];
		if (source) return source.ingest_url;
		throw parameterError(
			this.context.getNode(),
			'Result Delivery',
			0,
			'The relay has no source to take results in',
			'Look at the log of the relay; a relay always makes one called "default".',
		);
	}

	private async submit(batch: Entry[], relayUrl: string | null): Promise<void> {
		const { context, output } = this;
		const [first] = batch;
		if (!first) return;
		const webhookUrl = first.webhookUrl ?? relayUrl;
		const apiRequest: ApiRequest = {
			method: 'POST',
			path: `${LEGACY}/enrich/bulk`,
			body: {
				enrichment_type: first.enrichmentType,
				...(webhookUrl && { webhook_url: webhookUrl }),
				contacts: batch.map(({ contact }) => contact),
			},
		};
		const outcome = await send(context, CLEANLIST, apiRequest);
		const response = bodyOf(outcome) as BulkEnrichRead | null;
		if (response === null) {
			const facts = await this.factsOf(batch, first.enrichmentType, outcome);
			throw outcomeError(context.getNode(), CLEANLIST, outcome, facts);
		}
		this.submitted += batch.length;
		if (response.workflow_id) this.startedWorkflows.push(response.workflow_id);
		batch.forEach(({ itemIndex, place, contact }, index) => {
			output[place] = {
				json: {
					status: response.status ?? 'processing',
					workflow_id: response.workflow_id ?? null,
					task_id: response.task_ids?.[index] ?? null,
					contact,
				},
				pairedItem: { item: itemIndex },
			};
		});
	}

	private async factsOf(batch: Entry[], enrichmentType: string, outcome: Outcome): Promise<RequestFacts> {
		const needed = batch.length * (MOST_CREDITS[enrichmentType] ?? 0);
		const outOfCredits = outcome.kind === 'answered' && outcome.response.status === 402;
		const available = outOfCredits ? await this.availableCredits() : null;
		return {
			itemIndex: batch[0]?.itemIndex,
			scope: 'enrich:write',
			parameters: {
				...CONTACT_FIELDS,
				enrichment_type: 'Enrichment Type',
				webhook_url: 'Webhook URL',
				contacts: 'Contacts',
			},
			paidContacts: batch.length,
			itemOfContact: (position) => batch[position]?.itemIndex,
			...(available !== null && { credits: { needed, available } }),
			postscript: this.whatWasSent(),
		};
	}

	/** The answer 402 holds no numbers; the balance is free to ask. Null when it can't be had. */
	private async availableCredits(): Promise<number | null> {
		const outcome = await send(this.context, CLEANLIST, {
			method: 'GET',
			path: `${LEGACY}/credits/balance`,
			longestWaitMs: 0,
		});
		const balance = bodyOf(outcome) as { credits?: unknown } | null;
		return typeof balance?.credits === 'number' ? balance.credits : null;
	}

	/** What an error must not let the user forget, because it was paid for. */
	private whatWasSent(): string | undefined {
		if (this.submitted === 0) return undefined;
		return `${this.submitted} contacts of this run had already been submitted and are being enriched (workflow IDs: ${this.startedWorkflows.join(', ')}); do not send them again.`;
	}

	/** Stops the run, or gives each input item concerned its one error item. */
	private fail(error: unknown, entries: Pick<Entry, 'itemIndex' | 'place'>[]): void {
		const first = entries[0]?.itemIndex ?? 0;
		const nodeError: NodeApiError | NodeOperationError = asNodeError(this.context.getNode(), error, first);
		if (!this.context.continueOnFail()) throw nodeError;
		for (const { itemIndex, place } of entries) {
			if (this.failedItems.has(itemIndex)) continue;
			this.failedItems.add(itemIndex);
			this.output[place] = errorItem(this.context.getNode(), nodeError, itemIndex);
		}
	}
}

function notSent(itemIndex: number, contact: Contact, reason: string): INodeExecutionData {
	const json: IDataObject = { status: 'not_sent', reason, contact };
	return { json, pairedItem: { item: itemIndex } };
}
