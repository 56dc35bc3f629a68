import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

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

/** Keeps secrets that have to be read again, such as a subscription's signing secret, encrypted at rest. */
export interface Sealer {
	seal(plain: string): Buffer;
	/** @throws Error when it was sealed with another key or changed since */
	open(sealed: Buffer): string;
}

/*
 * A sealed secret: version (1 byte), key id (1 byte), IV (12), tag (16), ciphertext. Version and key id are
 * authenticated too, and let a later rotation tell which key and which format a stored secret needs.
 */
const VERSION = 1;
const KEY_ID = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 2 + IV_BYTES + TAG_BYTES;

/** A sealer by AES-256-GCM under a key derived from the master key. */
export function createSealer(masterKey: Buffer): Sealer {
	const key = Buffer.from(hkdfSync('sha256', checked(masterKey), '', 'cleanlist-relay/seal/v1', 32));
	const prefix = Buffer.from([VERSION, KEY_ID]);
	return {
		seal(plain) {
			// From the operating system and not from the injected Ids: a repeated IV would give the key stream away.
			const iv = randomBytes(IV_BYTES);
			const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES }).setAAD(prefix);
			const ciphertext = [cipher.update(plain, 'utf8'), cipher.final()];
			return Buffer.concat([prefix, iv, cipher.getAuthTag(), ...ciphertext]);
		},
		open(sealed) {
			if (sealed.length < HEADER_BYTES || sealed[0] !== VERSION || sealed[1] !== KEY_ID) {
				throw new Error('The sealed secret has an unknown format or key id.');
			}
			const iv = sealed.subarray(2, 2 + IV_BYTES);
			const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
				.setAAD(sealed.subarray(0, 2))
				.setAuthTag(sealed.subarray(2 + IV_BYTES, HEADER_BYTES));
			try {
				return decipher.update(sealed.subarray(HEADER_BYTES), undefined, 'utf8') + decipher.final('utf8');
			} catch (error) {
				throw new Error(
					'The sealed secret does not open with this key: the key file was replaced, or the database changed.',
					{ cause: error },
				);
			}
		},
	};
}

function checked(masterKey: Buffer): Buffer {
	if (masterKey.length < MASTER_KEY_BYTES) {
		throw new Error(`The master key has ${masterKey.length} bytes; it needs at least ${MASTER_KEY_BYTES}.`);
	}
	return masterKey;
}
