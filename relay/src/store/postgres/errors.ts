import { StoreError } from '../port.ts';
import type { StoreErrorCode } from '../port.ts';

/** SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html) that mean something to the caller. */
const CODES: Record<string, StoreErrorCode> = {
	'23505': 'conflict', // unique_violation
	'53100': 'full', // disk_full
	'25006': 'readonly', // read_only_sql_transaction: a standby, or default_transaction_read_only
	'40001': 'busy', // serialization_failure
	'40P01': 'busy', // deadlock_detected
	'55P03': 'busy', // lock_not_available: lock_timeout
	'57014': 'busy', // query_canceled: statement_timeout
	'53200': 'busy', // out_of_memory
	'53300': 'busy', // too_many_connections
	'25P03': 'busy', // idle_in_transaction_session_timeout
	'57P01': 'busy', // admin_shutdown
	'57P02': 'busy', // crash_shutdown
	'57P03': 'busy', // cannot_connect_now: starting up, shutting down, recovering
	'57P05': 'busy', // idle_session_timeout
};

/**
 * The session is gone, although the server found the time to say why; or it is of no use any more (25006): after a switch-over
 * the old primary, now a standby, may keep it, while a new one leads to the new primary.
 */
const ENDS_SESSION = new Set(['25006', '25P03', '57P01', '57P02', '57P03', '57P05', '53300']);
/** Rolled back for the sake of others; the same again may succeed. */
const TRY_AGAIN = new Set(['40001', '40P01']);

const MESSAGES: Record<StoreErrorCode, string> = {
	conflict: 'There is already one like it.',
	full: "The database's disk is full, so nothing was written. Free some space.",
	busy: 'The database does not answer at the moment. Try again.',
	readonly: 'The database can be read but not written: it is a standby, or set to read-only.',
	failed: 'The database failed.',
};

/** Any failure of `pg` as the port's error, the original as its cause. */
export function toStoreError(error: unknown): StoreError {
	if (error instanceof StoreError) return error;
	const sqlState = sqlStateOf(error);
	// What is not the server's answer is the way to it: no connection, or one that broke or fell silent.
	const code = sqlState === null ? 'busy' : (CODES[sqlState] ?? (isLost(error) ? 'busy' : 'failed'));
	const { message: text = String(error) } = error as Partial<Error>;
	return new StoreError(code, `${MESSAGES[code]} (${text})`, { cause: error });
}

/** Whether the connection is gone, and with it the knowledge of what became of the statement under way. */
export function isLost(error: unknown): boolean {
	// One of our own that has no cause was not brought about by a connection.
	if (error instanceof StoreError) return error.cause !== undefined && isLost(error.cause);
	const sqlState = sqlStateOf(error);
	// Class 08: connection exceptions.
	return sqlState === null || sqlState.startsWith('08') || ENDS_SESSION.has(sqlState);
}

/** Whether the server took everything back and the same may succeed in a moment. */
export function mayTryAgain(error: unknown): boolean {
	const sqlState = sqlStateOf(causeOf(error));
	return sqlState !== null && TRY_AGAIN.has(sqlState);
}

/** Whether a statement did not get a lock in the time it would wait for it: everything was taken back. */
export const isLocked = (error: unknown): boolean => sqlStateOf(causeOf(error)) === '55P03';

/** Whether a statement ran into its limit of time: everything was taken back, and the same would fail again. */
export const tookTooLong = (error: unknown): boolean => sqlStateOf(causeOf(error)) === '57014';

const causeOf = (error: unknown): unknown => (error instanceof StoreError ? error.cause : error);

/** The SQLSTATE of an error that the server sent; null for any other. */
export function sqlStateOf(error: unknown): string | null {
	const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
	return typeof severity === 'string' && typeof code === 'string' ? code : null;
}
