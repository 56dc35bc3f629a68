import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TokensResponse, TokenWithSecret } from '../../relay/src/contract/relay-api.ts';
import { sha256 } from '../../relay/src/crypto.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import { createTestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { expectProblem, startTestRelay } from './harness.ts';
import type { TestRelay } from './harness.ts';

const TOKENS = '/relay/v1/tokens';
const clock = createTestClock();
let relay: TestRelay;
beforeEach(async () => {
	relay = await startTestRelay({ clock });
});
afterEach(async () => {
	jest.restoreAllMocks();
	await relay.close();
});

const make = async (body: Record<string, unknown> = {}) => {
	const response = await relay.call('POST', TOKENS, { body: { name: 'n8n', scopes: ['read'], ...body } });
	expect(response.status).toBe(201);
	const made = TokenWithSecret.parse(await response.json());
	expect(response.headers.get('location')).toBe(`${TOKENS}/${made.id}`);
	return made;
};
const list = async () => TokensResponse.parse(await (await relay.call('GET', TOKENS)).json()).tokens;
const statusWith = async (token: string, path = '/relay/v1/events') =>
	(await relay.call('GET', path, { token })).status;

test('a token is made, shown this once, and opens what its scopes say', async () => {
	const made = await make({ name: 'Zoë 🦊', scopes: ['read', 'read'] });
	expect(made).toMatchObject({
		name: 'Zoë 🦊',
		scopes: ['read'],
		from: 'api',
		expires_at: null,
		last_used_at: null,
		created_at: new Date(clock.now()).toISOString(),
	});
	expect(made.token).toMatch(/^crt_[\w-]{43}$/);
	expect(await statusWith(made.token)).toBe(200);
	expect(await statusWith(made.token, TOKENS)).toBe(403);

	const listed = await (await relay.call('GET', TOKENS)).text();
	expect(listed).not.toContain(made.token);
	expect(listed).not.toContain(sha256(made.token).toString('hex'));
	expect((await list()).map(({ id, from }) => [id, from])).toEqual([
		['first', 'key_file'],
		[made.id, 'api'],
	]);
});

test('the store never holds a token, only its hash', async () => {
	const { token } = await make();
	const kept = JSON.stringify(await relay.relay.store.listTokens());
	expect(kept).not.toContain(token);
	expect(await relay.relay.store.findTokenByHash(sha256(token))).not.toBeNull();
});

test('a token that is rotated is dead at once, and its place is taken by another with the same scopes', async () => {
	const made = await make({ scopes: ['read', 'subscribe'], name: 'cron' });
	expect(await statusWith(made.token)).toBe(200);
	const response = await relay.call('POST', `${TOKENS}/${made.id}/rotate`);
	const rotated = TokenWithSecret.parse(await response.json());
	expect(rotated).toMatchObject({ id: made.id, name: 'cron', scopes: made.scopes, last_used_at: null });
	expect(rotated.token).not.toBe(made.token);
	expect(await statusWith(made.token)).toBe(401);
	expect(await statusWith(rotated.token)).toBe(200);
});

test('rotated twice at the same moment, exactly one of the new tokens opens', async () => {
	const { id } = await make();
	const answers = await Promise.all([1, 2].map(() => relay.call('POST', `${TOKENS}/${id}/rotate`)));
	const tokens = await Promise.all(
		answers.map(async (answer) => TokenWithSecret.parse(await answer.json()).token),
	);
	expect((await Promise.all(tokens.map((token) => statusWith(token)))).sort()).toEqual([200, 401]);
});

test('a token that is deleted is dead at once, one an admin uses included', async () => {
	const made = await make({ scopes: ['admin'] });
	const gone = await relay.call('DELETE', `${TOKENS}/${made.id}`, { token: made.token });
	expect(gone.status).toBe(204);
	expect(await statusWith(made.token)).toBe(401);
	expect((await list()).map(({ id }) => id)).toEqual(['first']);
	await expectProblem(await relay.call('DELETE', `${TOKENS}/${made.id}`), 404, 'token_not_found');
	await expectProblem(await relay.call('POST', `${TOKENS}/${made.id}/rotate`), 404, 'token_not_found');
});

test.each([
	['POST', '/rotate'],
	['DELETE', ''],
])(
	'the token of the key file can not be changed over HTTP, and it is said what to do: %s',
	async (method, path) => {
		const problem = await expectProblem(
			await relay.call(method, `${TOKENS}/first${path}`),
			409,
			'token_from_key_file',
		);
		expect(problem.fix).toMatch(/keys\/relay-token .* RELAY_TOKEN, and restart/);
		expect(await statusWith(relay.token)).toBe(200);
	},
);

test('a token ends when it was to', async () => {
	const ends = clock.now() + 60_000;
	const { token, expires_at } = await make({ expires_at: new Date(ends).toISOString() });
	expect(expires_at).toBe(new Date(ends).toISOString());
	expect(await statusWith(token)).toBe(200);
	await clock.advance(59_999);
	expect(await statusWith(token)).toBe(200);
	await clock.advance(1);
	const { detail } = await expectProblem(
		await relay.call('GET', '/relay/v1/events', { token }),
		401,
		'unauthenticated',
	);
	expect(detail).toMatch(/^The token "n8n" ended on 20/);
});

test('a token that has ended is not rotated: what came in its place would open nothing', async () => {
	const { id, expires_at } = await make({ expires_at: new Date(clock.now() + 60_000).toISOString() });
	await clock.advance(60_000);
	const problem = await expectProblem(await relay.call('POST', `${TOKENS}/${id}/rotate`), 409, 'token_ended');
	expect(problem.detail).toBe(
		`The token "n8n" ended on ${expires_at}, and one in its place would have, too.`,
	);
	expect((await relay.call('DELETE', `${TOKENS}/${id}`)).status).toBe(204);
});

