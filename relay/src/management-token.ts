import type { Ids } from './ids.ts';

/** `crt_` and 256 bits: what opens the management API. */
export const MANAGEMENT_TOKEN = /^crt_[A-Za-z0-9_-]{43}$/;

export const mintManagementToken = (ids: Pick<Ids, 'bytes'>): string =>
	`crt_${ids.bytes(32).toString('base64url')}`;

/** Id of the token that comes from the key file, or from RELAY_TOKEN, on every start. */
export const FIRST_TOKEN = 'first';
