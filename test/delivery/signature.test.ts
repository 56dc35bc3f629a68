import { Webhook } from 'standardwebhooks';
import { signatureHeaders, signingKey } from '../../relay/src/delivery/signature.ts';

const secret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
const now = Date.now();

describe('signatureHeaders', () => {
	it.each(['{"a":1}', '{"name":"Zoë 🦊"}', '', '{ "spaces" :  [ ] }\n'])(
		'signs %p so that the Standard Webhooks library accepts it',
		(body) => {
			const headers = signatureHeaders([signingKey(secret)], 'evt_1', now, Buffer.from(body));
			expect(() => new Webhook(secret).verify(body, headers, { jsonParse: false })).not.toThrow();
			expect(headers['webhook-signature']).toBe(new Webhook(secret).sign('evt_1', new Date(now), body));
		},
	);

	it.each([
		['body', (h: Record<string, string>) => ({ headers: h, body: '{"a":2}' })],
		['id', (h: Record<string, string>) => ({ headers: { ...h, 'webhook-id': 'evt_2' }, body: '{"a":1}' })],
		[
			'time',
			(h: Record<string, string>) => ({
				headers: { ...h, 'webhook-timestamp': String(Math.floor(now / 1000) + 1) },
				body: '{"a":1}',
			}),
		],
	])('binds the %s', (_, alter) => {
		const { headers, body } = alter(
			signatureHeaders([signingKey(secret)], 'evt_1', now, Buffer.from('{"a":1}')),
		);
		expect(() => new Webhook(secret).verify(body, headers)).toThrow('No matching signature');
	});

	it('signs with both secrets while one is being replaced by the other, and the library takes either', () => {
		const old = `whsec_${Buffer.from('fedcba9876543210fedcba9876543210').toString('base64')}`;
		const headers = signatureHeaders([secret, old].map(signingKey), 'evt_1', now, Buffer.from('{"a":1}'));
		for (const known of [secret, old]) {
			expect(() => new Webhook(known).verify('{"a":1}', headers)).not.toThrow();
		}
		const another = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
		expect(() => new Webhook(another).verify('{"a":1}', headers)).toThrow('No matching signature');
	});

	it('signs bytes, also those that are no text', () => {
		const one = signatureHeaders([signingKey(secret)], 'evt_1', now, Buffer.from([0xff]));
		const other = signatureHeaders([signingKey(secret)], 'evt_1', now, Buffer.from([0xfe]));
		expect(one['webhook-signature']).not.toBe(other['webhook-signature']);
	});
});
