import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** A key that secrets and bodies are sealed with. */
export interface SealingKey {
	/** 1 to 255; stands in everything sealed with it, so that keys can be rotated. */
	id: number;
	/** 32 random bytes. */
	key: Buffer;
}

export const SEALING_KEY_BYTES = 32;
const MAX_KEY_ID = 255;

/** The id of the key made after the one of this id: an id is one byte, so they go round. */
export const nextKeyId = (id: number): number => (id % MAX_KEY_ID) + 1;

/** Whether the key of the one id was made after that of the other, which may have been 127 keys ago. */
export function isNewerKey(id: number, than: number): boolean {
	const keysLater = (id - than + MAX_KEY_ID) % MAX_KEY_ID;
	return keysLater > 0 && keysLater <= MAX_KEY_ID / 2;
}

/** Keeps what has to be read again, such as a subscription's signing secret, encrypted at rest. */
export interface Sealer {
	/** The key that is sealed with now. */
	readonly keyId: number;
	seal(plain: string | Uint8Array): Buffer;
	/**
	 * The sealed text.
	 *
	 * @throws Error when it was sealed with a key that is not here, or changed since
	 */
	open(sealed: Buffer): string;
	/** The same, for bytes. */
	openBytes(sealed: Buffer): Buffer;
	/** Id of the key that sealed this, read without opening it. */
	keyIdOf(sealed: Buffer): number;
}

/*
 * Sealed: version (1 byte), key id (1 byte), IV (12), tag (16), ciphertext. Version and key id are authenticated too,
 * and tell which key and which format a sealed thing needs.
 *
 * IVs are random, so one key may seal 2^32 things (NIST SP 800-38D); at a webhook a second that is 136 years.
 */
const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 2 + IV_BYTES + TAG_BYTES;

/**
 * A sealer by AES-256-GCM.
 *
 * @param keys at least one; the last seals, all open
 */
export function createSealer(keys: readonly SealingKey[]): Sealer {
	const current = keys.at(-1);
	if (!current) throw new Error('There is no sealing key.');
	const byId = new Map(keys.map(({ id, key }) => [id, checked(id, key)]));
	const prefix = Buffer.from([VERSION, current.id]);

	function openBytes(sealed: Buffer): Buffer {
		const id = sealed[1] ?? 0;
		const key = byId.get(id);
		if (sealed.length < HEADER_BYTES || sealed[0] !== VERSION || !key) {
			throw new Error(
				`What was sealed with key ${id} can't be opened: that key is not among the sealing keys of this relay.`,
			);
		}
		const iv = sealed.subarray(2, 2 + IV_BYTES);
		const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
			.setAAD(sealed.subarray(0, 2))
			.setAuthTag(sealed.subarray(2 + IV_BYTES, HEADER_BYTES));
		try {
			return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES)), decipher.final()]);
		} catch (error) {
			throw new Error(
				`What was sealed with key ${id} does not open: the key file was replaced, or the database changed.`,
				{ cause: error },
			);
		}
	}

	return {
		keyId: current.id,
		seal(plain) {
			// From the operating system and not from the injected Ids: a repeated IV would give the key stream away.
			const iv = randomBytes(IV_BYTES);
			const cipher = createCipheriv('aes-256-gcm', current.key, iv, { authTagLength: TAG_BYTES });
			cipher.setAAD(prefix);
			const bytes = typeof plain === 'string' ? Buffer.from(plain, 'utf8') : plain;
			const ciphertext = [cipher.update(bytes), cipher.final()];
			return Buffer.concat([prefix, iv, cipher.getAuthTag(), ...ciphertext]);
		},
		open: (sealed) => openBytes(sealed).toString('utf8'),
		openBytes,
		keyIdOf: (sealed) => sealed[1] ?? 0,
	};
}

function checked(id: number, key: Buffer): Buffer {
	if (!Number.isInteger(id) || id < 1 || id > MAX_KEY_ID) {
		throw new Error(`The sealing key's id is ${id}; it must be from 1 to ${MAX_KEY_ID}.`);
	}
	if (key.length !== SEALING_KEY_BYTES) {
		throw new Error(`Sealing key ${id} has ${key.length} bytes; it needs ${SEALING_KEY_BYTES}.`);
	}
	return key;
}

const KEY_LINE = /^(\d{1,3}) ([A-Za-z0-9+/]{43}=)$/;

/** Sealing keys as text: a line each, `<id> <base64>`, the one that seals now last. */
export const formatSealingKeys = (keys: readonly SealingKey[]): string =>
	keys.map(({ id, key }) => `${id} ${key.toString('base64')}\n`).join('');

/** The keys in such a text; null when it is none. Commas may separate them too, as in an environment variable. */
export function parseSealingKeys(text: string): SealingKey[] | null {
	const keys: SealingKey[] = [];
	for (const line of text.split(/[\n,]/).map((part) => part.trim())) {
		if (line === '') continue;
		const [, id, key] = KEY_LINE.exec(line) ?? [];
		if (id === undefined || key === undefined) return null;
		keys.push({ id: Number(id), key: Buffer.from(key, 'base64') });
	}
	const ids = new Set(keys.map(({ id }) => id));
	const valid = keys.length > 0 && ids.size === keys.length && !ids.has(0) && Math.max(...ids) <= MAX_KEY_ID;
	return valid ? keys : null;
}
