import { randomBytes, randomInt, randomUUID } from 'node:crypto';

/** Chance, injected everywhere, so that tests can repeat it. */
export interface Ids {
	uuid(): string;
	/** `n` random bytes. */
	bytes(n: number): Buffer;
	/** A number in [0, 1), for jitter; not a secret. */
	fraction(): number;
}

export const systemIds: Ids = {
	uuid: () => randomUUID(),
	bytes: (n) => randomBytes(n),
	fraction: () => randomInt(2 ** 32) / 2 ** 32,
};
