import { Client } from 'pg';
import type { PoolConfig } from 'pg';
import type { Clock } from '../../clock.ts';
import type { Ids } from '../../ids.ts';
import { farewell, statement } from './database.ts';
import type { Database } from './database.ts';

const CHANNEL = 'cleanlist_relay_due';

/** How often one looks although nobody called: while nobody could be heard, and otherwise, as a backstop. In ms. */
const POLL_DEAF_MS = 1_000;
const POLL_MS = 5_000;
/** How often the connection is asked whether it still hears. A silent one can't be told from a dead one otherwise. */
const HEARTBEAT_MS = 5_000;
/**
 * Shortest time between two calls. Each wakes every relay, and PostgreSQL lets only one transaction that notifies
 * commit at a time, so there is a call for many webhooks and none inside their own transaction.
 */
const NOTIFY_EVERY_MS = 50;

const NOTIFY = statement('notify', `SELECT pg_notify('${CHANNEL}', $1)`);

export interface Bell {
	/** Tells the other relays that something is due. Never fails: they would find it themselves, a little later. */
	ring(): void;
	/** Calls `listener` when another relay rang, and every few seconds. Returns the cancellation. */
	onRing(listener: () => void): () => void;
	close(): Promise<void>;
}

/** Relays waking each other through `LISTEN` and `NOTIFY`, on a connection of their own that comes back by itself. */
export function openBell(options: { connection: PoolConfig; db: Database; clock: Clock; ids: Ids }): Bell {
	const { connection, db, clock, ids } = options;
	const me = ids.uuid();
	const listeners = new Set<() => void>();
	let closed = false;
	let client: Client | null = null;
	let hears = false;
	let cancelPoll: () => void = () => undefined;
	let cancelNext: () => void = () => undefined;
	let ringing = false;
	let ringAgain = false;

	const call = () => {
		for (const listener of [...listeners]) listener();
	};

	function poll(): void {
		cancelPoll = clock.schedule(hears ? POLL_MS : POLL_DEAF_MS, () => {
			call();
			poll();
		});
	}

	async function connect(): Promise<void> {
		const made = new Client(connection);
		client = made;
		const lost = () => void reconnect(made);
		made.on('error', lost).on('end', lost);
		made.on('notification', ({ payload }) => {
			if (payload !== me) call();
		});
		try {
			await made.connect();
			await made.query(`LISTEN ${CHANNEL}`);
			hears = true;
			// What was called out before is not heard any more.
			call();
			heartbeat(made);
		} catch {
			lost();
		}
	}

	function heartbeat(on: Client): void {
		cancelNext = clock.schedule(HEARTBEAT_MS, () => {
			on.query('SELECT 1').then(
				() => heartbeat(on),
				() => void reconnect(on),
			);
		});
	}

	async function reconnect(from: Client): Promise<void> {
		if (client !== from || closed) return;
		client = null;
		hears = false;
		cancelNext();
		cancelNext = clock.schedule(POLL_DEAF_MS, () => void connect());
		// May wait for an answer that never comes.
		void from.end().catch(() => undefined);
	}

	async function notify(): Promise<void> {
		ringing = true;
		ringAgain = false;
		await db.query(NOTIFY, [me]).catch(() => undefined);
		clock.schedule(NOTIFY_EVERY_MS, () => {
			ringing = false;
			if (ringAgain && !closed) void notify();
		});
	}

	void connect();
	poll();

	return {
		ring() {
			if (ringing) ringAgain = true;
			else if (!closed) void notify();
		},
		onRing(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		async close() {
			closed = true;
			cancelPoll();
			cancelNext();
			const last = client;
			client = null;
			if (last) await farewell(clock, last.end());
		},
	};
}
