import type { FastifyRequest } from 'fastify';
import { sha256 } from '../crypto.ts';
import type { Store } from '../store/port.ts';
import { ProblemError } from './errors.ts';
import type { Access } from './routes.ts';
import type { UnknownTokenLimiter } from './unknown-token-limiter.ts';

const MANAGEMENT_TOKEN = /^crt_[A-Za-z0-9_-]{43}$/;

/** Makes the hook that lets a request through when its token has one of `scopes`; `admin` has them all. */
export type Authorize = (scopes: Exclude<Access, 'public'>) => (request: FastifyRequest) => Promise<void>;

/**
 * Bearer authentication of the management API. The token is looked up by its SHA-256, so nothing is compared
 * byte by byte and the store never holds a token.
 */
export function createAuthorize(options: { store: Store; limiter: UnknownTokenLimiter }): Authorize {
	const { store, limiter } = options;
	return (scopes) => async (request) => {
		const sent = bearer(request.headers.authorization);
		const token =
			sent !== null && MANAGEMENT_TOKEN.test(sent) ? await store.findTokenByHash(sha256(sent)) : null;
		if (!token) throw refusal(sent, limiter.count(request.ip));
		if (token.scopes.includes('admin') || scopes.some((scope) => token.scopes.includes(scope))) return;
		throw new ProblemError('forbidden', {
			detail: `This needs the scope ${scopes.join(' or ') || 'admin'}; the token "${token.name}" has ${token.scopes.join(', ') || 'none'}.`,
		});
	};
}

function bearer(header: string | undefined): string | null {
	return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? null;
}

function refusal(sent: string | null, waitS: number | null): ProblemError {
	if (waitS !== null) {
		return new ProblemError('too_many_requests', {
			detail: 'Too many requests with no token or an unknown one came from this address.',
			retryAfterS: waitS,
		});
	}
	const headers = { 'www-authenticate': 'Bearer realm="cleanlist-relay"' };
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
