import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeTree } from './disk.ts';
import type { Tree } from './disk.ts';
import type { Expected, Finding } from './examiner.ts';
import type { Survival } from './file-on-disk.ts';
import { momentsOf } from './moments.ts';
import { between, seeded } from './random.ts';
import { emptyFolder } from './record-relay.ts';
import type { Acknowledged, Recording } from './record-relay.ts';

/** Power fails after `after` records of the trace; what was not synced fares as `survival` and `seed` say. */
export interface Cut {
	after: number;
	survival: Survival;
	seed: number;
}

export type Result = Cut & Finding;

/** From "the cache was never written back" to "nearly all of it was". */
const SURVIVALS: readonly Survival[] = [
	{ kept: 0, torn: 0 },
	{ kept: 0.5, torn: 0.2 },
	{ kept: 0.1, torn: 0.8 },
	{ kept: 0.95, torn: 0.04 },
];

/** Examiners at work at once. CI has two cores. */
const EXAMINERS = 2;

/** `count` cuts at moments of the choosing of `pick`, which is given chance. */
export function cuts(count: number, seed: number, pick: (random: () => number) => number): Cut[] {
	const random = seeded(seed);
	return Array.from({ length: count }, (_, n) => ({
		after: pick(random),
		survival: SURVIVALS[n % SURVIVALS.length] as Survival,
		seed: between(random, 0, 2 ** 31),
	}));
}

/** Lets the power fail at each of these moments, in the model, and examines what is left. */
export async function powerCuts(recording: Recording, planned: Cut[]): Promise<Result[]> {
	const { records, before, acknowledged } = recording;
	const { answers, shown } = momentsOf(recording);
	const firstAnswer = answers[0]?.index ?? Infinity;
	const disk = recording.disk();
	const examiners = Array.from({ length: EXAMINERS }, startExaminer);
	const free = [...examiners];
	const running = new Set<Promise<unknown>>();
	const results: Result[] = [];
	let played = 0;
	try {
		for (const cut of [...planned].sort((a, b) => a.after - b.after)) {
			while (played < cut.after) disk.apply(records[played++] as (typeof records)[number]);
			const events = answers.filter(({ index }) => index < cut.after);
			const tree = disk.after(seeded(cut.seed), cut.survival);
			while (free.length === 0) await Promise.race(running);
			const examiner = free.pop() as Examiner;
			const job = examiner
				.examine(tree, {
					events: [
						...before.events,
						...events.map(({ eventId }): [string, number] => [eventId, numberOf(eventId, acknowledged)]),
					],
					subscriptions: [
						...before.subscriptions,
						...(cut.after > firstAnswer ? acknowledged.subscriptions : []),
					],
					token: shown && shown.index < cut.after ? shown.token : null,
				})
				.then((finding) => {
					results.push({ ...cut, ...finding });
					free.push(examiner);
					running.delete(job);
				});
			running.add(job);
		}
		await Promise.all(running);
		return results;
	} finally {
		await Promise.all(examiners.map((examiner) => examiner.stop()));
	}
}

interface Examiner {
	/** Writes the tree to a folder of its own and has it examined. One at a time. */
	examine(tree: Tree, expected: Omit<Expected, 'root'>): Promise<Finding>;
	stop(): Promise<void>;
}

function startExaminer(): Examiner {
	const child = fork(join(import.meta.dirname, 'examiner.ts'), { execArgv: [], serialization: 'advanced' });
	let answer: (finding: Finding) => void;
	let fail: (error: Error) => void = () => undefined;
	child.on('message', (finding: Finding) => answer(finding));
	child.on('exit', (code) => fail(new Error(`An examiner ended with ${code}.`)));
	return {
		async examine(tree, expected) {
			const root = emptyFolder('cut');
			writeTree(tree, root);
			const finding = await new Promise<Finding>((resolve, reject) => {
				[answer, fail] = [resolve, reject];
				child.send({ ...expected, root } satisfies Expected);
			});
			rmSync(root, { recursive: true });
			return finding;
		},
		stop() {
			child.kill();
			return new Promise((resolve) => (fail = () => resolve()));
		},
	};
}

function numberOf(eventId: string, acknowledged: Acknowledged): number {
	const number = acknowledged.events.get(eventId);
	if (number === undefined)
		throw new Error(`The relay answered ${eventId}, and its sender never heard of it.`);
	return number;
}
