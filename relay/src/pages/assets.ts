import { readFileSync } from 'node:fs';
import type { FastifyReply } from 'fastify';

/** Files that pages need, by name. Served as they are: there is no build step. */
const TYPES = {
	'pages.css': 'text/css; charset=utf-8',
	'inspector.css': 'text/css; charset=utf-8',
	'inspector.js': 'text/javascript; charset=utf-8',
} as const;

export type Asset = keyof typeof TYPES;

/** Answers with a file of the folder `assets`, which lies beside this one in the source and when published. */
export function sendAsset(reply: FastifyReply, name: Asset): FastifyReply {
	return reply
		.type(TYPES[name])
		.header('x-content-type-options', 'nosniff')
		.header('cache-control', 'no-cache')
		.send(readFileSync(new URL(`assets/${name}`, import.meta.url)));
}

/** Answers with a page that may load what this server has, run no script but its files, and be framed by nobody. */
export function sendPage(reply: FastifyReply, page: string): FastifyReply {
	return reply
		.type('text/html; charset=utf-8')
		.header('content-security-policy', POLICY)
		.header('x-content-type-options', 'nosniff')
		.header('referrer-policy', 'no-referrer')
		.header('cache-control', 'no-store')
		.send(page);
}

const POLICY = [
	"default-src 'none'",
	"style-src 'self'",
	"script-src 'self'",
	"connect-src 'self'",
	'img-src data:',
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
].join('; ');
