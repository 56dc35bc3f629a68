import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { toBatches } from '../../helpers/batches';
import { whyNotSendable, type Contact } from '../../helpers/contacts';
import { asNodeError, errorItem, parameterError } from '../../helpers/errors';
import {
	readContacts,
	readEnrichmentType,
	readOptions,
	readWebhookUrl,
	type StartOptions,
} from './start.input';
import { ingestUrl, submit } from './start.submit';

/** A contact on its way: where it comes from, and the place of its answer in the output. */
interface Entry {
	itemIndex: number;
	place: number;
	contact: Contact;
	enrichmentType: string;
	/** The user's own; null with the other ways of delivery. */
	webhookUrl: string | null;
}

/** One execution of Enrichment → Start. Its output has one item per contact, in the order of the input. */
export class StartRun {
	private readonly context: IExecuteFunctions;

	/** One place per contact, kept free for what becomes of it. */
	private readonly output: (INodeExecutionData | undefined)[] = [];

	/** Input items that already have their one error item. */
	private readonly failedItems = new Set<number>();

	private readonly startedWorkflows: string[] = [];

	private submitted = 0;

	constructor(context: IExecuteFunctions) {
		this.context = context;
	}

	async execute(itemCount: number): Promise<INodeExecutionData[]> {
		const options = this.usableOptions(itemCount);
		if (options) {
			const entries = this.readItems(itemCount, options);
			if (entries.length > 0) await this.submitAll(entries, options);
		}
		return this.output.filter((item) => item !== undefined);
	}

	/** The options; null, with an error item for every input item, when they can't be used. */
	private usableOptions(itemCount: number): StartOptions | null {
		try {
			return readOptions(this.context);
		} catch (error) {
			const everyItem = Array.from({ length: itemCount }, (_, item) => ({ itemIndex: item, place: item }));
			this.fail(error, everyItem);
			return null;
		}
	}

	/** All items are read before anything is sent, so that a bad one can still stop the run for free. */
	private readItems(itemCount: number, options: StartOptions): Entry[] {
		const entries: Entry[] = [];
		for (let item = 0; item < itemCount; item++) {
			try {
				entries.push(...this.readItem(item, options));
			} catch (error) {
				this.fail(error, [{ itemIndex: item, place: this.output.push(undefined) - 1 }]);
			}
		}
		return entries;
	}

	/** The item's contacts that can be sent; the others are answered right here. */
	private readItem(itemIndex: number, { delivery, stopOnUnsendable }: StartOptions): Entry[] {
		const { context, output } = this;
		const enrichmentType = readEnrichmentType(context, itemIndex);
		const webhookUrl = delivery === 'webhook' ? readWebhookUrl(context, itemIndex) : null;
		const contacts = readContacts(context, itemIndex);
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

	private async submitAll(entries: Entry[], { contactsPerRequest, delivery }: StartOptions): Promise<void> {
		let relayUrl: string | null;
		try {
			relayUrl = delivery === 'relay' ? await ingestUrl(this.context) : null;
		} catch (error) {
			this.fail(error, entries);
			return;
		}
		const batches = toBatches(entries, contactsPerRequest, ({ enrichmentType, webhookUrl }) =>
			JSON.stringify([enrichmentType, webhookUrl]),
		);
		for (const batch of batches) {
			try {
				await this.submitBatch(batch, relayUrl);
			} catch (error) {
				this.fail(error, batch);
			}
		}
	}

	/** @param batch entries of one enrichment type and webhook URL, at least one */
	private async submitBatch(batch: Entry[], relayUrl: string | null): Promise<void> {
		const [{ enrichmentType, webhookUrl }] = batch as [Entry];
		const accepted = await submit(
			this.context,
			{ enrichmentType, webhookUrl: webhookUrl ?? relayUrl, contacts: batch },
			this.whatWasSent(),
		);
		this.submitted += batch.length;
		if (accepted.workflow_id) this.startedWorkflows.push(accepted.workflow_id);
		for (const [position, { itemIndex, place, contact }] of batch.entries()) {
			this.output[place] = {
				json: {
					status: accepted.status ?? 'processing',
					workflow_id: accepted.workflow_id ?? null,
					task_id: accepted.task_ids?.[position] ?? null,
					contact,
				},
				pairedItem: { item: itemIndex },
			};
		}
	}

	/** What an error must not let the user forget, because it was paid for. */
	private whatWasSent(): string | undefined {
		if (this.submitted === 0) return undefined;
		return `${this.submitted} contacts of this run had already been submitted and are being enriched (workflow IDs: ${this.startedWorkflows.join(', ')}); do not send them again.`;
	}

	/** Stops the run, or gives each input item concerned its one error item. */
	private fail(error: unknown, entries: Pick<Entry, 'itemIndex' | 'place'>[]): void {
		const node = this.context.getNode();
		const nodeError = asNodeError(node, error, entries[0]?.itemIndex ?? 0);
		if (!this.context.continueOnFail()) throw nodeError;
		for (const { itemIndex, place } of entries) {
			if (this.failedItems.has(itemIndex)) continue;
			this.failedItems.add(itemIndex);
			this.output[place] = errorItem(node, nodeError, itemIndex);
		}
	}
}

function notSent(itemIndex: number, contact: Contact, reason: string): INodeExecutionData {
	return { json: { status: 'not_sent', reason, contact }, pairedItem: { item: itemIndex } };
}
