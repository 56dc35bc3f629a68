import { writeTree } from './disk.ts';
import { momentsOf } from './moments.ts';
import { cuts, powerCuts } from './power-cuts.ts';
import type { Cut, Result } from './power-cuts.ts';
import { between, seeded } from './random.ts';
import { useShim } from './record-relay.ts';

/** Power cuts while the relay starts: for the first time, and again after the power failed already. */

const { folder, record } = useShim();

/** Before each record up to the one at `end`: in turn with all that is not synced gone, and with some of it kept. */
const atEveryMoment = (end: number): Cut[] =>
	Array.from({ length: end }, (_, after) => ({
		after,
		survival: after % 2 === 0 ? { kept: 0, torn: 0 } : { kept: 0.5, torn: 0.3 },
		seed: after,
	}));

const withFaults = (results: Result[]) => results.filter(({ faults }) => faults.length > 0);

test('cut at any moment of the first start, the next one starts, with the token that was shown', async () => {
	const recording = await record({ root: folder('first'), webhooks: 3, connections: 1 });
	const { answers, shown } = momentsOf(recording);
	expect(recording.acknowledged.events.size).toBe(3);
	expect(shown).not.toBeNull();
	const end = (answers.at(-1)?.index ?? 0) + 1;
	const results = await powerCuts(recording, atEveryMoment(end + 1));
	expect(results.length).toBeGreaterThan(100);
	expect(withFaults(results)).toEqual([]);
});

test('cut again at any moment of the start after a cut, it has still lost nothing', async () => {
	const first = await record({ root: folder('once'), webhooks: 300 });
	const disk = first.disk();
	// Half-way through the load: the WAL holds what the next start has to recover.
	const { answers } = momentsOf(first);
	const cut = (answers[150]?.index ?? 0) + 1;
	for (const record of first.records.slice(0, cut)) disk.apply(record);
	const root = folder('twice');
	writeTree(disk.after(seeded(7), { kept: 0.5, torn: 0.3 }), root);

	const kept = answers.filter(({ index }) => index < cut).map(({ eventId }) => eventId);
	const events = new Map([...first.acknowledged.events].filter(([id]) => kept.includes(id)));
	const second = await record({
		root,
		webhooks: 0,
		before: { events, subscriptions: first.acknowledged.subscriptions },
	});
	expect(second.before.events.size).toBeGreaterThanOrEqual(150);
	const anywhere = (random: () => number) => between(random, 0, second.records.length + 1);
	const results = await powerCuts(second, cuts(60, 8, anywhere));
	expect(results).toHaveLength(60);
	expect(withFaults(results)).toEqual([]);
});