test('when a token ends may be said in any time zone, and what a time looks like is said', async () => {
	const { expires_at } = await make({ expires_at: '2031-01-01T00:00:00+02:00' });
	expect(expires_at).toBe('2030-12-31T22:00:00.000Z');
	for (const time of ['2031-01-01', '2031-01-01T00:00:00', '2031-02-30T00:00:00Z', 'tomorrow']) {
		const body = { name: 'n8n', scopes: ['read'], expires_at: time };
		const problem = await expectProblem(await relay.call('POST', TOKENS, { body }), 400, 'invalid_request');
		expect(problem.errors).toEqual([
			{ path: 'expires_at', message: 'must be a time with its zone, such as 2027-01-31T12:00:00Z' },
		]);
	}
});

test.each([
	[{}, 'name'],
	[{ name: 'n8n' }, 'scopes'],
	[{ name: 'n8n', scopes: [] }, 'scopes'],
	[{ name: 'n8n', scopes: ['write'] }, 'scopes.0'],
	[{ name: ' ', scopes: ['read'] }, 'name'],
	[{ name: 'x'.repeat(101), scopes: ['read'] }, 'name'],
	[{ name: 'a\nb', scopes: ['read'] }, 'name'],
	[{ name: 'n8n', scopes: ['read'], expires_at: 'tomorrow' }, 'expires_at'],
	[{ name: 'n8n', scopes: ['read'], expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
	[{ name: 'n8n', scopes: ['read'], token: 'crt_mine' }, ''],
])('%j is refused, naming the field', async (body, path) => {
	const problem = await expectProblem(await relay.call('POST', TOKENS, { body }), 400, 'invalid_request');
	expect(problem.errors?.map((error) => error.path)).toContain(path);
	expect(await list()).toHaveLength(1);
});

test('there is a limit to how many there are', async () => {
	const [first] = await relay.relay.store.listTokens();
	jest
		.spyOn(relay.relay.store, 'listTokens')
		.mockResolvedValue(Array<typeof first & object>(1_000).fill(first!));
	const response = await relay.call('POST', TOKENS, { body: { name: 'n8n', scopes: ['read'] } });
	await expectProblem(response, 409, 'too_many_tokens');
});

describe('when a token was last used', () => {
	const lastUse = async (id: string) => (await list()).find((token) => token.id === id)?.last_used_at;
	const at = (ms: number) => new Date(ms).toISOString();

	test('is written once a minute at most', async () => {
		const { id, token } = await make();
		const touches = jest.spyOn(relay.relay.store, 'touchToken');
		const writes = () => touches.mock.calls.filter(([of]) => of === id).length;
		const first = clock.now();
		for (let i = 0; i < 5; i++) await statusWith(token);
		await until('the use is noted', async () => (await lastUse(id)) === at(first));
		await clock.advance(59_999);
		await statusWith(token);
		expect(writes()).toBe(1);
		await clock.advance(1);
		await statusWith(token);
		await until('the next use is noted', async () => (await lastUse(id)) === at(first + 60_000));
		expect(writes()).toBe(2);
	});

	test('is written anew for the token that came in its place', async () => {
		const made = await make();
		await statusWith(made.token);
		await until('the use is noted', async () => (await lastUse(made.id)) !== null);
		const rotated = await relay.call('POST', `${TOKENS}/${made.id}/rotate`);
		await statusWith(TokenWithSecret.parse(await rotated.json()).token);
		await until('the other use is noted', async () => (await lastUse(made.id)) !== null);
	});

	test('is known after a restart, and not written anew within the minute', async () => {
		const { id, token } = await make();
		await relay.relay.store.touchToken(id, clock.now());
		const touches = jest.spyOn(relay.relay.store, 'touchToken');
		await statusWith(token);
		expect(touches.mock.calls.filter(([of]) => of === id)).toEqual([]);
	});

	test('keeps no request waiting, and fails none', async () => {
		const { token } = await make();
		jest.spyOn(relay.relay.store, 'touchToken').mockReturnValue(new Promise(() => undefined));
		expect(await statusWith(token)).toBe(200);
		await clock.advance(60_000);
		jest.spyOn(relay.relay.store, 'touchToken').mockRejectedValue(new StoreError('full', 'told by the disk'));
		expect(await statusWith(token)).toBe(200);
		await until('it is logged', () => relay.logs().includes("a token's use can't be noted"));
	});

	test('goes on being written when the clock was set back', async () => {
		const { id, token } = await make();
		await relay.relay.store.touchToken(id, clock.now() + 86_400_000);
		const touches = jest.spyOn(relay.relay.store, 'touchToken');
		await statusWith(token);
		expect(touches.mock.calls.filter(([of]) => of === id)).toHaveLength(1);
	});
});

test('RELAY_TOKEN is the first token, and the one of the key file then opens nothing', async () => {
	const token = `crt_${'t'.repeat(43)}`;
	const other = await startTestRelay({ env: { RELAY_TOKEN: token } });
	try {
		expect((await other.call('GET', TOKENS, { token })).status).toBe(200);
		const ofTheFile = readFileSync(join(other.folder, 'keys/relay-token'), 'utf8').trim();
		expect(ofTheFile).toMatch(/^crt_[\w-]{43}$/);
		expect((await other.call('GET', TOKENS, { token: ofTheFile })).status).toBe(401);
	} finally {
		await other.close();
	}
});
