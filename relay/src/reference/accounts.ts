import type { Clock } from '../clock.ts';
import { SCOPES } from '../contract/common.ts';
import type { Scope } from '../contract/common.ts';
import type { Ids } from '../ids.ts';
import type { Database } from './db/index.ts';
import {
	KEY_BYTES,
	KEY_PREFIX,
	SESSION_BYTES,
	SESSION_PREFIX,
	hashKey,
	mintKey,
	mintSessionToken,
} from './domain/key.ts';
import type { Tier } from './domain/plan.ts';
import { createLedger } from './ledger.ts';

export interface NewAccount {
	/** Of the user. */
	name: string;
	/** Default: the user's name. Counts only when the organization is made. */
	organizationName?: string;
	email?: string;
	/** This very key; one is minted when absent. */
	key?: string;
	/** This very session token; one is minted when absent. */
	sessionToken?: string;
	/** Of the key, as key management shows it. */
	keyName?: string;
	/** Ms since the epoch; the key never expires when absent. */
	keyExpiresAt?: number;
	/** Default `pro`. */
	tier?: Tier;
	appsumoTier?: number | null;
	/** Default: all. */
	scopes?: Scope[];
	/** Default 0. */
	credits?: number;
	/** Joins this organization, which is made when it does not exist yet. */
	organizationId?: string;
}

export interface Account {
	key: string;
	/** For key management; good until ten newer ones were made. */
	sessionToken: string;
	organizationId: string;
	userId: string;
}

/** Session tokens of one user that are good at a time. */
const MAX_SESSIONS = 10;

/**
 * Makes an organization, a user and a key. Tier, AppSumo tier and credits are the organization's: they count
 * only when it is made. A key that exists already gives back its account with nothing changed, but for a new
 * session.
 *
 * @throws Error when `key` does not start with `clapi_`, `sessionToken` not with `sess_` or is another user's, or `credits` is not a whole number of at least 0
 */
export function createAccount(
	{ db, clock, ids, keyPrefix }: { db: Database; clock: Clock; ids: Ids; keyPrefix?: string },
	account: NewAccount,
): Account {
	const key = account.key ?? mintKey(ids.bytes(KEY_BYTES), keyPrefix);
	const sessionToken = account.sessionToken ?? mintSessionToken(ids.bytes(SESSION_BYTES));
	const credits = account.credits ?? 0;
	if (!sessionToken.startsWith(SESSION_PREFIX)) {
		throw new Error(`A session token starts with ${SESSION_PREFIX}.`);
	}
	if (!key.startsWith(KEY_PREFIX)) throw new Error(`A Cleanlist API key starts with ${KEY_PREFIX}.`);
	if (!Number.isSafeInteger(credits) || credits < 0) {
		throw new Error('Credits are a whole number of at least 0.');
	}

	return db.transaction(() => {
		const existing = db.accounts.keyByHash(hashKey(key));
		const createdAt = clock.now();
		if (existing) {
			openSession(existing.userId, createdAt);
			return { key, sessionToken, organizationId: existing.organizationId, userId: existing.userId };
		}

		const organizationId = account.organizationId ?? newId('org');
		const isNew = db.accounts.insertOrganization({
			organizationId,
			name: account.organizationName ?? account.name,
			tier: account.tier ?? 'pro',
			appsumoTier: account.appsumoTier ?? null,
			createdAt,
		});
		if (isNew) createLedger({ db, clock }).grant(organizationId, credits);
		const userId = newId('user');
		db.accounts.insertUser({
			userId,
			organizationId,
			name: account.name,
			email: account.email ?? null,
			scopes: JSON.stringify(account.scopes ?? SCOPES),
			createdAt,
		});
		db.accounts.insertKey({
			keyId: newId('key'),
			userId,
			name: account.keyName ?? null,
			hash: hashKey(key),
			prefix: KEY_PREFIX,
			last4: key.slice(-4),
			createdAt,
			expiresAt: account.keyExpiresAt ?? null,
		});
		openSession(userId, createdAt);
		return { key, sessionToken, organizationId, userId };
	});

	function openSession(userId: string, createdAt: number): void {
		const hash = hashKey(sessionToken);
		db.keys.insertSession({ sessionId: newId('session'), userId, hash, createdAt }, MAX_SESSIONS);
		if (db.accounts.sessionByHash(hash)?.userId !== userId) {
			throw new Error('The session token belongs to another user.');
		}
	}

	function newId(kind: string): string {
		return `${kind}_${ids.uuid().replaceAll('-', '')}`;
	}
}
