import type { Store, SweepResult } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database, Statement } from '../database.ts';

type Options = Parameters<Store['sweep']>[0];

/**
 * Events found by their deliveries, those of an index, from the oldest event on up to the last one that is old enough.
 * Which that is the last thousand tell: they are not always stored in the order they came in, because relays store beside
 * each other, two batches each. SKIP LOCKED: of two relays that sweep each finds its own.
 *
 * However much there is, no more is read than is deleted or passed over: an array and LIMIT 1 leave the planner no join, and
 * joins it would merge from the beginning of a table, up to the next delivery that is dead or pending.
 */
const ended = (name: string, which: string, others: string) =>
	statement(
		name,
		`WITH last AS (SELECT max(seq) AS seq FROM (
			SELECT seq FROM events WHERE received_at < $1 ORDER BY received_at DESC, seq DESC LIMIT 1000) AS latest), old AS (
			SELECT seq FROM events WHERE received_at < $1 AND seq = ANY (ARRAY(
				SELECT DISTINCT d.event_seq FROM deliveries d
				WHERE d.event_seq <= (SELECT seq FROM last) AND ${which} AND (
					SELECT id FROM deliveries other
					WHERE other.event_seq = d.event_seq AND other.state IN (${others}) LIMIT 1) IS NULL
				ORDER BY d.event_seq LIMIT $2))
			ORDER BY seq FOR UPDATE SKIP LOCKED)
		DELETE FROM events USING old WHERE events.seq = old.seq RETURNING events.seq`,
	);
// Delivered or cancelled to all. Passed over are only the dead ones, which are kept for longer.
const DONE = ended('sweep delivered', 'true', `'ready', 'leased', 'dead'`);
// Passed over are only those with another delivery that is pending.
const DEAD = ended('sweep dead', `d.state = 'dead'`, `'ready', 'leased'`);

/** How many events UNWANTED looks through: 20 ms. */
const SLICE = 10_000;
// Quarantined, or wanted by nobody. There is no index of what has no delivery, which every webhook would pay for: a walk
// in the order they came in, from where the last one ended. An event gets its first delivery when it is stored, or out
// of quarantine, and never loses its last one: what was walked past need not be looked at again.
const UNWANTED = statement(
	'sweep unwanted',
	`WITH slice AS MATERIALIZED (
		SELECT seq, received_at FROM events WHERE received_at < $1 AND (received_at, seq) > ($3::bigint, $4::bigint)
		ORDER BY received_at, seq LIMIT ${SLICE}
	), unwanted AS MATERIALIZED (
		SELECT seq FROM slice WHERE (SELECT id FROM deliveries d WHERE d.event_seq = slice.seq LIMIT 1) IS NULL
		ORDER BY received_at, seq LIMIT $2
	), old AS (
		SELECT seq FROM events WHERE seq = ANY (ARRAY(SELECT seq FROM unwanted)) ORDER BY seq FOR UPDATE SKIP LOCKED
	), gone AS (
		DELETE FROM events USING old WHERE events.seq = old.seq RETURNING 1
	)
	SELECT (SELECT count(*) FROM unwanted) AS found, (SELECT count(*) FROM gone) AS gone,
		(SELECT count(*) FROM slice) AS walked, received_at, seq
	FROM (SELECT NULL) AS one LEFT JOIN (
		SELECT received_at, seq FROM slice ORDER BY received_at DESC, seq DESC LIMIT 1) AS last ON true`,
);
interface Walked {
	found: number;
	gone: number;
	walked: number;
	/** Of the last one walked past; null when there was none. */
	received_at: number | null;
	seq: number | null;
}

const KEYS = statement(
	'sweep keys',
	`WITH old AS (
		SELECT source_id, key FROM dedupe_keys WHERE received_at < $1 ORDER BY received_at LIMIT $2
		FOR UPDATE SKIP LOCKED)
	DELETE FROM dedupe_keys k USING old WHERE k.source_id = old.source_id AND k.key = old.key RETURNING k.event_id`,
);

/** Retention: deletes what is old, a small batch at a time. Deliveries, attempts and bodies go with their event. */
export function sweep(db: Database): Pick<Store, 'sweep'> {
	const START = { receivedAt: -1, seq: 0 };
	/** The last event that UNWANTED walked past. Every relay has its own, and walks through all of them once. */
	let place = START;

	const swept = async (one: Statement, before: number, limit: number) =>
		limit > 0 ? (await db.repeatable(one, [before, limit])).length : 0;

	async function sweepUnwanted(before: number, limit: number): Promise<{ gone: number; more: boolean }> {
		if (limit === 0) return { gone: 0, more: true };
		// The clock was set back: those that come in now may be older than what was walked past.
		if (before < place.receivedAt) place = START;
		const [row] = await db.repeatable<Walked>(UNWANTED, [before, limit, place.receivedAt, place.seq]);
		if (!row) return { gone: 0, more: false };
		const { found, gone, walked, received_at: receivedAt, seq } = row;
		// Not past those that another one holds just now, or that are left for the next batch.
		const isDone = found === gone && found < limit;
		if (isDone && receivedAt !== null && seq !== null) place = { receivedAt, seq };
		return { gone, more: gone === limit || (isDone && walked === SLICE) };
	}

	return {
		async sweep({ deliveredBefore, deadBefore, keysBefore, limit }: Options): Promise<SweepResult> {
			const done = await swept(DONE, deliveredBefore, limit);
			const dead = await swept(DEAD, deadBefore, limit - done);
			const unwanted = await sweepUnwanted(deadBefore, limit - done - dead);
			const dedupeKeys = await swept(KEYS, keysBefore, limit);
			return {
				events: done + dead + unwanted.gone,
				dedupeKeys,
				more: unwanted.more || dedupeKeys === limit,
			};
		},
	};
}
