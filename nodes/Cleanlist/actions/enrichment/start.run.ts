import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { readContactOptions, readWebhookUrl } from './contacts.input';
import { ContactsRun } from './contacts.run';
import { ingestUrl } from './contacts.submit';

/** One execution of Enrichment → Start. Its output has one item per contact, in the order of the input. */
export async function startRun(context: IExecuteFunctions, itemCount: number): Promise<INodeExecutionData[]> {
	const run = new ContactsRun(context, itemCount);
	const options = run.settings(() => readContactOptions(context));
	if (options === null) return run.output();

	const delivery = context.getNodeParameter('delivery', 0);
	const persons = run.read({
		options,
		notSent: (contact, reason) => ({ status: 'not_sent', reason, contact }),
		...(delivery === 'webhook' && {
			webhookUrl: (itemIndex: number) => readWebhookUrl(context, itemIndex),
		}),
	});
	if (persons.length === 0) return run.output();

	let relayUrl: string | null = null;
	try {
		if (delivery === 'relay') relayUrl = await ingestUrl(context);
	} catch (error) {
		run.fail(error, persons.flat());
		return run.output();
	}
	for (const { workflowId, status, tasks } of await run.submit(persons, options, relayUrl)) {
		for (const { person, taskId } of tasks) {
			for (const entry of person) {
				run.answer(entry, { status, workflow_id: workflowId, task_id: taskId, contact: entry.contact });
			}
		}
	}
	return run.output();
}
