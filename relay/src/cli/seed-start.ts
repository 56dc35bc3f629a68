import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import type { Start } from '../reference/control/control.ts';
import { DEFAULT_SEED, startFrom } from '../reference/control/routes.ts';
import { ApiError } from '../reference/errors.ts';
import { UsageError } from './usage-error.ts';

export const SEED_OPTIONS = {
	seed: { type: 'string', value: 'S', about: `Seed of ids, keys and findings [${DEFAULT_SEED}]` },
	'seed-file': { type: 'string', value: 'FILE', about: 'People and lists from a JSON or YAML file' },
} as const;

/** As large as what can be sent to a running one. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * What `--seed` or `--seed-file` ask for; the cast when neither is there.
 *
 * @throws UsageError for a file that can't be read, or says what can't be
 */
export async function seedStart(options: { seed?: string; 'seed-file'?: string }): Promise<Start> {
	const { seed, 'seed-file': file } = options;
	if (file === undefined) return { seed: seed ?? DEFAULT_SEED, people: 'cast' };
	if (seed !== undefined) {
		throw new UsageError('Give --seed or --seed-file, not both: a file has its seed in the field "seed".');
	}
	const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
		const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
		throw new UsageError(`The seed file ${file} can't be read: ${reason}.`);
	});
	if (Buffer.byteLength(text) > MAX_BYTES) {
		throw new UsageError(`The seed file ${file} is larger than ${MAX_BYTES / 2 ** 20} MiB.`);
	}
	try {
		return startFrom(parse(text));
	} catch (error) {
		if (error instanceof ApiError) {
			const { problem, fix } = error.fields;
			throw new UsageError(`${file}: ${problem}. ${fix ?? ''}`.trim());
		}
		throw new UsageError(`The seed file ${file} is neither JSON nor YAML: ${(error as Error).message}`);
	}
}

/** JSON is YAML, too. */
function parse(text: string): unknown {
	const document = parseDocument(text, { prettyErrors: true });
	const [error] = document.errors;
	if (error) throw new Error(error.message.split('\n', 1)[0]);
	// Aliases of aliases could make a small file a huge document.
	return document.toJS({ maxAliasCount: 100 }) as unknown;
}
