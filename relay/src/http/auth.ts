import type { FastifyRequest } from 'fastify';
import { iso } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { sha256 } from '../crypto.ts';
import { MANAGEMENT_TOKEN } from '../management-token.ts';
import type { Store, Token } from '../store/port.ts';
import { ProblemError } from './errors.ts';
import type { Access } from './routes.ts';
import type { UnknownTokenLimiter } from './unknown-token-limiter.ts';

/** Makes the hook that lets a request through when its token has one of `scopes`; `admin` has them all. */
export type Authorize = (scopes: Exclude<Access, 'public'>) => (request: FastifyRequest) => Promise<void>;

/**
 * Bearer authentication of the management API.
 *
 * A token is looked up by its SHA-256, in an index. That such a look-up takes its time by how much of the hash agrees
 * with a stored one tells an attacker nothing to go on with: the bytes compared are a hash's, to choose them he would have to
 * invert SHA-256, and a token has 256 random bits. So nothing secret is ever compared byte by byte, and the store
 * never holds a token.
 */
export function createAuthorize(options: {
	store: Store;
	limiter: UnknownTokenLimiter;
	clock: Clock;
	/** Told of every token that was let in. */
	onUse: (token: Token) => void;
}): Authorize {
	const { store, limiter, clock, onUse } = options;
	return (scopes) => async (request) => {
		const sent = bearer(request.headers.authorization);
		const token =
			sent !== null && MANAGEMENT_TOKEN.test(sent) ? await store.findTokenByHash(sha256(sent)) : null;
		if (!token) throw refusal(sent, limiter.count(request.ip));
		if (token.expiresAt !== null && token.expiresAt <= clock.now()) throw expired(token, token.expiresAt);
		onUse(token);
		if (token.scopes.includes('admin') || scopes.some((scope) => token.scopes.includes(scope))) return;
		throw new ProblemError('forbidden', {
			detail: `This needs the scope ${scopes.join(' or ') || 'admin'}; the token "${token.name}" has ${token.scopes.join(', ') || 'none'}.`,
		});
	};
}

function bearer(header: string | undefined): string | null {
	return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? null;
}

const headers = { 'www-authenticate': 'Bearer realm="cleanlist-relay"' };

const expired = (token: Token, at: number): ProblemError =>
	new ProblemError('unauthenticated', {
		detail: `The token "${token.name}" ended on ${iso(at)}.`,
		fix: 'Make a new one with POST /relay/v1/tokens, which takes a token with the scope admin.',
		headers,
	});

function refusal(sent: string | null, waitS: number | null): ProblemError {
	if (waitS !== null) {
		return new ProblemError('too_many_requests', {
			detail: 'Too many requests with no token or an unknown one came from this address.',
			retryAfterS: waitS,
		});
	}
	if (sent === null) {
		return new ProblemError('unauthenticated', { detail: 'The request has no bearer token.', headers });
	}
	if (sent.startsWith('clapi_')) {
		return new ProblemError('unauthenticated', {
			detail: "The token sent is a Cleanlist API key, not one of this relay's tokens.",
			headers,
		});
	}
	return new ProblemError('unauthenticated', {
		detail: 'The token sent is not known to this relay.',
		headers,
	});
}
