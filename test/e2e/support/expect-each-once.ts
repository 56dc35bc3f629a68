import { itemsOf } from './n8n-client.ts';
import type { Execution } from './n8n-client.ts';
import type { Stage } from './stage.ts';
import { until } from './until.ts';
import type { Contact } from './workflows.ts';

/**
 * Waits for what was sent to start the receiving workflow, and expects that every contact was submitted in its
 * place and came back once: by Cleanlist's task id, which says what was submitted as what, and by name, which says
 * that the answer is the right one's.
 *
 * @param receiving id of a workflow that nothing else has started before
 * @returns the relay's event, delivered
 */
export async function expectEachOnce(stage: Stage, wanted: Contact[], sent: Execution, receiving: string) {
	const { client } = stage.n8n;
	expect(sent.data.resultData.error).toBeUndefined();
	expect(sent.status).toBe('success');
	const submitted = itemsOf(sent, 'Cleanlist');
	expect(submitted.map(({ contact }) => contact)).toEqual(wanted);

	const event = await until(
		'the relay to deliver the result',
		async () => {
			const newest = await stage.newestEvent();
			return newest?.deliveries[0]?.state === 'delivered' ? newest : undefined;
		},
		{ withinMs: 240_000 },
	);
	expect(event).toMatchObject({ workflow_id: submitted[0]!.workflow_id, deliveries: [{}] });
	// Delivered is final: whatever started the workflow more than once has done so by now.
	await until('the receiving workflow to run', async () => (await client.executions(receiving))[0]);
	const executions = await client.executions(receiving);
	expect(executions.map(({ status }) => status)).toEqual(['success']);

	const back = itemsOf(executions[0]!, 'Enriched');
	const line = (task: unknown, name: unknown) => `${String(task)} ${String(name)}`;
	expect(back.map(({ task_id, full_name }) => line(task_id, full_name)).sort()).toEqual(
		submitted
			.map(({ task_id }, index) => line(task_id, `${wanted[index]!.first_name} ${wanted[index]!.last_name}`))
			.sort(),
	);
	return event;
}
