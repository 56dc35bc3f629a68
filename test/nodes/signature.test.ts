import { Webhook } from 'standardwebhooks';
import { TOLERANCE_S, verifySignature } from '../../nodes/CleanlistTrigger/signature.ts';

const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes ok!').toString('base64')}`;
const OTHER = `whsec_${Buffer.from('another secret, thirty-two bytes').toString('base64')}`;
const NOW = Date.UTC(2026, 0, 5, 9, 0, 0, 500);
const body = Buffer.from('{"name":"Zoë 🚀"}');

const sign = (secret: string, at = NOW) => new Webhook(secret).sign('evt_1', new Date(at), body.toString());
const headers = (more: object = {}) => ({
	id: 'evt_1',
	timestamp: String(Math.floor(NOW / 1000)),
	signature: sign(SECRET),
	...more,
});
const verdict = (more: object = {}, secret: unknown = SECRET, bytes = body) =>
	verifySignature(secret, headers(more), bytes, NOW);

describe('the signature of a delivery', () => {
	it('is the one that the Standard Webhooks library makes', () => {
		expect(verdict()).toBe('ok');
	});

	it('is found among several, as while a secret is rotated', () => {
		expect(verdict({ signature: `${sign(OTHER)} ${sign(SECRET)}` })).toBe('ok');
		expect(verdict({ signature: `v1a,zzzz v2,${sign(SECRET).slice(3)} ${sign(SECRET)}` })).toBe('ok');
	});

	it.each([
		['of another secret', { signature: sign(OTHER) }],
		['of another id', { id: 'evt_2' }],
		['of another time', { timestamp: String(Math.floor(NOW / 1000) + 1) }],
		['of another version', { signature: `v2,${sign(SECRET).slice(3)}` }],
		['cut short', { signature: sign(SECRET).slice(0, -6) }],
		['with more behind it', { signature: `${sign(SECRET).replace(/=+$/, '')}AAAA` }],
		['that is empty', { signature: '' }],
		['that is only a version', { signature: 'v1,' }],
		['that is not base64', { signature: 'v1,%%%' }],
	])('is refused when it is one %s', (_, more) => {
		expect(verdict(more)).toBe('forged');
	});

	it('is refused for other bytes, even when they mean the same', () => {
		expect(verdict({}, SECRET, Buffer.from('{ "name":"Zoë 🚀"}'))).toBe('forged');
		expect(verdict({}, SECRET, Buffer.alloc(0))).toBe('forged');
	});

	it.each([
		['no id', { id: undefined }],
		['no timestamp', { timestamp: undefined }],
		['no signature', { signature: undefined }],
		['a repeated header', { signature: [sign(SECRET), sign(SECRET)] }],
		['a timestamp that is no number', { timestamp: '2026-01-05' }],
		['an endless timestamp', { timestamp: '9'.repeat(400) }],
		['a negative timestamp', { timestamp: '-1' }],
	])('is missing with %s', (_, more) => {
		expect(verdict(more)).toBe('unsigned');
	});

	it.each([undefined, null, '', 5, 'whsec_'])('can not be verified with the secret %j', (secret) => {
		expect(verifySignature(secret, headers(), body, NOW)).toBe('no-secret');
	});

	it('may be five minutes off, both ways, and not more', () => {
		const at = (seconds: number) => {
			const then = NOW + seconds * 1000;
			return verdict({ timestamp: String(Math.floor(then / 1000)), signature: sign(SECRET, then) });
		};
		expect(at(-(TOLERANCE_S - 1))).toBe('ok');
		expect(at(TOLERANCE_S)).toBe('ok');
		expect(at(-(TOLERANCE_S + 1))).toBe('stale');
		expect(at(TOLERANCE_S + 2)).toBe('stale');
	});
});
