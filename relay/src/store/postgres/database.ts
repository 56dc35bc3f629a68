import { Pool, TypeOverrides } from 'pg';
import type { PoolClient, PoolConfig } from 'pg';
import type { Clock } from '../../clock.ts';
import { StoreError } from '../port.ts';
import { isLost, mayTryAgain, toStoreError } from './errors.ts';

/** Everything the relay keeps lies in a schema of its own, so that it can share a database, n8n's for one. */
export const SCHEMA = 'cleanlist_relay';

/** What connections are for. */
export type Use =
	/** Whoever commits waits for the disk. */
	| 'durable'
	/**
	 * Claims, their results and those handed back, which may reach the disk later (0.6 s by default): what a crash of the
	 * database makes it forget is sent again. What is written later is on disk later, so nothing else can be lost by it.
	 *
	 * Their statements are planned once on each connection, because planning takes three times as long as claiming: 860 µs a
	 * claim, now 260. And planned on indexes however small the tables are at that moment: the plan stays when they have grown.
	 */
	| 'progress';

/** Connections of one relay at most, the listening one not counted; 'progress' has two that settle, and one that claims or hands back. */
const POOL_SIZE: Record<Use, number> = { durable: 5, progress: 3 };

/** How long a connection may take to come about, a statement to run, a lock to be waited for; all in ms. */
const CONNECT_MS = 5_000;
const STATEMENT_MS = 5_000;
const LOCK_MS = 3_000;
/**
 * How long an answer is waited for. Longer than the server's own limit: then a connection that fell silent (a cable
 * pulled, a firewall that forgot it) is the only thing that can be wrong.
 */
const ANSWER_MS = 6_000;
const IDLE_IN_TRANSACTION_MS = 10_000;
/** After this time without traffic the kernel asks the other side whether it is still there. */
const KEEP_ALIVE_MS = 10_000;

/** How long a goodbye may take: to a connection that fell silent it never ends. The process's end closes it, too. */
const GOODBYE_MS = 1_000;

/** Waits between tries of what can be tried again, in ms; a database restarts in a few seconds. */
const RETRY_MS = [50, 100, 200, 400, 800, 800, 800, 800] as const;

/** A statement with its name, under which each connection prepares it once. */
export interface Statement {
	name: string;
	text: string;
}

export const statement = (name: string, text: string): Statement => ({ name, text });

/** Runs statements on one connection, or each on any. Rows are typed by the caller, who wrote the SQL. */
export type Query = <Row = never>(statement: Statement, values?: unknown[]) => Promise<Row[]>;

export interface Transaction {
	query: Query;
	/**
	 * Runs the last statement with COMMIT right behind it, in one round trip. What it answers must not be acted upon
	 * before the transaction resolves.
	 */
	last: Query;
}

export interface Database {
	/** Runs one statement in a transaction of its own. Rejects with StoreError. */
	query: Query;
	/** The same for what changes nothing, or the same when done twice: also when the connection broke on the way. */
	repeatable: Query;
	/**
	 * Runs statements in one transaction; committed when it resolves. Rejects with StoreError. When the connection
	 * broke at COMMIT that says `busy`, and whether it was committed is not known: see `isLost`.
	 */
	transaction<T>(work: (on: Transaction) => Promise<T>): Promise<T>;
	/** Tries again, for some seconds, what failed for want of a connection or for the sake of another transaction. */
	retrying<T>(work: () => Promise<T>): Promise<T>;
	close(): Promise<void>;
}

/** bigint as a number: times in ms and counts, all far below 2^53. */
const INT8 = 20;
const TYPES = new TypeOverrides();
TYPES.setTypeParser(INT8, Number);

/** Waits for connections to end, but not for long. */
export async function farewell(clock: Clock, ending: Promise<unknown>): Promise<void> {
	let cancel: () => void = () => undefined;
	const enough = new Promise<void>((resolve) => (cancel = clock.schedule(GOODBYE_MS, resolve)));
	await Promise.race([ending.catch(() => undefined), enough]);
	cancel();
}

/** How every connection of the relay is made, the listening one included. */
export const connectionOptions = (connection: PoolConfig): PoolConfig => ({
	application_name: 'cleanlist-relay',
	...connection,
	connectionTimeoutMillis: CONNECT_MS,
	query_timeout: ANSWER_MS,
	keepAlive: true,
	keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
	types: TYPES,
});

