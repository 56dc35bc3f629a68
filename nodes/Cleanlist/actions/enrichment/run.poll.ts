import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { isOver } from '../../helpers/progress';
import { waitFor, waitingEnd, type Pending } from '../../helpers/waiting';
import type { RequestFacts } from '../../helpers/words';
import { readOnce } from '../../transport/reading';
import type { Place, Places } from './places';
import { whatWasSent, type Granted } from './wishes';
import { statusOf } from './workflow.request';

/** How a run ended, or stands when time is up (null when it was never heard of). */
export interface RunEnd<T> extends Granted<T> {
	workflowId: string;
	/** The last answer about it. */
	last: IDataObject | null;
	over: boolean;
}

/** Waits for runs of v2, up to `waitMs` from now. What can't be asked about is answered with that error. */
export async function awaitRuns<T>(
	context: IExecuteFunctions,
	places: Places,
	granted: Granted<T>[],
	waitMs: number,
): Promise<RunEnd<T>[]> {
	const postscript = whatWasSent(granted);
	const runs = granted.map((each) => new PolledRun(context, each, postscript));
	await waitFor(context, runs, waitingEnd(context, waitMs));
	return runs.flatMap(({ granted: run, workflowId, last, over, error }) => {
		if (error) places.fail(error, run.places);
		return error ? [] : [{ ...run, workflowId, last, over }];
	});
}

class PolledRun<T> implements Pending {
	readonly granted: Granted<T>;

	readonly workflowId: string;

	last: IDataObject | null = null;

	over = false;

	error: Error | null = null;

	private readonly context: IExecuteFunctions;

	private readonly facts: RequestFacts;

	constructor(context: IExecuteFunctions, granted: Granted<T>, postscript: string | undefined) {
		this.context = context;
		this.granted = granted;
		this.workflowId = String(granted.response.workflow_id);
		this.facts = {
			itemIndex: granted.places[0].itemIndex,
			scope: 'enrich:read',
			subject: { noun: 'workflow', id: this.workflowId, parameter: 'Wait for the Result' },
			postscript,
		};
	}

	async ask(deadline: number): Promise<boolean> {
		try {
			this.last =
				(await readOnce(this.context, { ...statusOf(this.workflowId), facts: this.facts }, deadline)) ??
				this.last;
			this.over = this.last !== null && isOver(this.last);
			return this.over;
		} catch (error) {
			this.error = error as Error;
			return true;
		}
	}
}

/** Answers every item that asked for it; who was sent once was charged once. */
export function answerAll(
	places: Places,
	{ places: each }: { places: [Place, ...Place[]] },
	creditsUsed: number | null,
	json: (creditsUsed: number | null) => IDataObject,
): void {
	for (const [nth, place] of each.entries())
		places.answer(place, json(nth === 0 ? creditsUsed : creditsUsed && 0));
}
