import type { Clock } from '../clock.ts';
import type { Scope } from '../contract/common.ts';
import type { Database } from './db/index.ts';
import { hashKey, keyFromHeader } from './domain/key.ts';
import { API_ACCESS, featuresOf } from './domain/plan.ts';
import type { Tier } from './domain/plan.ts';
import { featureGated, insufficientScope, notAuthenticated } from './errors.ts';
import type { RateLimiter } from './rate-limit.ts';

/** Who sent a request, and what they may do. */
export interface Caller {
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
export function createGate({ db, clock, limiter }: { db: Database; clock: Clock; limiter: RateLimiter }) {
	return {
		/** @throws ApiError 401, 403 or 429 */
		admit(authorization: string | undefined, requirement: Requirement): Caller {
			const caller = identify(db, clock.now(), authorization);
			if (requirement.plan === 'api' && !caller.features.includes(API_ACCESS)) {
				throw featureGated(API_ACCESS, caller.features);
			}
			if (requirement.scope && !caller.scopes.includes(requirement.scope)) {
				throw insufficientScope(requirement.scope, caller.scopes);
			}
			limiter.take(caller);
			return caller;
		},
	};
}

export type Gate = ReturnType<typeof createGate>;

function identify(db: Database, now: number, authorization: string | undefined): Caller {
	if (!authorization) throw notAuthenticated('The Authorization header is missing.');
	const key = keyFromHeader(authorization);
	if (!key) throw notAuthenticated('The Authorization header does not hold "Bearer clapi_…".');
	// Looked up by its hash: how long that takes says nothing about any stored key.
	const row = db.accounts.keyByHash(hashKey(key));
	if (!row) throw notAuthenticated('No such API key.');
	if (row.revokedAt !== null) throw notAuthenticated('The API key was revoked.');
	if (row.expiresAt !== null && row.expiresAt <= now) throw notAuthenticated('The API key has expired.');
	return {
		keyId: row.keyId,
		userId: row.userId,
		userName: row.userName,
		userEmail: row.userEmail,
		organizationId: row.organizationId,
		organizationName: row.organizationName,
		tier: row.tier,
		appsumoTier: row.appsumoTier,
		scopes: JSON.parse(row.scopes) as Scope[],
		features: featuresOf(row.tier, row.appsumoTier),
	};
}
