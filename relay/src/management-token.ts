import { sha256 } from './crypto.ts';
import type { Ids } from './ids.ts';
import type { Token } from './store/port.ts';

/** `crt_` and 256 bits: what opens the management API. */
export const MANAGEMENT_TOKEN = /^crt_[A-Za-z0-9_-]{43}$/;

export const mintManagementToken = (ids: Pick<Ids, 'bytes'>): string =>
	`crt_${ids.bytes(32).toString('base64url')}`;

/** Id of the token that comes from the key file, or from RELAY_TOKEN, on every start. */
export const FIRST_TOKEN = 'first';

export const firstToken = (token: string, now: number): Token => ({
	id: FIRST_TOKEN,
	name: 'relay-token',
	hash: sha256(token),
	scopes: ['admin'],
	createdAt: now,
	expiresAt: null,
	lastUsedAt: null,
});
