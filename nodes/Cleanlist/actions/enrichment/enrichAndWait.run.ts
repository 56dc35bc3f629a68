import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { creditsForResult } from '../../helpers/credits';
import { enrichedItem, type Enriched } from '../../helpers/enriched';
import { readOutput } from '../../helpers/output';
import { asRecord, firstText, flatResult, taskResult } from '../../helpers/result';
import { readWait, waitingEnd } from '../../helpers/waiting';
import { readContactOptions } from './contacts.input';
import { polling } from './contacts.poll';
import type { TaskAnswer } from './contacts.results';
import { ContactsRun, type Accepted, type Entry } from './contacts.run';

const IDS: [string, string] = ['workflow_id', 'task_id'];

/** One execution of Enrichment → Enrich and Wait. Its output has one item per contact, in the order of the input. */
export async function enrichAndWaitRun(
	context: IExecuteFunctions,
	itemCount: number,
): Promise<INodeExecutionData[]> {
	const run = new ContactsRun(context, itemCount);
	const settings = run.settings(() => ({
		options: readContactOptions(context),
		output: readOutput(context, 0),
		waitMs: readWait(context),
	}));
	if (settings === null) return run.output();
	const { options, output, waitMs } = settings;

	const persons = run.read({
		options,
		notSent: (contact, reason) => {
			const raw = { status: 'not_sent', reason, contact };
			return enrichedItem(output, { raw, reason, status: 'not_sent', creditsUsed: 0, contact }, IDS);
		},
	});
	const accepted = await run.submit(persons, options, null);
	const source = polling(context, run.whatWasSent());
	const answers = await source.collect(accepted, waitingEnd(context, waitMs));

	for (const { workflowId, tasks } of accepted) {
		for (const task of tasks) {
			const answer = answers.get(task);
			if (answer?.kind === 'error') {
				run.fail(answer.error, task.person);
				continue;
			}
			for (const [nth, entry] of task.person.entries()) {
				const enriched = become(answer, entry, { workflowId, taskId: task.taskId });
				// Who was sent once is charged once.
				const creditsUsed = nth === 0 ? enriched.creditsUsed : enriched.creditsUsed && 0;
				run.answer(entry, enrichedItem(output, { ...enriched, creditsUsed }, IDS));
			}
		}
	}
	return run.output();
}

/** @param answer undefined when there was none in time */
function become(
	answer: Exclude<TaskAnswer, { kind: 'error' }> | undefined,
	{ contact, enrichmentType }: Entry,
	ids: { workflowId: Accepted['workflowId']; taskId: string | null },
): Enriched {
	if (answer === undefined) {
		const reason = 'The result was not there in time. Get it later with Enrichment → Get, by task.';
		const raw = { status: 'timeout', reason, workflow_id: ids.workflowId, task_id: ids.taskId, contact };
		return { raw, reason, status: 'timeout', creditsUsed: null, contact, ...ids };
	}
	const { response } = answer;
	if (answer.kind === 'none') {
		const { reason, status } = answer;
		const raw = { ...response, ...idsOf(ids), status, reason, contact };
		return { raw, reason, status, creditsUsed: null, contact, ...ids };
	}
	const result = taskResult(response);
	const found = flatResult({ ...response, ...result });
	return {
		raw: response,
		status: firstText(response.status, result.status, asRecord(result.result).status),
		creditsUsed: creditsForResult(enrichmentType, found),
		contact,
		...ids,
	};
}

function idsOf({ workflowId, taskId }: { workflowId: string | null; taskId: string | null }) {
	return { workflow_id: workflowId, task_id: taskId };
}
