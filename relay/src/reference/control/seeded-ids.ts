import { createHash } from 'node:crypto';
import type { Ids } from '../../ids.ts';

export interface SeededIds extends Ids {
	/** How many values were drawn; set it to draw them again. */
	position: number;
}

/** Ids that are the same for the same seed: for tests and demonstrations, where nothing needs to be secret. */
export function seededIds(seed: string): SeededIds {
	const block = (n: number, part: number): Buffer =>
		createHash('sha256')
			.update(JSON.stringify([seed, n, part]))
			.digest();
	const draw = (length: number): Buffer => {
		const n = ids.position++;
		const parts = Array.from({ length: Math.ceil(length / 32) }, (_, part) => block(n, part));
		return Buffer.concat(parts).subarray(0, length);
	};
	const ids: SeededIds = {
		position: 0,
		uuid() {
			const bytes = draw(16);
			// Version 4, variant 1: looks like any other.
			bytes[6] = (bytes[6]! & 0x0f) | 0x40;
			bytes[8] = (bytes[8]! & 0x3f) | 0x80;
			return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
		},
		bytes: draw,
		fraction: () => draw(6).readUIntBE(0, 6) / 2 ** 48,
	};
	return ids;
}

export type IdsState = { seed: string; position: number } | null;

/** Ids that come from the given source until they are told to come from a seed. */
export function createSteerableIds(base: Ids) {
	let seed: string | null = null;
	let seeded: SeededIds | null = null;
	const load = (state: IdsState): void => {
		seed = state && state.seed;
		seeded = state && seededIds(state.seed);
		if (seeded && state) seeded.position = state.position;
	};
	return {
		uuid: () => (seeded ?? base).uuid(),
		bytes: (n: number) => (seeded ?? base).bytes(n),
		fraction: () => (seeded ?? base).fraction(),
		save: (): IdsState => (seeded === null || seed === null ? null : { seed, position: seeded.position }),
		load,
	};
}

export type SteerableIds = ReturnType<typeof createSteerableIds>;
