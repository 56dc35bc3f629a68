import { createHash, createHmac } from 'node:crypto';
import type { SealingKey } from './sealing.ts';

/** Shortest master key, in bytes. Everything derived from it is no stronger than it is. */
export const MASTER_KEY_BYTES = 32;

export const sha256 = (data: string | Uint8Array): Buffer => createHash('sha256').update(data).digest();

/**
 * The ingest token of a source: 256 bits, base64url. Derived rather than stored, so that the ingest URL can be
 * shown again after a restart while the database holds nothing but its hash.
 */
export function deriveIngestToken(masterKey: Buffer, sourceId: string): string {
	return createHmac('sha256', checked(masterKey))
		.update(`cleanlist-relay/ingest-token/v1:${sourceId}`)
		.digest('base64url');
}

/** What tells two keys apart without giving either away: safe to keep beside what they protect. */
export const fingerprint = (key: Buffer): Buffer =>
	createHmac('sha256', key).update('cleanlist-relay/fingerprint/v1').digest();

/** Fingerprints of sealing keys, by the names that people know them under. */
export const sealingFingerprints = (keys: readonly SealingKey[]): Map<string, Buffer> =>
	new Map(keys.map(({ id, key }) => [`sealing key ${id}`, fingerprint(key)]));

/** The same of all keys that relays on one database share. */
export const keyFingerprints = (keys: {
	masterKey: Buffer;
	sealingKeys: readonly SealingKey[];
}): Map<string, Buffer> =>
	new Map([['master key', fingerprint(keys.masterKey)], ...sealingFingerprints(keys.sealingKeys)]);

function checked(masterKey: Buffer): Buffer {
	if (masterKey.length < MASTER_KEY_BYTES) {
		throw new Error(`The master key has ${masterKey.length} bytes; it needs at least ${MASTER_KEY_BYTES}.`);
	}
	return masterKey;
}
