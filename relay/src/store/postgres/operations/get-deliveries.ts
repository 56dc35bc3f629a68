import { DeliveryState } from '../../../contract/relay-api.ts';
import { deliveryId, deliveryRow } from '../../delivery-id.ts';
import type { Store, StoredAttempt, StoredDelivery } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database, Query, Statement } from '../database.ts';
import { fromTextOrNull } from '../text.ts';

interface Row {
	id: number;
	event_id: string;
	subscription_id: string;
	state: StoredDelivery['state'];
	due_at: number;
	created_at: number;
	delivered_at: number | null;
	dead_reason: StoredDelivery['deadReason'];
}

interface AttemptRow {
	delivery_id: number;
	attempt: number;
	started_at: number;
	duration_ms: number;
	dns_ms: number | null;
	connect_ms: number | null;
	tls_ms: number | null;
	first_byte_ms: number | null;
	status: number | null;
	error: string | null;
	response: string | null;
}

const SELECT = `
	SELECT d.id, e.id AS event_id, d.subscription_id, d.state, d.due_at, d.created_at, d.delivered_at, d.dead_reason
	FROM deliveries d JOIN events e ON e.seq = d.event_seq`;
const BY_ID = statement('delivery', `${SELECT} WHERE d.id = $1`);
const attempts = (name: string, response: string) =>
	statement(
		name,
		`SELECT delivery_id, attempt, started_at, duration_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, status, error,
			${response} AS response
		FROM attempts WHERE delivery_id = ANY ($1) ORDER BY delivery_id, attempt`,
	);
const WITH_RESPONSES = attempts('attempts', 'response');
const WITHOUT_RESPONSES = attempts('attempts in brief', 'NULL');

type Filter = Parameters<Store['listDeliveries']>[0];

/** One delivery as it is now, in the caller's transaction or outside of any. */
export async function readDelivery(query: Query, row: number): Promise<StoredDelivery | null> {
	const [found] = await whole(query, await query<Row>(BY_ID, [row]), WITH_RESPONSES);
	return found ?? null;
}

/** Reads of deliveries with their attempts. Pages go by the order in which deliveries were made. */
export const getDeliveries = (db: Database) => ({
	getDelivery: (id: string): Promise<StoredDelivery | null> => readDelivery(db.repeatable, deliveryRow(id)),
	async listDeliveries(filter: Filter): Promise<StoredDelivery[]> {
		const { limit, before, eventId, subscriptionId } = filter;
		const rows = await db.repeatable<Row>(page(filter), [
			before === undefined ? Number.MAX_SAFE_INTEGER : deliveryRow(before),
			limit,
			...(eventId === undefined ? [] : [eventId]),
			...(subscriptionId === undefined ? [] : [subscriptionId]),
		]);
		return whole(db.repeatable, rows, WITHOUT_RESPONSES);
	},
});

/** One for each combination of filters, so that each is answered from the index that suits it. */
function page({ eventId, subscriptionId, state }: Filter): Statement {
	const conditions = ['d.id < $1'];
	let parameter = 2;
	if (eventId !== undefined) {
		conditions.push(`d.event_seq = (SELECT seq FROM events WHERE id = $${++parameter})`);
	}
	if (subscriptionId !== undefined) conditions.push(`d.subscription_id = $${++parameter}`);
	// Spelt out, because a parameter would not tell PostgreSQL that a partial index holds them all.
	if (state !== undefined) conditions.push(`d.state = '${DeliveryState.parse(state)}'`);
	const text = `${SELECT} WHERE ${conditions.join(' AND ')} ORDER BY d.id DESC LIMIT $2`;
	const by = [eventId && 'event', subscriptionId && 'subscription', state].filter(Boolean).join(', ');
	return statement(`deliveries by ${by}`, text);
}

async function whole(query: Query, rows: Row[], attemptsOf: Statement): Promise<StoredDelivery[]> {
	if (rows.length === 0) return [];
	const made = await query<AttemptRow>(attemptsOf, [rows.map(({ id }) => id)]);
	return rows.map((row) => ({
		id: deliveryId(row.id),
		eventId: row.event_id,
		subscriptionId: row.subscription_id,
		state: row.state,
		dueAt: row.due_at,
		createdAt: row.created_at,
		deliveredAt: row.delivered_at,
		deadReason: row.dead_reason,
		attempts: made.filter(({ delivery_id: of }) => of === row.id).map(toAttempt),
	}));
}

const toAttempt = (row: AttemptRow): StoredAttempt => ({
	attempt: row.attempt,
	startedAt: row.started_at,
	durationMs: row.duration_ms,
	timings: {
		dnsMs: row.dns_ms,
		connectMs: row.connect_ms,
		tlsMs: row.tls_ms,
		firstByteMs: row.first_byte_ms,
	},
	status: row.status,
	error: row.error,
	response: fromTextOrNull(row.response),
});
