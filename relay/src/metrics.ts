import { performance } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from './clock.ts';
import type { Outcome } from './delivery/index.ts';
import { timeOf } from './ids.ts';
import type { NewEvent, IngestOutcome, StoreErrorCode, StoreStats, SweepResult } from './store/port.ts';
import { VERSION } from './version.ts';

const PREFIX = 'cleanlist_relay_';
const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** What the relay counts, for Prometheus. No label has more values than its code names: no ids, no URLs, no tokens. */
export interface Metrics {
	ingested(event: NewEvent, outcome: IngestOutcome): void;
	ingestFailed(): void;
	attempted(outcome: Outcome): void;
	storeFailed(code: StoreErrorCode): void;
	deleted(deleted: SweepResult): void;
	givenUp(deliveries: number): void;
	connectionRefused(): void;
	/** All of it, in Prometheus' text format. */
	text(): Promise<string>;
	readonly contentType: string;
}

/**
 * @param stats read at each scrape; when it fails the scrape still has everything else, and `store_up` is 0
 * @param underWay attempts being made by this process
 */
export function createMetrics(options: {
	clock: Clock;
	stats: () => Promise<StoreStats>;
	underWay: () => number;
}): Metrics {
	const { clock, stats, underWay } = options;
	// Of its own: prom-client's global registry would be shared by every relay of a process.
	const registry = new Registry();
	const of = <L extends string = never>(name: string, help: string, ...labelNames: L[]) => ({
		name: PREFIX + name,
		help,
		labelNames,
		registers: [registry],
	});
	const gauge = (name: string, help: string, read: () => number) =>
		new Gauge({
			...of(name, help),
			collect() {
				this.set(read());
			},
		});

	const ingests = new Counter(of('ingests_total', 'Webhooks taken in, by what became of them.', 'outcome'));
	const ingestSeconds = new Histogram({
		...of('ingest_seconds', 'From the last byte of a webhook to it being on disk.'),
		buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
	});
	const attempts = new Counter(
		of(
			'attempts_total',
			'Attempts at deliveries, by what came of them and class of error.',
			'outcome',
			'error',
		),
	);
	const attemptSeconds = new Histogram({
		...of('attempt_seconds', 'Duration of attempts.'),
		buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
	});
	const deliverySeconds = new Histogram({
		...of('delivery_seconds', 'From a webhook coming in to it being delivered.'),
		buckets: [
			0.01,
			0.05,
			0.1,
			0.5,
			1,
			5,
			15,
			MINUTE,
			5 * MINUTE,
			15 * MINUTE,
			HOUR,
			6 * HOUR,
			24 * HOUR,
			72 * HOUR,
		],
	});
	const storeErrors = new Counter(
		of('store_errors_total', 'Requests the store failed, by its code.', 'code'),
	);
	const deletions = new Counter(of('retention_deleted_total', 'What retention deleted.', 'kind'));
	const givenUp = new Counter(
		of('deliveries_given_up_total', 'Deliveries that died waiting for a receiver that was down.'),
	);
	const refused = new Counter(
		of('connections_refused_total', 'Connections closed unread: too many were open.'),
	);

	new Gauge(of('build_info', 'The program.', 'version', 'node')).set(
		{ version: VERSION, node: process.version },
		1,
	);
	gauge('attempts_under_way', 'Attempts this process is making.', underWay);
	const readStats = addStats();
	addProcess();

	/** Returns what reads them anew: the store is asked once for all. */
	function addStats(): () => Promise<void> {
		const up = new Gauge(of('store_up', 'Whether the store answers: 1 or 0.'));
		const deliveries = new Gauge(of('deliveries', 'Deliveries that are not over, and dead ones.', 'state'));
		const oldest = new Gauge(
			of('oldest_due_seconds', 'How long the most overdue delivery has been due; 0: none is.'),
		);
		const quarantined = new Gauge(of('events_quarantined', 'Events in quarantine.'));
		const active = new Gauge(of('subscriptions_active', 'Active subscriptions.'));
		const open = new Gauge(of('breakers_open', 'Active subscriptions whose breaker is open.'));
		return async () => {
			try {
				const now = await stats();
				up.set(1);
				deliveries.set({ state: 'ready' }, now.ready);
				deliveries.set({ state: 'leased' }, now.leased);
				deliveries.set({ state: 'dead' }, now.dead);
				oldest.set(now.oldestDueAt === null ? 0 : Math.max(0, clock.now() - now.oldestDueAt) / 1_000);
				quarantined.set(now.quarantined);
				active.set(now.activeSubscriptions);
				open.set(now.openBreakers);
			} catch {
				up.set(0);
			}
		};
	}

	/** Not prom-client's own: it installs observers and timers that it never takes down. */
	function addProcess(): void {
		const plain = (name: string, help: string, read: () => number) =>
			new Gauge({
				name,
				help,
				registers: [registry],
				collect() {
					this.set(read());
				},
			});
		const count = (name: string, help: string, read: () => number) =>
			new Counter({
				name,
				help,
				registers: [registry],
				collect() {
					this.reset();
					this.inc(read());
				},
			});
		const startedAt = (clock.now() - clock.monotonic()) / 1_000;
		plain('process_start_time_seconds', 'Start of the process, since the epoch.', () => startedAt);
		plain('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
		plain('nodejs_heap_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed);
		count('process_cpu_seconds_total', 'CPU time.', () => {
			const { user, system } = process.cpuUsage();
			return (user + system) / 1e6;
		});
		count(
			'nodejs_eventloop_active_seconds_total',
			'Time the event loop was busy.',
			() => eventLoop().active / 1_000,
		);
		count(
			'nodejs_eventloop_idle_seconds_total',
			'Time the event loop waited.',
			() => eventLoop().idle / 1_000,
		);
	}

	return {
		ingested(event, outcome) {
			const isQuarantined = outcome.kind === 'stored' && event.state === 'quarantined';
			ingests.inc({ outcome: isQuarantined ? 'quarantined' : outcome.kind });
			ingestSeconds.observe(Math.max(0, clock.now() - event.receivedAt) / 1_000);
		},
		ingestFailed: () => ingests.inc({ outcome: 'failed' }),
		attempted({ kind, error, durationMs, eventId }) {
			attempts.inc({ outcome: kind, error: error ?? 'none' });
			attemptSeconds.observe(durationMs / 1_000);
			if (kind === 'delivered') deliverySeconds.observe(Math.max(0, clock.now() - timeOf(eventId)) / 1_000);
		},
		storeFailed: (code) => storeErrors.inc({ code }),
		deleted({ events, dedupeKeys }) {
			deletions.inc({ kind: 'event' }, events);
			deletions.inc({ kind: 'dedupe_key' }, dedupeKeys);
		},
		givenUp: (deliveries) => givenUp.inc(deliveries),
		connectionRefused: () => refused.inc(),
		async text() {
			await readStats();
			return registry.metrics();
		},
		contentType: registry.contentType,
	};
}

const eventLoop = () => performance.eventLoopUtilization();
