import fc from 'fast-check';
import { createBodies } from '../../relay/src/bodies.ts';
import {
	createSealer,
	formatSealingKeys,
	isNewerKey,
	nextKeyId,
	parseSealingKeys,
} from '../../relay/src/sealing.ts';

const first = { id: 1, key: Buffer.alloc(32, 1) };
const second = { id: 2, key: Buffer.alloc(32, 2) };

describe('sealer', () => {
	it('opens what it sealed, byte for byte, and never seals the same twice', () => {
		const sealer = createSealer([first]);
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
				const sealed = sealer.seal(bytes);
				expect(sealer.openBytes(sealed)).toEqual(Buffer.from(bytes));
				expect(sealed.equals(sealer.seal(bytes))).toBe(false);
			}),
		);
		expect(sealer.open(sealer.seal('whsec_ü😀'))).toBe('whsec_ü😀');
	});

	it('seals with the last key and opens with all', () => {
		const old = createSealer([first]).seal('old');
		const both = createSealer([first, second]);
		expect(both.open(old)).toBe('old');
		expect(both.keyIdOf(old)).toBe(1);
		expect(both.keyIdOf(both.seal('new'))).toBe(2);
		expect(both.keyId).toBe(2);
	});

	it('says which key is missing', () => {
		const sealed = createSealer([second]).seal('x');
		expect(() => createSealer([first]).open(sealed)).toThrow(
			"What was sealed with key 2 can't be opened: that key is not among the sealing keys",
		);
	});

	it('opens nothing that was changed in a single bit, key id and length included', () => {
		const sealer = createSealer([first, second]);
		const sealed = sealer.seal('secret');
		for (let bit = 0; bit < sealed.length * 8; bit++) {
			const changed = Buffer.from(sealed);
			changed[bit >> 3]! ^= 1 << (bit & 7);
			expect(() => sealer.open(changed)).toThrow(/does not open|can't be opened/);
		}
		for (let length = 0; length < sealed.length; length++) {
			expect(() => sealer.open(sealed.subarray(0, length))).toThrow(/does not open|can't be opened/);
		}
	});

	it('opens nothing with another key of the same id', () => {
		const sealed = createSealer([first]).seal('secret');
		expect(() => createSealer([{ id: 1, key: second.key }]).open(sealed)).toThrow('does not open');
	});

	it.each([
		['no keys', []],
		['a short key', [{ id: 1, key: Buffer.alloc(16) }]],
		['an id that is no byte', [{ id: 256, key: first.key }]],
	])('is not made of %s', (_, keys) => {
		expect(() => createSealer(keys)).toThrow(/sealing key/i);
	});
});

describe('ids of sealing keys', () => {
	it('go round: 1 comes after 255', () => {
		expect([1, 254, 255].map(nextKeyId)).toEqual([2, 255, 1]);
	});

	it('are in the order of their making, over 127 keys and wherever they begin', () => {
		for (let id = 1; id <= 255; id++) {
			expect(isNewerKey(id, id)).toBe(false);
			let newer = id;
			for (let n = 1; n <= 127; n++) {
				newer = nextKeyId(newer);
				expect([isNewerKey(newer, id), isNewerKey(id, newer)]).toEqual([true, false]);
			}
		}
	});
});

describe('sealing keys as text', () => {
	it('come back as they were, from lines or from a list with commas', () => {
		const text = formatSealingKeys([first, second]);
		expect(parseSealingKeys(text)).toEqual([first, second]);
		expect(parseSealingKeys(text.trim().replace('\n', ', '))).toEqual([first, second]);
	});

	it.each(['', '1', `1 ${first.key.toString('hex')}`, `0 ${first.key.toString('base64')}`])(
		'are not found in %j',
		(text) => expect(parseSealingKeys(text)).toBeNull(),
	);
});

describe('bodies', () => {
	const sealer = createSealer([first, second]);
	const raw = Buffer.from('{"workflow_id":"w"}');

	it('lie in the clear unless they are to be encrypted', () => {
		expect(createBodies({ sealer, encrypt: false }).toStored(raw)).toEqual({ body: raw, keyId: null });
		const stored = createBodies({ sealer, encrypt: true }).toStored(raw);
		expect(stored.keyId).toBe(2);
		expect(stored.body.includes('workflow_id')).toBe(false);
	});

	it.each([true, false])('are read either way, with encryption on: %s', (encrypt) => {
		const bodies = createBodies({ sealer, encrypt });
		expect(bodies.toRaw({ body: raw, keyId: null })).toEqual(raw);
		expect(bodies.toRaw({ body: sealer.seal(raw), keyId: 2 })).toEqual(raw);
	});
});
