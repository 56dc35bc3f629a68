import type { Sealer } from './sealing.ts';

/** How a body lies in the store: in the clear (`keyId` null), or sealed. */
export interface AtRest {
	body: Buffer;
	keyId: number | null;
}

/** Turns raw bodies into what is stored, and back. */
export interface Bodies {
	/** Key that new bodies are sealed with; null: they are stored in the clear. */
	readonly keyId: number | null;
	toStored(raw: Buffer): AtRest;
	/** @throws Error when it was sealed with a key that is not here */
	toRaw(stored: AtRest): Buffer;
}

/** @param options.encrypt whether new bodies are sealed; those that are there open either way */
export function createBodies({ sealer, encrypt }: { sealer: Sealer; encrypt: boolean }): Bodies {
	const keyId = encrypt ? sealer.keyId : null;
	return {
		keyId,
		toStored: (raw) => ({ body: encrypt ? sealer.seal(raw) : raw, keyId }),
		toRaw: ({ body, keyId: sealedWith }) => (sealedWith === null ? body : sealer.openBytes(body)),
	};
}
