import fc from 'fast-check';
import { chooseFormat, createLogger, redactSecrets, scrub } from '../../relay/src/log.ts';

const capture = (format: 'json' | 'pretty' = 'json') => {
	let text = '';
	const log = createLogger({ level: 'trace', format, output: { write: (line) => void (text += line) } });
	return { log, text: () => text };
};

const SECRETS = {
	'a relay token': 'crt_kJ3nbXyZ0123456789-_abcdefghijABCDEFGHIJ01',
	'an API key': 'clapi_live_kJ3nbXyZ0123456789-_abcdefghijABCDEFGHIJ01',
	'a signing secret': 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD/x==',
	'an ingest URL': 'in/kJ3nbXyZ0123456789-_abcdefghijABCDEFGHIJ0123',
	'an e-mail address': 'ada.lovelace+n8n@mail.example.co.uk',
	'an e-mail address in capitals': 'ADA@EXAMPLE.COM',
	'an e-mail address beyond ASCII': 'zoë.müller@exämple.com',
	'an e-mail address with an emoji': '🦄@example.com',
};

describe.each(Object.entries(SECRETS))('%s never reaches the log', (_, secret) => {
	test.each<[string, (s: string) => [unknown, string?]]>([
		['as the message', (s: string) => [`posted to http://127.0.0.1:8717/${s}?x=1`]],
		['in a field', (s: string) => [{ url: `http://h/${s}` }, 'm']],
		['nested', (s: string) => [{ a: { b: [{ c: `/${s}` }] } }, 'm']],
		['after a line break', (s: string) => [{ text: `one\n/${s}\ttwo` }, 'm']],
		['between quotes and backslashes', (s: string) => [{ text: `"\\\\"/${s}"\\` }, 'm']],
		['in an error', (s: string) => [{ err: new Error(`bad body: {"email":"/${s}"}`) }, 'm']],
		['as a key', (s: string) => [{ [`/${s}`]: 1 }, 'm']],
	])('%s', (_where, args) => {
		for (const format of ['json', 'pretty'] as const) {
			const { log, text } = capture(format);
			const [what, message] = args(secret);
			log.info(what, message);
			expect(text()).not.toContain(secret);
			expect(text()).not.toContain(secret.slice(6, 14));
		}
	});
});

test('percent-encoded forms are caught as well', () => {
	const line = scrub('"resume=https%3A%2F%2Fh%2Fin%2FsecretTOKEN&mail=ada%40example.com"');
	expect(line).not.toMatch(/secretTOKEN|ada|example\.com/);
});

