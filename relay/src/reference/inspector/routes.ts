import type { FastifyInstance } from 'fastify';
import { sendAsset, sendPage } from '../../pages/assets.ts';
import type { Asset } from '../../pages/assets.ts';
import { badRequest } from '../errors.ts';
import { inspectorPage, partsOf } from './page.ts';
import { PARTS } from './parts.ts';
import type { Part, Sources } from './parts.ts';

const ASSETS: readonly Asset[] = ['pages.css', 'inspector.css', 'inspector.js'];

/** The inspector: a page, its files, and `?part=` for parts of it. Mount it where only this machine gets in. */
export function mountInspector(app: FastifyInstance, sources: Sources): void {
	app.get<{ Querystring: { part?: string | string[] } }>('/', async ({ query }, reply) => {
		if (query.part === undefined) return sendPage(reply, inspectorPage(sources));
		const parts = [query.part].flat();
		const unknown = parts.find((part) => !isPart(part));
		if (unknown !== undefined) {
			throw badRequest(
				`The page has no part ${JSON.stringify(unknown.slice(0, 100))}.`,
				`Use: ${Object.keys(PARTS).join(', ')}.`,
			);
		}
		return sendPage(reply, partsOf(parts as Part[], sources));
	});
	for (const name of ASSETS) app.get(`/${name}`, async (_request, reply) => sendAsset(reply, name));
}

const isPart = (name: string): name is Part => Object.hasOwn(PARTS, name);
