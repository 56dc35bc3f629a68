import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { isBroken, isOver, isTaskOver, whyBroken } from '../../helpers/progress';
import { asRecord } from '../../helpers/result';
import { waitFor, type Pending } from '../../helpers/waiting';
import { readOnce } from '../../transport/reading';
import { LEGACY } from '../../transport/service';
import type { ResultSource, Task, TaskAnswer } from './contacts.results';
import type { Accepted } from './contacts.run';

const STATUS = `${LEGACY}/enrich/status`;

/**
 * Results by asking: each workflow until it is over, then its tasks one by one, because an answer by workflow holds
 * counts only. Where it does hold results, they are taken, and nothing more is asked.
 *
 * @param postscript what an error must also say
 */
export function polling(context: IExecuteFunctions, postscript: string | undefined): ResultSource {
	return {
		async collect(accepted, deadline) {
			const answers = new Map<Task, TaskAnswer>();
			const pending = accepted.map((each) => new PolledWorkflow(context, each, answers, postscript));
			await waitFor(context, pending, deadline);
			return answers;
		},
	};
}

class PolledWorkflow implements Pending {
	private readonly context: IExecuteFunctions;

	private readonly accepted: Accepted;

	private readonly answers: Map<Task, TaskAnswer>;

	private readonly postscript: string | undefined;

	private over = false;

	constructor(
		context: IExecuteFunctions,
		accepted: Accepted,
		answers: Map<Task, TaskAnswer>,
		postscript: string | undefined,
	) {
		this.context = context;
		this.accepted = accepted;
		this.answers = answers;
		this.postscript = postscript;
	}

	async ask(deadline: number): Promise<boolean> {
		if (!this.over) await this.askWorkflow(deadline);
		if (this.over) for (const task of this.open()) await this.askTask(task, deadline);
		return this.open().length === 0;
	}

	private open(): Task[] {
		return this.accepted.tasks.filter((task) => !this.answers.has(task));
	}

	private async askWorkflow(deadline: number): Promise<void> {
		const { workflowId } = this.accepted;
		// Cleanlist always gives an ID; without one only the tasks can be asked.
		if (workflowId === null) {
			this.over = true;
			return;
		}
		try {
			const response = await readOnce(
				this.context,
				{
					path: STATUS,
					query: { workflow_id: workflowId },
					facts: {
						itemIndex: this.accepted.tasks[0]?.person[0].itemIndex,
						scope: 'enrich:read',
						subject: { noun: 'workflow', id: workflowId, parameter: 'Contacts' },
						postscript: this.postscript,
					},
				},
				deadline,
			);
			if (response === null || !isOver(response)) return;
			this.over = true;
			this.takeResults(response);
			this.takeEnd(response);
		} catch (error) {
			for (const task of this.open()) this.answers.set(task, { kind: 'error', error: error as Error });
		}
	}

	private takeResults({ results, workflow_id }: IDataObject): void {
		if (!Array.isArray(results)) return;
		const byTask = new Map(results.map((result) => [asRecord(result).task_id, asRecord(result)]));
		for (const task of this.open()) {
			const result = byTask.get(task.taskId);
			if (result)
				this.answers.set(task, { kind: 'result', response: { workflow_id, ...result } as IDataObject });
		}
	}

	/** Answers the tasks that need not be asked about. */
	private takeEnd(response: IDataObject): void {
		const summary = asRecord(response.summary);
		const foundNothing = !summary.successful && !summary.emails_found && !summary.phones_found;
		for (const task of this.open()) {
			if (isBroken(response) && foundNothing) {
				const status = String(response.status);
				this.answers.set(task, { kind: 'none', status, reason: whyBroken(response), response });
			} else if (task.person[0].enrichmentType === 'none') {
				this.answers.set(task, { kind: 'result', response: { ...response, task_id: task.taskId } });
			}
		}
	}

	private async askTask(task: Task, deadline: number): Promise<void> {
		const { taskId, person } = task;
		if (taskId === null) {
			const reason =
				'Cleanlist gave no ID to ask for the result with. The contact is on the list "Extension Leads" (older accounts: "DEFAULT").';
			this.answers.set(task, { kind: 'none', status: 'unknown', reason, response: {} });
			return;
		}
		try {
			const response = await readOnce(
				this.context,
				{
					path: STATUS,
					query: { task_id: taskId },
					facts: {
						itemIndex: person[0].itemIndex,
						scope: 'enrich:read',
						subject: { noun: 'task', id: taskId, parameter: 'Contacts' },
						postscript: this.postscript,
					},
				},
				deadline,
			);
			if (response !== null && isTaskOver(response)) this.answers.set(task, { kind: 'result', response });
		} catch (error) {
			this.answers.set(task, { kind: 'error', error: error as Error });
		}
	}
}
