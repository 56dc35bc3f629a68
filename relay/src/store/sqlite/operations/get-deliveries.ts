import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { DeliveryState } from '../../../contract/relay-api.ts';
import type { Store, StoredAttempt, StoredDelivery } from '../../port.ts';
import { deliveryId, deliveryRow } from '../../delivery-id.ts';
import { all, first } from '../query.ts';

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
	SELECT d.id, e.id AS event_id, d.subscription_id, d.state, d.due_at, d.created_at, d.delivered_at, d.dead_reason`;

type Filter = Parameters<Store['listDeliveries']>[0];

/** Reads of deliveries with their attempts. Pages go by the order in which deliveries were made. */
export function prepareGetDeliveries(db: DatabaseSync) {
	const byId = db.prepare(`${SELECT} FROM deliveries d JOIN events e ON e.seq = d.event_seq WHERE d.id = ?`);
	const attempts = (response: string) =>
		db.prepare(`
			SELECT attempt, started_at, duration_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, status, error,
				${response} AS response
			FROM attempts WHERE delivery_id = ? ORDER BY attempt`);
	const withResponses = attempts('response');
	const withoutResponses = attempts('NULL');
	// One for each combination of filters, so that each is answered from the index that suits it.
	const pages = new Map<string, StatementSync>();

	function page(filter: Filter): StatementSync {
		const sql = pageSql(filter);
		const known = pages.get(sql);
		if (known) return known;
		const prepared = db.prepare(sql);
		pages.set(sql, prepared);
		return prepared;
	}

	const toDelivery =
		(attemptsOf: StatementSync) =>
		(row: Row): StoredDelivery => ({
			id: deliveryId(row.id),
			eventId: row.event_id,
			subscriptionId: row.subscription_id,
			state: row.state,
			dueAt: row.due_at,
			createdAt: row.created_at,
			deliveredAt: row.delivered_at,
			deadReason: row.dead_reason,
			attempts: all<AttemptRow>(attemptsOf, row.id).map(toAttempt),
		});
	const whole = toDelivery(withResponses);
	const brief = toDelivery(withoutResponses);

	return {
		getDelivery(id: string): StoredDelivery | null {
			const row = first<Row>(byId, deliveryRow(id));
			return row ? whole(row) : null;
		},
		listDeliveries(filter: Filter): StoredDelivery[] {
			const { limit, before, eventId, subscriptionId } = filter;
			const rows = page(filter).all({
				limit,
				before: before === undefined ? Number.MAX_SAFE_INTEGER : deliveryRow(before),
				...(eventId !== undefined && { event: eventId }),
				...(subscriptionId !== undefined && { subscription: subscriptionId }),
			});
			return (rows as unknown as Row[]).map(brief);
		},
	};
}

/** The index that leaves least to read. Only what waits is sorted: it has no index by age, to keep ingest cheap. */
function indexFor({ eventId, subscriptionId, state }: Filter): string | null {
	if (eventId !== undefined) return 'deliveries_event';
	if (state === 'ready') return 'deliveries_ready';
	if (state === 'leased') return 'deliveries_leased';
	if (state === 'dead' || state === 'cancelled') return 'deliveries_given_up';
	return subscriptionId === undefined ? null : 'deliveries_subscription';
}

function pageSql(filter: Filter): string {
	const index = indexFor(filter);
	const conditions = ['d.id < :before'];
	if (filter.eventId !== undefined) {
		conditions.push('d.event_seq = (SELECT seq FROM events WHERE id = :event)');
	}
	if (filter.subscriptionId !== undefined) conditions.push('d.subscription_id = :subscription');
	// Spelt out, because a parameter would not tell SQLite that the partial index holds them all.
	if (filter.state !== undefined) conditions.push(`d.state = '${quotable(filter.state)}'`);
	return `${SELECT} FROM deliveries d ${index === null ? '' : `INDEXED BY ${index}`}
		CROSS JOIN events e ON e.seq = d.event_seq
		WHERE ${conditions.join(' AND ')} ORDER BY d.id DESC LIMIT :limit`;
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
	response: row.response,
});

/** A state as it may stand in SQL. Not by the contract's schema, whose library this thread would load for it alone. */
function quotable(state: DeliveryState): DeliveryState {
	if (!/^[a-z]+$/.test(state)) throw new Error(`There is no state ${state}.`);
	return state;
}