/** In SQL and not in the start-up message, which poolers do not pass on. */
const SESSION = `
	SET search_path TO ${SCHEMA};
	SET statement_timeout TO ${STATEMENT_MS};
	SET lock_timeout TO ${LOCK_MS};
	SET idle_in_transaction_session_timeout TO ${IDLE_IN_TRANSACTION_MS};
	SET default_transaction_isolation TO 'read committed';`;
const SESSIONS: Record<Use, string> = {
	// Looked at when the relay starts (inspect.ts); what a database or a role is set to later counts from the next connection on.
	durable: `${SESSION}
	SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';`,
	progress: `${SESSION}
	SET synchronous_commit TO off;
	SET plan_cache_mode TO force_generic_plan;
	SET enable_seqscan TO off;`,
};

/**
 * What is sent at once leaves in one write, as it needs no answer in between. Each write costs 100 to 300 µs here: it wakes the
 * server, which on a small machine then takes the relay's core.
 */
function inOneWrite<T>({ connection: { stream } }: PoolClient, sendAll: () => T): T {
	stream.cork();
	try {
		return sendAll();
	} finally {
		stream.uncork();
	}
}

/** A pool of connections, made as they are needed. */
export function openDatabase(connection: PoolConfig, clock: Clock, use: Use = 'durable'): Database {
	let closed = false;
	let pool = createPool();

	function createPool(): Pool {
		const made = new Pool({
			...connectionOptions(connection),
			max: POOL_SIZE[use],
			// What is sent before the answer to what went before is answered in its order; a round trip less for each.
			pipeline: true,
			verify: (client, done) => void client.query(SESSIONS[use]).then(() => done(), done),
		});
		// Their failures reach whoever uses them next; without a listener they would end the process.
		made.on('error', () => undefined);
		made.on('connect', (client) => client.on('error', () => undefined));
		return made;
	}

	/** After a broken connection the idle ones are suspect: each would cost somebody ANSWER_MS to find out. */
	function discard(suspect: Pool): void {
		if (suspect !== pool || closed) return;
		pool = createPool();
		void suspect.end().catch(() => undefined);
	}

	async function using<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
		if (closed) throw new StoreError('failed', 'The store is closed.');
		const from = pool;
		const client = await from.connect();
		let broken = false;
		try {
			return await work(client);
		} catch (error) {
			broken = isLost(error);
			throw error;
		} finally {
			// After a time-out the answer may still come, to the wrong question: thrown away.
			client.release(broken);
			if (broken) discard(from);
		}
	}

	const queryOf =
		(client: PoolClient): Query =>
		async <Row>({ name, text }: Statement, values: unknown[] = []) =>
			(await client.query({ name, text, values })).rows as Row[];

	async function inTransaction<T>(client: PoolClient, work: (on: Transaction) => Promise<T>): Promise<T> {
		const query = queryOf(client);
		/** Not waited for: where it fails, so does what comes behind it. */
		const send = (text: string) => {
			const answer = client.query(text);
			answer.catch(() => undefined);
			return answer;
		};
		let commit: ReturnType<typeof send> | null = null;
		const last: Query = (one, values) =>
			inOneWrite(client, () => {
				const rows = query<never>(one, values);
				commit = send('COMMIT');
				return rows;
			});
		let result: T;
		try {
			result = await inOneWrite(client, () => {
				void send('BEGIN');
				return work({ query, last });
			});
		} catch (error) {
			if (!isLost(error) && !commit) await client.query('ROLLBACK');
			throw error;
		}
		const { command } = await (commit ?? send('COMMIT'));
		// What COMMIT says when a statement had failed: nothing was written.
		if (command !== 'COMMIT') throw new StoreError('failed', 'The database took the transaction back.');
		return result;
	}

	const asStoreError = async <T>(work: () => Promise<T>): Promise<T> => {
		try {
			return await work();
		} catch (error) {
			throw toStoreError(error);
		}
	};

	const query: Query = <Row>(one: Statement, values?: unknown[]) =>
		asStoreError(() => using((client) => queryOf(client)<Row>(one, values)));

	async function retrying<T>(work: () => Promise<T>): Promise<T> {
		for (const waitMs of RETRY_MS) {
			try {
				return await work();
			} catch (error) {
				if (closed || !(isLost(error) || mayTryAgain(error))) throw error;
				await new Promise<void>((resolve) => clock.schedule(waitMs, resolve));
			}
		}
		return work();
	}

	return {
		query,
		repeatable: <Row>(one: Statement, values?: unknown[]) => retrying(() => query<Row>(one, values)),
		transaction: (work) => asStoreError(() => using((client) => inTransaction(client, work))),
		retrying,
		async close() {
			if (closed) return;
			closed = true;
			await farewell(clock, pool.end());
		},
	};
}
