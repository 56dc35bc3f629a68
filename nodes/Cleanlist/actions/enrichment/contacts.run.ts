import type { IDataObject } from 'n8n-workflow';
import { toBatches } from '../../helpers/batches';
import { whyNotSendable, type Contact } from '../../helpers/contacts';
import { identityOf } from '../../helpers/duplicates';
import { readEnrichmentType } from '../../helpers/enrichmentType';
import { parameterError } from '../../helpers/errors';
import { readContacts, type ContactOptions } from './contacts.input';
import { submit } from './contacts.submit';
import { Places, type Place } from './places';

/** A contact of an input item, and the place of its answer in the output. */
export interface Entry extends Place {
	contact: Contact;
	enrichmentType: string;
	/** The user's own for the results; null when they are not posted to one. */
	webhookUrl: string | null;
}

/** What is sent once, and every entry that it answers; the first one is what is sent. */
export type Person = [Entry, ...Entry[]];

/** A request that Cleanlist took. */
export interface Accepted {
	workflowId: string | null;
	status: string;
	tasks: { person: Person; taskId: string | null }[];
}

interface Reading {
	options: ContactOptions;
	/** What becomes of a contact that can't be sent. */
	notSent: (contact: Contact, reason: string) => IDataObject;
	webhookUrl?: (itemIndex: number) => string;
}

/** Sends the contacts of all items, and keeps a place in the output for each of them, in the order of the input. */
export class ContactsRun extends Places {
	private readonly startedWorkflows: string[] = [];

	private submitted = 0;

	/** All items are read before anything is sent, so that a bad one can still stop the run for free. */
	read(reading: Reading): Person[] {
		const entries: Entry[] = [];
		for (let item = 0; item < this.itemCount; item++) {
			try {
				entries.push(...this.readItem(item, reading));
			} catch (error) {
				this.fail(error, [this.take(item)]);
			}
		}
		return reading.options.sendDuplicatesOnce ? persons(entries) : entries.map((entry) => [entry]);
	}

	/** @param resultsUrl the relay's, where results are posted that have no URL of their own; null for nowhere */
	async submit(
		everyone: Person[],
		{ contactsPerRequest }: ContactOptions,
		resultsUrl: string | null,
	): Promise<Accepted[]> {
		const accepted: Accepted[] = [];
		const batches = toBatches(everyone, contactsPerRequest, ([first]) => kindOf(first));
		for (const batch of batches) {
			try {
				accepted.push(await this.submitBatch(batch, resultsUrl));
			} catch (error) {
				this.fail(error, batch.flat());
			}
		}
		return accepted;
	}

	/** What an error must not let the user forget, because it was paid for. */
	whatWasSent(): string | undefined {
		if (this.submitted === 0) return undefined;
		return `${this.submitted} contacts of this run had already been submitted and are being enriched (workflow IDs: ${this.startedWorkflows.join(', ')}); do not send them again.`;
	}

	/** The item's contacts that can be sent; the others are answered right here. */
	private readItem(itemIndex: number, { options, notSent, webhookUrl }: Reading): Entry[] {
		const { context } = this;
		const enrichmentType = readEnrichmentType(context, itemIndex, { mayBeNone: true });
		const common = { enrichmentType, webhookUrl: webhookUrl?.(itemIndex) ?? null };
		const contacts = readContacts(context, itemIndex);
		const entry = (contact: Contact): Entry => ({ ...this.take(itemIndex), ...common, contact });
		if (contacts.length === 0) {
			this.answer(entry({}), notSent({}, 'The JSON of this item holds no contact.'));
		}
		const reasons = contacts.map(whyNotSendable);
		const reason = reasons.find((each) => each !== null);
		if (options.stopOnUnsendable && reason) {
			throw parameterError(
				context.getNode(),
				'Contacts',
				itemIndex,
				'The contact of this item can not be sent',
				`${reason} Nothing of this item was sent. Complete it, or set the option 'When an Item Is Incomplete' to 'Report on Its Item'.`,
			);
		}
		return contacts.map(entry).filter((each, index) => {
			const why = reasons[index] ?? null;
			if (why !== null) this.answer(each, notSent(each.contact, why));
			return why === null;
		});
	}

	/** @param batch persons of one enrichment type and webhook URL, at least one */
	private async submitBatch(batch: Person[], resultsUrl: string | null): Promise<Accepted> {
		const contacts = batch.map(([first]) => first);
		const [{ enrichmentType, webhookUrl }] = contacts as [Entry];
		const answer = await submit(
			this.context,
			{
				enrichmentType,
				webhookUrl: webhookUrl ?? resultsUrl,
				throughRelay: webhookUrl === null && resultsUrl !== null,
				contacts,
			},
			this.whatWasSent(),
		);
		this.submitted += batch.length;
		if (answer.workflow_id) this.startedWorkflows.push(answer.workflow_id);
		return {
			workflowId: answer.workflow_id ?? null,
			status: answer.status ?? 'processing',
			tasks: batch.map((person, position) => ({ person, taskId: answer.task_ids?.[position] ?? null })),
		};
	}
}

/** What contacts of one request have in common. */
function kindOf({ enrichmentType, webhookUrl }: Entry): string {
	return JSON.stringify([enrichmentType, webhookUrl]);
}

/** The entries that are about one person, and would be sent in the same way, together. */
function persons(entries: Entry[]): Person[] {
	const known = new Map<string, Person>();
	for (const entry of entries) {
		const name = kindOf(entry) + identityOf(entry.contact);
		const person = known.get(name);
		if (person) person.push(entry);
		else known.set(name, [entry]);
	}
	return [...known.values()];
}
