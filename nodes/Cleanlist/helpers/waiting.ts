import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { now } from '../transport/clock';
import { deadlineOf } from '../transport/patience';
import { pause } from '../transport/pause';
import { parameterError } from './errors';
import { isOn, numberOf, shown } from './values';

const LONGEST_MINUTES = 24 * 60;

/** Waits between the rounds of asking; the last one again and again. */
const ROUNDS_MS = [2_000, 3_000, 5_000, 8_000, 10_000];

export const waitField: INodeProperties = {
	displayName: 'Wait Up To (Minutes)',
	name: 'waitUpTo',
	type: 'number',
	typeOptions: { minValue: 0 },
	default: 5,
	description:
		'How long to wait for results once everything is sent. What is not ready then is returned with the status "timeout" and its IDs, and can be had later with Enrichment → Get. As a tool of an AI agent the node waits 1 minute at most.',
};

const waitSwitch: INodeProperties = {
	displayName: 'Wait for the Result',
	name: 'waitForResult',
	type: 'boolean',
	default: true,
	description: 'Whether to wait until it is done. Otherwise what was started is returned at once.',
};

/**
 * Whether to wait at all, and for how long.
 *
 * @param whatElse how to go on without waiting, as sentences
 */
export const waitFields = (byDefault: boolean, whatElse: string): INodeProperties[] => [
	{ ...waitSwitch, default: byDefault, description: `${waitSwitch.description} ${whatElse}` },
	{ ...waitField, displayOptions: { show: { waitForResult: [true] } } },
];

/** How long to wait, in milliseconds; null for not at all. */
export function readWhetherToWait(context: IExecuteFunctions): number | null {
	return isOn(context.getNodeParameter('waitForResult', 0)) ? readWait(context) : null;
}

/** How long to wait, in milliseconds. */
export function readWait(context: IExecuteFunctions): number {
	const value: unknown = context.getNodeParameter('waitUpTo', 0, waitField.default);
	const minutes = numberOf(value);
	if (!(minutes > 0) || minutes > LONGEST_MINUTES) {
		throw parameterError(
			context.getNode(),
			'Wait Up To',
			0,
			`'Wait Up To' is ${shown(value)}, and it must be more than 0 and at most ${LONGEST_MINUTES} minutes`,
			"Correct the parameter 'Wait Up To'. To wait not at all, start the enrichment without waiting and get the result later.",
		);
	}
	return minutes * 60_000;
}

/** When waiting that begins now ends, in milliseconds since the epoch: for a tool, with its patience. */
export function waitingEnd(context: IExecuteFunctions, waitMs: number): number {
	return Math.min(now() + waitMs, deadlineOf(context));
}

/** Something that is over some time, and has to be asked. */
export interface Pending {
	/** Asks; true when there is nothing more to ask. Sends nothing after the deadline. */
	ask(deadline: number): Promise<boolean>;
}

/** Asks what is pending in rounds, less and less often, until all is over or the deadline (milliseconds since the epoch) has come. */
export async function waitFor(
	context: IExecuteFunctions,
	pending: Pending[],
	deadline: number,
): Promise<void> {
	let open = pending;
	for (let round = 0; open.length > 0; round++) {
		const left = deadline - now();
		if (left <= 0) return;
		const wait = ROUNDS_MS[Math.min(round, ROUNDS_MS.length - 1)] as number;
		await pause(Math.min(wait, left), context.getExecutionCancelSignal());
		const still: Pending[] = [];
		for (const each of open) if (!(await each.ask(deadline))) still.push(each);
		open = still;
	}
}