test('letters and digits that are percent-encoded hide nothing, in an ingest URL or anywhere', () => {
	const encoded = (text: string) =>
		text.replace(/[^/]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
	for (const secret of [
		'/in/kJ3nb-X_yZ',
		'crt_kJ3nbXyZ0123',
		'/in/~kJ3nb.X',
		`/x/${'a_-B9'.repeat(9).slice(2)}`,
	]) {
		const { log, text } = capture();
		log.debug({ url: encoded(secret) }, encoded(secret).toUpperCase());
		const url = (JSON.parse(text()) as { url: string }).url;
		expect(text().match(/<redacted>/g)).toHaveLength(2);
		expect(decodeURIComponent(url)).toBe(secret.replace(/(?<=crt_|\/(in|x)\/).+/, '<redacted>'));
	}
	expect(scrub('"100%, 5%2F6, %C3%A9, %22, %5C"')).toBe('"100%, 5%2F6, %C3%A9, %22, %5C"');
});

test('a signing secret is caught to its end where base64 is percent-encoded', () => {
	expect(scrub('"s=whsec_C2%2BVs%2fBQ%3D%3D&b=1"')).toBe('"s=whsec_<redacted>&b=1"');
});

test('an ingest URL with its slashes escaped, as some JSON writers do, is caught as well', () => {
	const { log, text } = capture();
	log.info({ body: String.raw`{"webhook_url":"https:\/\/h\/in\/secretTOKEN"}` }, 'm');
	expect(text()).not.toContain('secretTOKEN');
});

describe('a text from outside', () => {
	test.each([
		['a relay token', 'token crt_kJ3nbXyZ0123 is not known', 'token crt_<redacted> is not known'],
		['an API key', '"clapi_live_kJ3nbXyZ0123"', '"clapi_<redacted>"'],
		['a signing secret', 'with whsec_C2FVsBQIhrscChlQIMV+b5sS==', 'with whsec_<redacted>'],
		['an ingest URL', '<a href="https://h/in/kJ3nb-X_yZ?x=1">', '<a href="https://h/in/<redacted>?x=1">'],
		[
			'an ingest URL in escaped JSON',
			String.raw`"https:\/\/h\/in\/kJ3nbXyZ"`,
			String.raw`"https:\/\/h\/in\/<redacted>"`,
		],
		['a bearer token', 'got Bearer abcdefgh12345678', 'got Bearer <redacted>'],
		[
			'a header echoed',
			'a: b\nAuthorization: Digest abc, more\nc: d',
			'a: b\nAuthorization: <redacted>\nc: d',
		],
		['a failure, which stays', 'Authorization failed for ada', 'Authorization failed for ada'],
		['a header echoed as JSON', '{"authorization":"abc","x":1}', '{"authorization":"<redacted>","x":1}'],
		['a secret after a backslash', String.raw`C:\crt_kJ3nbXyZ`, String.raw`C:\crt_<redacted>`],
		['a secret it is told of', 'key: c2VjcmV0LWtleQ==', 'key: <redacted>'],
		['a secret cut off in the middle', 'signed with whsec_C2', 'signed with whsec_<redacted>'],
		['a percent-encoded token', '100% of %63rt_kJ3nb%58yZ0123', '100% of %63rt_<redacted>'],
		['a percent-encoded ingest URL', 'u=%2f%69n%2FkJ3nb-X_yZ%3Fx', 'u=%2f%69n%2F<redacted>%3Fx'],
		[
			'a signing secret in a form',
			'a=%22&s=whsec_C2%2BVs%2FBQ%3D%3D&b=%C3%A9',
			'a=%22&s=whsec_<redacted>&b=%C3%A9',
		],
		['a header in a form', 'h=Bearer%20abcdefgh12345678&x=1', 'h=Bearer%20<redacted>&x=1'],
		['a secret it is told of in a form', 'key=c2VjcmV0LWtleQ%3D%3D&x', 'key=<redacted>&x'],
		['escapes that hide nothing, which stay', '%zz 5%2F6 %41%, %', '%zz 5%2F6 %41%, %'],
		['an e-mail address, which stays', 'ada@example.com not found', 'ada@example.com not found'],
		[
			'an n8n answer, which stays',
			'{"message":"Workflow was started"}',
			'{"message":"Workflow was started"}',
		],
	])('is redacted: %s', (_what, text, expected) => {
		expect(redactSecrets(text, ['c2VjcmV0LWtleQ=='])).toBe(expected);
	});
});

test('authorization headers are censored by name and by look', () => {
	const { log, text } = capture();
	log.info({ authorization: 'abc' }, 'm');
	log.info({ req: { headers: { authorization: 'Bearer abcdefgh12345678' } } }, 'Basic dXNlcjpwYXNzd29yZA==');
	expect(text()).not.toMatch(/"abc"|abcdefgh12345678|dXNlcjpwYXNzd29yZA/);
});

test('what is no secret stays readable', () => {
	const line =
		'{"msg":"n8n answered 404","path":"/relay/v1/events","at":"/x/node_modules/.pnpm/fastify@5.12.8/lib"}';
	expect(scrub(line)).toBe(line);
});

test('whatever is logged, the line stays one line of valid JSON', () => {
	fc.assert(
		fc.property(
			fc.string({ unit: 'binary' }),
			fc.constantFrom(...Object.values(SECRETS)),
			(noise, secret) => {
				const { log, text } = capture();
				log.info({ value: `${noise}${secret}${noise}` }, noise);
				expect(text().trimEnd().split('\n')).toHaveLength(1);
				expect(JSON.parse(text())).toHaveProperty('value');
			},
		),
	);
});

test('for people a line is short, with the fields after the message', () => {
	const { log, text } = capture('pretty');
	log.warn({ status: 404, url: 'http://h/' }, 'delivery failed');
	expect(text()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}delivery failed status=404 url=http:\/\/h\/\n$/);
});

test('control characters from outside can not fake a line or move the cursor', () => {
	const { log, text } = capture('pretty');
	log.info({ reason: 'a\n12:00:00.000 info fake\u001b[2J\u009b' }, 'm\r\nx');
	expect(text()).toMatch(/^\P{Cc}*\n$/u);
});

test('the format follows the terminal unless set', () => {
	expect(chooseFormat('auto', true)).toBe('pretty');
	expect(chooseFormat('auto', false)).toBe('json');
	expect(chooseFormat('json', true)).toBe('json');
});
