import type { Store, SweepResult } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database, Statement } from '../database.ts';

type Options = Parameters<Store['sweep']>[0];

/** Events of one walk that a call looks through, at most: 40 ms. */
const SLICE = 10_000;

/**
 * A walk through events in the order they came in, from where the last call ended, locking those that are meant. It reads no
 * further than the last one it finds, and none again: a call that began with the oldest would pass over all that are kept for
 * longer (3.3 s beside 2 million with a dead delivery, and 5 s is all that a statement has).
 *
 * The slice comes in its order, for it is read once, as far as LIMIT asks. LIMIT 1 leaves the planner no join, which it would
 * merge from the beginning of a table. SKIP LOCKED: of two relays that sweep each finds its own.
 */
const walk = (name: string, which: string) =>
	statement(
		name,
		`WITH slice AS MATERIALIZED (
			SELECT seq, received_at FROM events WHERE received_at < $1 AND (received_at, seq) > ($3::bigint, $4::bigint)
			ORDER BY received_at, seq LIMIT ${SLICE}
		), found AS MATERIALIZED (
			SELECT seq, received_at FROM slice WHERE ${which} LIMIT $2
		), old AS (
			SELECT seq FROM events WHERE seq = ANY (ARRAY(SELECT seq FROM found)) ORDER BY seq FOR UPDATE SKIP LOCKED
		), walked AS (
			SELECT seq, received_at FROM slice WHERE (SELECT count(*) FROM found) < $2 UNION SELECT seq, received_at FROM found
		)
		SELECT (SELECT count(*) FROM found) AS found, ARRAY(SELECT seq FROM old) AS old,
			(SELECT count(*) FROM walked) AS walked, received_at, seq
		FROM (SELECT NULL) AS one LEFT JOIN (
			SELECT received_at, seq FROM walked ORDER BY received_at DESC, seq DESC LIMIT 1) AS last ON true`,
	);
const delivery = (which = '') =>
	`(SELECT id FROM deliveries d WHERE d.event_seq = slice.seq ${which} LIMIT 1)`;
// Delivered or cancelled to all. One that is passed over may come to that, so what has come to its end begins anew.
const DONE = walk(
	'sweep delivered',
	`${delivery("AND state IN ('ready', 'leased', 'dead')")} IS NULL AND ${delivery()} IS NOT NULL`,
);
// Quarantined, or wanted by nobody. There is no index of what has no delivery, which every webhook would pay for. An event gets
// its first delivery when it is stored, or out of quarantine, and never loses its last one: so what was walked past need not be
// looked at again.
const UNWANTED = walk('sweep unwanted', `${delivery()} IS NULL`);

interface Walked extends Found {
	found: number;
	walked: number;
	/** Of the last one walked past; null when there was none. */
	received_at: number | null;
	seq: number | null;
}

/**
 * Events with a dead delivery and nothing pending, found by those deliveries, from the oldest event on up to the last one that is
 * old enough. Which that is the last thousand tell: they are not always stored in the order they came in, because relays store
 * beside each other, two batches each.
 *
 * An array and LIMIT 1: see `walk`.
 */
const DEAD = statement(
	'sweep dead',
	`WITH last AS (SELECT max(seq) AS seq FROM (
		SELECT seq FROM events WHERE received_at < $1 ORDER BY received_at DESC, seq DESC LIMIT 1000) AS latest)
	SELECT ARRAY(
		SELECT seq FROM events WHERE received_at < $1 AND seq = ANY (ARRAY(
			SELECT DISTINCT d.event_seq FROM deliveries d
			WHERE d.event_seq <= (SELECT seq FROM last) AND d.state = 'dead' AND (
				SELECT id FROM deliveries other
				WHERE other.event_seq = d.event_seq AND other.state IN ('ready', 'leased') LIMIT 1) IS NULL
			ORDER BY d.event_seq LIMIT $2))
		ORDER BY seq FOR UPDATE SKIP LOCKED) AS old`,
);

/**
 * Deletes what was found and locked. A statement of its own, since one sees only what was committed before it began: a delivery
 * replayed, re-driven or made while it looked went with its event. After the lock there comes none: who makes one holds a share of it.
 */
const DELETE = statement(
	'sweep',
	`WITH gone AS (
		DELETE FROM events WHERE seq = ANY ($1::bigint[]) AND (
			SELECT id FROM deliveries d WHERE d.event_seq = events.seq AND state IN ('ready', 'leased') LIMIT 1) IS NULL
		RETURNING seq
	), body AS (
		DELETE FROM bodies WHERE event_seq = ANY (ARRAY(SELECT seq FROM gone))
	)
	SELECT seq FROM gone`,
);

interface Found {
	/** Those it could lock. */
	old: string[];
}

/** Deletes what a statement finds. */
const sweepBy = <Row extends Found>(db: Database, find: Statement, values: number[]) =>
	db.retrying(() =>
		db.transaction(async ({ query, last }) => {
			const [found] = (await query<Row>(find, values)) as [Row];
			const gone = found.old.length > 0 ? await last(DELETE, [found.old]) : [];
			return { ...found, gone: gone.length };
		}),
	);

const KEYS = statement(
	'sweep keys',
	`WITH old AS (
		SELECT source_id, key FROM dedupe_keys WHERE received_at < $1 ORDER BY received_at LIMIT $2
		FOR UPDATE SKIP LOCKED)
	DELETE FROM dedupe_keys k USING old WHERE k.source_id = old.source_id AND k.key = old.key RETURNING k.event_id`,
);

/** One of a relay's own. @param anew whether it begins with the oldest again once it is through */
function walker(db: Database, one: Statement, anew: boolean) {
	const START = { receivedAt: -1, seq: 0 };
	/** The last event that was walked past. */
	let place = START;

	return async (before: number, limit: number): Promise<{ gone: number; more: boolean }> => {
		if (limit === 0) return { gone: 0, more: true };
		// The clock was set back: those that come in now may be older than what was walked past.
		if (before < place.receivedAt) place = START;
		const values = [before, limit, place.receivedAt, place.seq];
		const { found, gone, walked, received_at: receivedAt, seq } = await sweepBy<Walked>(db, one, values);
		const more = found === limit || walked === SLICE;
		if (!more && anew) place = START;
		// Not past those that another one holds just now, or that have got something pending.
		else if (found === gone && receivedAt !== null && seq !== null) place = { receivedAt, seq };
		return { gone, more: more && found === gone };
	};
}

/** Retention: deletes what is old, a small batch at a time. Deliveries, attempts, bodies and variants go with their event. */
export function sweep(db: Database): Pick<Store, 'sweep'> {
	const sweepDone = walker(db, DONE, true);
	const sweepUnwanted = walker(db, UNWANTED, false);

	const sweepDead = async (before: number, limit: number) =>
		limit > 0 ? (await sweepBy(db, DEAD, [before, limit])).gone : 0;

	return {
		async sweep({ deliveredBefore, deadBefore, keysBefore, limit }: Options): Promise<SweepResult> {
			const done = await sweepDone(deliveredBefore, limit);
			const dead = await sweepDead(deadBefore, limit - done.gone);
			const unwanted = await sweepUnwanted(deadBefore, limit - done.gone - dead);
			const dedupeKeys = (await db.repeatable(KEYS, [keysBefore, limit])).length;
			return {
				events: done.gone + dead + unwanted.gone,
				dedupeKeys,
				more: done.more || unwanted.more || dedupeKeys === limit,
			};
		},
	};
}
