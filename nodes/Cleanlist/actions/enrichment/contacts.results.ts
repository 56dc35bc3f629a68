import type { IDataObject } from 'n8n-workflow';
import type { Accepted } from './contacts.run';

export type Task = Accepted['tasks'][number];

/** What became of one contact that was sent. */
export type TaskAnswer =
	| { kind: 'result'; response: IDataObject }
	/** There is no result, and there will be none. */
	| { kind: 'none'; status: string; reason: string; response: IDataObject }
	| { kind: 'error'; error: Error };

/** A way in which results come back to the run that sent the contacts. */
export interface ResultSource {
	/** Gives what is known by the deadline (milliseconds since the epoch); a task without an answer is still under way. */
	collect(accepted: Accepted[], deadline: number): Promise<Map<Task, TaskAnswer>>;
}
