import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRelay } from '../support/relay-process.ts';

/** Notes every module that a process loads, Node's own included, in the file that the environment names. */
const NOTES = `import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
const note = (line) => appendFileSync(process.env.LOADED_MODULES, line + '\\n');
registerHooks({
	load(url, context, next) {
		note(url);
		return next(url, context);
	},
});
process.on('exit', () => note(process.moduleLoadList.join('\\n')));
`;

/** A part of each kind of module that is noted: packages, CommonJS inside them, the store's thread's, and Node's own. */
const KINDS = [
	'/node_modules/zod/',
	'/node_modules/fastify/lib/',
	'/store/sqlite/worker.',
	'NativeModule _http_server',
];

const UNNEEDED = [
	/\/node_modules\/(pg|pg-pool|pg-protocol|ajv|yaml)\//,
	/\/fast-json-stringify\/index/,
	/\/store\/postgres\/index/,
	/\/src\/reference\/(?!limits|literal-escapes|prefixes)/,
	/\/src\/cli\/(?!index|command-error|usage-error)/,
	// Node's fetch: 2 MiB. `import … from 'node:http'` loads it, whatever it imports; `import type` does not.
	/NativeModule internal\/deps\/undici/,
];

describe('what a process loads', () => {
	let folder: string;
	beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'loaded-modules-'))));
	afterEach(() => rmSync(folder, { recursive: true, force: true }));

	test.each([
		['', { RELAY_REFERENCE: 'off' }],
		[', although it would serve it,', {}],
	])(
		'an idle relay on SQLite holds no reference API%s no PostgreSQL, no JSON Schema compiler, no fetch and no command',
		async (_when, env) => {
			const notes = join(folder, 'notes.mjs');
			const list = join(folder, 'loaded');
			writeFileSync(notes, NOTES);
			const relay = await startRelay({
				env: { ...env, NODE_OPTIONS: `--import ${notes}`, LOADED_MODULES: list },
			});
			try {
				await relay.stop();
			} finally {
				await relay.dispose();
			}
			const loaded = readFileSync(list, 'utf8').split('\n');
			for (const kind of KINDS) expect(loaded.filter((url) => url.includes(kind))).not.toEqual([]);
			expect(loaded.filter((url) => UNNEEDED.some((pattern) => pattern.test(url)))).toEqual([]);
		},
	);
});
