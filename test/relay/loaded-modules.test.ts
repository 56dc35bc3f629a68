import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRelay } from '../support/relay-process.ts';

/** Notes every module that a process loads, in the file that the environment names. */
const NOTES = `import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
	load(url, context, next) {
		appendFileSync(process.env.LOADED_MODULES, url + '\\n');
		return next(url, context);
	},
});
`;

describe('what a process loads', () => {
	let folder: string;
	beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'loaded-modules-'))));
	afterEach(() => rmSync(folder, { recursive: true, force: true }));

	test('an idle relay on SQLite holds no PostgreSQL, no JSON Schema compiler, no reference API and no command', async () => {
		const notes = join(folder, 'notes.mjs');
		const list = join(folder, 'loaded');
		writeFileSync(notes, NOTES);
		const relay = await startRelay({
			env: { RELAY_REFERENCE: 'off', NODE_OPTIONS: `--import ${notes}`, LOADED_MODULES: list },
		});
		try {
			const loaded = readFileSync(list, 'utf8').split('\n');
			// It sees them all: packages, CommonJS inside them, and those of the store's thread.
			for (const part of ['/node_modules/zod/', '/node_modules/fastify/lib/', '/store/sqlite/worker.']) {
				expect(loaded.filter((url) => url.includes(part))).not.toEqual([]);
			}
			const unneeded =
				/\/node_modules\/(pg|pg-pool|pg-protocol|ajv|yaml)\/|\/fast-json-stringify\/index|\/store\/postgres\/index|\/src\/reference\/(index|control|db)|\/src\/cli\/(?!index|command-error|usage-error)/;
			expect(loaded.filter((url) => unneeded.test(url))).toEqual([]);
		} finally {
			await relay.dispose();
		}
	});
});
