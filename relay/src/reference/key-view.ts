import type { Scope } from '../contract/common.ts';
import type { ListedKey } from './db/keys.ts';

/** A key as it is listed (B.8): never the key itself. */
export const keyView = (row: ListedKey, now: number) => ({
	key_id: row.keyId,
	key_prefix: row.prefix,
	key_last4: row.last4,
	name: row.name,
	scopes: JSON.parse(row.scopes) as Scope[],
	created_at: plainTimestamp(row.createdAt),
	last_used_at: row.lastUsedAt === null ? null : plainTimestamp(row.lastUsedAt),
	is_active: row.revokedAt === null && (row.expiresAt === null || row.expiresAt > now),
});

/** `YYYY-MM-DD HH:MM:SS` in UTC, which is how the vendor writes the times of keys, and of nothing else. */
const plainTimestamp = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
