import type { Clock } from '../clock.ts';
import type { Scope } from '../contract/common.ts';
import type { UserRow } from './db/accounts.ts';
import type { Database } from './db/index.ts';
import { KEY_PREFIX, SESSION_PREFIX, bearerOf, hashKey } from './domain/key.ts';
import { API_ACCESS, featuresOf } from './domain/plan.ts';
import type { Tier } from './domain/plan.ts';
import { featureGated, insufficientScope, notAuthenticated, sessionNeeded } from './errors.ts';
import type { RateLimiter } from './rate-limit.ts';

/** Who sent a request, and what they may do. */
export interface Caller {
	/** Of the API key, or of the session. */
	keyId: string;
	userId: string;
	userName: string;
	userEmail: string | null;
	organizationId: string;
	organizationName: string;
	tier: Tier;
	appsumoTier: number | null;
	scopes: Scope[];
	features: string[];
}

/** What an endpoint asks of its caller. */
export interface Requirement {
	/** Whether the plan must include the API. Not so for the two endpoints that say who one is. */
	plan: 'api' | 'any';
	scope: Scope | null;
}

/**
 * The door of every endpoint, in this order: key, plan, scope, rate limit. So a refusal does not use up the
 * caller's requests, and names the most basic thing that is missing.
 */
export function createGate(o: {
	db: Database;
	clock: Clock;
	limiter: RateLimiter;
	/** What callers show: an API key, or for key management a session token. */
	by: 'key' | 'session';
}) {
	const { db, clock, limiter } = o;
	const identify = o.by === 'key' ? identifyByKey : identifyBySession;

	return {
		/** @throws ApiError 401 */
		identify: (authorization: string | undefined): Caller => identify(db, clock.now(), authorization),

		/** @throws ApiError 403 or 429 */
		admit(caller: Caller, requirement: Requirement): void {
			if (requirement.plan === 'api' && !caller.features.includes(API_ACCESS)) {
				throw featureGated(API_ACCESS, caller.features);
			}
			if (requirement.scope && !caller.scopes.includes(requirement.scope)) {
				throw insufficientScope(requirement.scope, caller.scopes);
			}
			limiter.take(caller);
		},
	};
}

export type Gate = ReturnType<typeof createGate>;

function identifyByKey(db: Database, now: number, authorization: string | undefined): Caller {
	if (!authorization) throw notAuthenticated('The Authorization header is missing.');
	const key = bearerOf(authorization);
	if (key?.startsWith(SESSION_PREFIX)) {
		throw notAuthenticated('A session token only works for key management, under /api/v1/api-keys.');
	}
	if (!key?.startsWith(KEY_PREFIX)) {
		throw notAuthenticated('The Authorization header does not hold "Bearer clapi_…".');
	}
	// Looked up by its hash: how long that takes says nothing about any stored key.
	const row = db.accounts.keyByHash(hashKey(key));
	if (!row) throw notAuthenticated('No such API key.');
	if (row.revokedAt !== null) throw notAuthenticated('The API key was revoked.');
	if (row.expiresAt !== null && row.expiresAt <= now) throw notAuthenticated('The API key has expired.');
	return callerOf(row.keyId, row);
}

function identifyBySession(db: Database, _now: number, authorization: string | undefined): Caller {
	if (!authorization) throw sessionNeeded('The Authorization header is missing.');
	const token = bearerOf(authorization);
	if (token?.startsWith(KEY_PREFIX)) throw sessionNeeded('An API key can’t manage API keys.');
	if (!token?.startsWith(SESSION_PREFIX)) {
		throw sessionNeeded('The Authorization header does not hold "Bearer sess_…".');
	}
	const row = db.accounts.sessionByHash(hashKey(token));
	if (!row) throw sessionNeeded('No such session.');
	return callerOf(row.sessionId, row);
}

const callerOf = (keyId: string, row: UserRow): Caller => ({
	keyId,
	userId: row.userId,
	userName: row.userName,
	userEmail: row.userEmail,
	organizationId: row.organizationId,
	organizationName: row.organizationName,
	tier: row.tier,
	appsumoTier: row.appsumoTier,
	scopes: JSON.parse(row.scopes) as Scope[],
	features: featuresOf(row.tier, row.appsumoTier),
});
