import { momentsOf, unsynced } from './moments.ts';
import { cuts, powerCuts } from './power-cuts.ts';
import type { Cut, Result } from './power-cuts.ts';
import { between } from './random.ts';
import { useShim } from './record-relay.ts';
import type { Recording, Synchronous } from './record-relay.ts';

/** The promise in a power cut: the relay's own process under load, on a disk that forgets what was not synced. */

/** About 25 MiB, and twice that in the WAL: enough for several checkpoints. */
const WEBHOOKS = 2_000;

const { folder, record } = useShim();

const recordAt = (synchronous: Synchronous) =>
	record({ root: folder('root'), synchronous, webhooks: WEBHOOKS });

/** Right after an answer to a sender: the moment at which forgetting is a lie. */
const afterAnAnswer = (recording: Recording) => {
	const { answers } = momentsOf(recording);
	return (random: () => number) => (answers[between(random, 0, answers.length)]?.index ?? 0) + 1;
};
const inACheckpoint = (recording: Recording) => {
	const { checkpoints } = momentsOf(recording);
	return (random: () => number) => {
		const { from, to } = checkpoints[between(random, 0, checkpoints.length)] ?? { from: 0, to: 1 };
		return between(random, from, to + 1);
	};
};
const whileItStops = ({ records, ...recording }: Recording) => {
	const last = momentsOf({ records, ...recording }).answers.at(-1)?.index ?? 0;
	return (random: () => number) => between(random, last, records.length + 1);
};
const anywhere =
	({ records }: Recording) =>
	(random: () => number) =>
		between(random, 0, records.length + 1);

const totals = (results: Result[]) => ({
	cuts: results.length,
	withLoss: results.filter(({ lost, faults }) => lost > 0 || faults.length > 0).length,
	lost: results.reduce((sum, { lost }) => sum + lost, 0),
});

describe('synchronous=FULL, as the relay has it', () => {
	let recording: Recording;
	beforeAll(async () => {
		recording = await recordAt('FULL');
	});

	test('the model saw the load, its syncs, its checkpoints and every answer', () => {
		const { answers, checkpoints } = momentsOf(recording);
		const syncs = recording.records.filter(({ kind }) => kind === 'sync ends').length;
		expect(recording.acknowledged.events.size).toBe(WEBHOOKS);
		expect(new Set(answers.map(({ eventId }) => eventId))).toEqual(
			new Set(recording.acknowledged.events.keys()),
		);
		expect(syncs).toBeGreaterThan(20);
		// The one that turns the file to WAL, and two of the load at least.
		expect(checkpoints.length).toBeGreaterThanOrEqual(3);
	});

	test('between the write of an event and its 2xx there is a sync, for every one', () => {
		expect(unsynced(recording.records, momentsOf(recording))).toBe(0);
	});

	test('no cut loses an acknowledged event, its body, its deliveries or its dedupe key', async () => {
		const planned: Cut[] = [
			...cuts(24, 1, afterAnAnswer(recording)),
			...cuts(16, 2, inACheckpoint(recording)),
			...cuts(8, 3, whileItStops(recording)),
			...cuts(16, 4, anywhere(recording)),
		];
		const results = await powerCuts(recording, planned);
		expect(results.filter(({ lost, faults }) => lost > 0 || faults.length > 0)).toEqual([]);
		expect(results).toHaveLength(64);
		report('FULL', results);
	});
});

describe.each(['NORMAL', 'OFF'] as const)('synchronous=%s, as a control', (level) => {
	let recording: Recording;
	beforeAll(async () => {
		recording = await recordAt(level);
	});

	test('answers before anything is synced, and the model sees it', () => {
		expect(recording.acknowledged.events.size).toBe(WEBHOOKS);
		expect(unsynced(recording.records, momentsOf(recording))).toBeGreaterThan(0);
	});

	test('loses acknowledged events', async () => {
		const results = await powerCuts(recording, cuts(12, 5, afterAnAnswer(recording)));
		expect(totals(results).lost).toBeGreaterThan(0);
		report(level, results);
	});

	test('loses none when the cache is written back after all: what is lost, the cut has lost', async () => {
		const planned = cuts(4, 6, afterAnAnswer(recording)).map((cut) => ({
			...cut,
			survival: { kept: 1, torn: 0 },
		}));
		expect(totals(await powerCuts(recording, planned))).toEqual({ cuts: 4, withLoss: 0, lost: 0 });
	});
});

/** The figures that docs/durability.md quotes. */
function report(level: Synchronous, results: Result[]): void {
	const { cuts: count, withLoss, lost } = totals(results);
	process.stdout.write(
		`synchronous=${level}: ${withLoss} of ${count} cuts with loss, ${lost} acknowledged events lost\n`,
	);
}
