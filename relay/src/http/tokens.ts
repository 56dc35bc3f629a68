import { iso } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { CreateTokenRequest, RELAY_PREFIX, TokensResponse, TokenWithSecret } from '../contract/relay-api.ts';
import type { TokenView } from '../contract/relay-api.ts';
import { sha256 } from '../crypto.ts';
import type { Ids } from '../ids.ts';
import { FIRST_TOKEN, mintManagementToken } from '../management-token.ts';
import type { Store, Token } from '../store/port.ts';
import { notFound, ProblemError } from './errors.ts';
import { IdParams, NoContent } from './routes.ts';
import type { RelayRoutes } from './routes.ts';

const PATH = `${RELAY_PREFIX}/tokens`;
/** More than anyone has integrations; keeps the list a page and the table small. */
const MAX_TOKENS = 1_000;

/**
 * `/relay/v1/tokens`: who may manage. A token is shown when it is made or rotated and never again; what is kept is its
 * hash.
 */
export function tokenRoutes(options: { store: Store; clock: Clock; ids: Ids }): RelayRoutes {
	const { store, clock, ids } = options;

	return async (http) => {
		const config = { access: [] } as const;

		http.get(
			PATH,
			{
				config,
				schema: {
					summary: 'All tokens, oldest first, and when each was last used',
					response: { 200: TokensResponse },
				},
			},
			async () => ({ tokens: (await store.listTokens()).map(view) }),
		);

		http.post(
			PATH,
			{
				config,
				schema: {
					summary: 'Makes a token; it is shown this once',
					body: CreateTokenRequest,
					response: { 201: TokenWithSecret },
					problems: ['too_many_tokens'],
				},
			},
			async ({ body: { name, scopes, expires_at } }, reply) => {
				const now = clock.now();
				const expiresAt = expires_at === undefined ? null : Date.parse(expires_at);
				if (expiresAt !== null && expiresAt <= now) {
					throw new ProblemError('invalid_request', {
						detail: 'The body is not valid: expires_at: must lie ahead.',
						errors: [{ path: 'expires_at', message: 'must lie ahead' }],
					});
				}
				if ((await store.listTokens()).length >= MAX_TOKENS) {
					throw new ProblemError('too_many_tokens', { detail: `There are ${MAX_TOKENS} tokens already.` });
				}
				const secret = mintManagementToken(ids);
				const token: Token = {
					id: `tok_${ids.uuid()}`,
					name,
					hash: sha256(secret),
					scopes,
					createdAt: now,
					expiresAt,
					lastUsedAt: null,
				};
				await store.putToken(token);
				reply.code(201).header('location', `${PATH}/${token.id}`);
				return { ...view(token), token: secret };
			},
		);

		http.post(
			`${PATH}/:id/rotate`,
			{
				config,
				schema: {
					summary: 'Another token in its place, shown this once; the old one is dead at once',
					params: IdParams,
					response: { 200: TokenWithSecret },
					problems: ['token_not_found', 'token_from_key_file', 'token_ended'],
				},
			},
			async ({ params: { id } }) => {
				refuseFirst(id);
				const secret = mintManagementToken(ids);
				const rotated = (await store.rotateToken(id, sha256(secret))) ?? notFound('token', id);
				const { name, expiresAt } = rotated;
				if (expiresAt !== null && expiresAt <= clock.now()) {
					throw new ProblemError('token_ended', {
						detail: `The token "${name}" ended on ${iso(expiresAt)}, and one in its place would have, too.`,
					});
				}
				return { ...view(rotated), token: secret };
			},
		);

		http.delete(
			`${PATH}/:id`,
			{
				config,
				schema: {
					summary: 'Removes a token; it is dead at once',
					params: IdParams,
					response: { 204: NoContent },
					problems: ['token_not_found', 'token_from_key_file'],
				},
			},
			async ({ params: { id } }, reply) => {
				refuseFirst(id);
				if (!(await store.deleteToken(id))) notFound('token', id);
				return reply.code(204).send();
			},
		);
	};
}

function refuseFirst(id: string): void {
	if (id !== FIRST_TOKEN) return;
	throw new ProblemError('token_from_key_file', {
		detail: 'This token is put back from the key file on every start, so it can not be changed over HTTP.',
	});
}

const view = ({ id, name, scopes, createdAt, expiresAt, lastUsedAt }: Token): TokenView => ({
	id,
	name,
	scopes,
	from: id === FIRST_TOKEN ? 'key_file' : 'api',
	created_at: iso(createdAt),
	expires_at: expiresAt === null ? null : iso(expiresAt),
	last_used_at: lastUsedAt === null ? null : iso(lastUsedAt),
});
