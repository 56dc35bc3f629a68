import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { readOutput, type Output } from '../../helpers/output';
import { readWhetherToWait } from '../../helpers/waiting';
import { Places } from './places';
import { answerAll, awaitRuns, type RunEnd } from './run.poll';
import { readSendingOptions } from './sending.options';
import { readWishes, sendWishes, type Unsendable } from './wishes';

/** What one operation starts runs of v2 with, and what it puts out. */
export interface Course<T extends object> {
	/** @param output undefined when what was started is put out at once */
	read: (itemIndex: number, output: Output | undefined) => T | { unsendable: Unsendable };
	/** The same for what is the same. */
	nameOf: (what: T) => string;
	/** @param postscript what an error must also say, because it was paid for */
	send: (what: T, itemIndex: number, postscript: string | undefined) => Promise<IDataObject>;
	started: (what: T, response: IDataObject) => IDataObject;
	/** Its `json` is made once for each item that asked, with what was charged for it. */
	ended: (
		run: RunEnd<T>,
		output: Output,
	) => { creditsUsed: number | null; json: (creditsUsed: number | null) => IDataObject };
}

/** One execution: reads all items, starts their runs, and waits for them or not. Its output has one item per input item, in order. */
export async function runCourse<T extends object>(
	context: IExecuteFunctions,
	itemCount: number,
	{ read, nameOf, send, started, ended }: Course<T>,
): Promise<INodeExecutionData[]> {
	const places = new Places(context, itemCount);
	// What holds for all items is read from the first.
	const settings = places.settings(() => {
		const waitMs = readWhetherToWait(context);
		return {
			options: readSendingOptions(context),
			wait: waitMs === null ? null : { ms: waitMs, output: readOutput(context, 0) },
		};
	});
	if (settings === null) return places.output();
	const { options, wait } = settings;

	const wishes = readWishes<T>(context, places, {
		options,
		itemCount,
		nameOf,
		read: (itemIndex) => read(itemIndex, wait?.output),
	});
	const granted = await sendWishes(places, wishes, send);
	if (wait === null) {
		for (const { what, response, places: each } of granted) {
			for (const place of each) places.answer(place, started(what, response));
		}
		return places.output();
	}
	for (const run of await awaitRuns(context, places, granted, wait.ms)) {
		const { creditsUsed, json } = ended(run, wait.output);
		answerAll(places, run, creditsUsed, json);
	}
	return places.output();
}
