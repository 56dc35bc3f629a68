import { iso } from '../../clock.ts';
import type { Clock } from '../../clock.ts';
import {
	ACTIVE_KEYS_MAX,
	ApiKeysResponse,
	CreateKeyRequest,
	CreateKeyResponse,
	RevokeKeyResponse,
} from '../../contract/workspace.ts';
import type { Ids } from '../../ids.ts';
import type { Behaviours } from '../behaviours.ts';
import type { Database } from '../db/index.ts';
import { KEY_BYTES, KEY_PREFIX, hashKey, mintKey } from '../domain/key.ts';
import { invalid, keyCapReached, notFound } from '../errors.ts';
import { defineRoute, ok } from '../http.ts';
import { keyView } from '../key-view.ts';
import { validate } from '../validation.ts';

/** Keys one answer lists. */
const MAX_ROWS = 1_000;

/** Making, listing and revoking one's own keys (A.3), by session token. Only making one asks for the plan. */
export function keyManagementRoutes(o: {
	db: Database;
	clock: Clock;
	ids: Ids;
	/** Writes down the uses of keys that are only in memory yet. */
	flushUses: () => void;
	behaviours: Pick<Behaviours, 'keyPrefix'>;
}) {
	const { db, clock, ids, flushUses, behaviours } = o;

	return [
		defineRoute({
			method: 'POST',
			path: '/',
			about: { summary: 'Makes a key', body: CreateKeyRequest, success: [201] },
			errors: 'v2',
			plan: 'api',
			scope: null,
			response: CreateKeyResponse,
			handle({ caller, body }) {
				const { name, expires_at } = validate(CreateKeyRequest, body ?? {}, 'body');
				const now = clock.now();
				const expiresAt = expires_at ? Date.parse(expires_at) : null;
				if (expiresAt !== null && expiresAt <= now) {
					const msg = 'Input should be in the future';
					throw invalid([{ type: 'datetime_future', loc: ['body', 'expires_at'], msg, input: expires_at }]);
				}
				const key = mintKey(ids.bytes(KEY_BYTES), behaviours.keyPrefix);
				db.transaction(() => {
					if (db.keys.countActive(caller.userId, now) >= ACTIVE_KEYS_MAX) {
						throw keyCapReached(ACTIVE_KEYS_MAX);
					}
					db.accounts.insertKey({
						keyId: `key_${ids.uuid().replaceAll('-', '')}`,
						userId: caller.userId,
						name: name ?? null,
						hash: hashKey(key),
						prefix: KEY_PREFIX,
						last4: key.slice(-4),
						createdAt: now,
						expiresAt,
					});
				});
				const view = {
					api_key: key,
					created_at: iso(now),
					expires_at: expiresAt === null ? null : iso(expiresAt),
				};
				return { status: 201, body: view };
			},
		}),

		defineRoute({
			method: 'GET',
			path: '/',
			about: { summary: 'One’s own keys' },
			errors: 'v2',
			plan: 'any',
			scope: null,
			response: ApiKeysResponse,
			handle({ caller }) {
				flushUses();
				const rows = db.keys.ofUser(caller.userId, MAX_ROWS);
				return ok({ keys: rows.map((row) => keyView(row, clock.now())) });
			},
		}),

		defineRoute({
			method: 'DELETE',
			path: '/:key_id',
			about: { summary: 'Revokes a key', errors: [404] },
			errors: 'v2',
			plan: 'any',
			scope: null,
			response: RevokeKeyResponse,
			handle({ caller, params }) {
				const keyId = params.key_id!;
				if (!db.keys.revoke({ keyId, userId: caller.userId, now: clock.now() })) {
					throw notFound('active API key', keyId);
				}
				return ok({ key_id: keyId, revoked: true as const });
			},
		}),
	];
}
