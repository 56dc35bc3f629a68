import { resolve } from 'node:path';
import { systemClock } from '../clock.ts';
import { systemIds } from '../ids.ts';
import { createLogger } from '../log.ts';
import { openReference } from '../reference/index.ts';
import { parseLimits, VENDOR_LIMITS } from '../reference/limits.ts';
import type { RateLimits } from '../reference/limits.ts';
import { createServer } from '../reference/server.ts';
import { takeLock } from '../sqlite/lock.ts';
import { VERSION } from '../version.ts';
import { describeOptions, oneOf, readOptions, wholeNumber } from './options.ts';
import { describePeople, keysOf } from './people.ts';
import { SEED_OPTIONS, seedStart } from './seed-start.ts';
import { UsageError } from './usage-error.ts';

const PORT = 8718;

const OPTIONS = {
	host: { type: 'string', value: 'HOST', about: 'Address to listen on [127.0.0.1]' },
	port: { type: 'string', value: 'N', about: `Port to listen on; 0: any free one [${PORT}]` },
	data: { type: 'string', value: 'FILE', about: 'SQLite file to keep everything in [:memory:]' },
	...SEED_OPTIONS,
	'completion-ms': { type: 'string', value: 'N', about: 'How long an enrichment takes [1500]' },
	limits: {
		type: 'string',
		value: 'K/O',
		about: 'Requests a minute per key and organization, or off [30/60]',
	},
	control: { type: 'string', value: 'WHO', about: 'Who may steer: loopback, anywhere or off [loopback]' },
	json: { type: 'boolean', about: 'Print a line of JSON, on a terminal too' },
	help: { type: 'boolean', about: 'Print this' },
} as const;

const HELP = `Runs the reference API alone: the Cleanlist API without an account, with invented people.

Usage: cleanlist-relay reference [options]

${describeOptions(OPTIONS)}`;

export interface Terminal {
	out: { isTTY?: boolean; write(text: string): unknown };
	err: { write(text: string): unknown };
}

/**
 * `cleanlist-relay reference`. Prints one line of JSON for scripts once it listens, or a screen on a terminal; its
 * log, warnings and worse, goes to the other stream.
 *
 * @returns how to end it; null when there was only help to print
 */
export async function referenceCommand(
	args: string[],
	{ out, err }: Terminal,
): Promise<{ url: string; close: () => Promise<void> } | null> {
	const options = readOptions('reference', args, OPTIONS);
	if (options.help) {
		out.write(HELP);
		return null;
	}
	const host = options.host ?? '127.0.0.1';
	const port = wholeNumber('port', options.port ?? String(PORT), 0, 65_535);
	const control = oneOf('control', options.control ?? 'loopback', ['loopback', 'anywhere', 'off']);
	const completionMs = wholeNumber('completion-ms', options['completion-ms'] ?? '1500', 0, 86_400_000);
	const limits = limitsFrom(options.limits);
	const start = await seedStart(options);
	const path = options.data === undefined || options.data === ':memory:' ? ':memory:' : resolve(options.data);

	const log = createLogger({
		level: 'warn',
		format: 'json',
		output: { write: (text) => void err.write(text) },
	});
	const unlock = path === ':memory:' ? () => {} : lock(path);
	const reference = await openReference({
		path,
		clock: systemClock,
		ids: systemIds,
		log,
		completionMs,
		limits,
	}).catch((error: unknown) => {
		unlock();
		throw cantOpen(path, error);
	});
	const http = await createServer({ reference, control, ids: systemIds });
	const close = async () => {
		await http.close();
		await reference.stop();
		unlock();
	};
	try {
		const isNew = reference.control.state().counts.users === 0;
		const { accounts } = await (isNew ? reference.control.seed(start) : reference.control.adopt(start));
		const url = await http.listen({ host, port }).catch((error: unknown) => {
			throw new UsageError(`Can't listen on ${host}, port ${port}: ${reasonOf(error)}.`);
		});
		reference.start();
		const asJson = options.json || !out.isTTY;
		const ready = { msg: 'ready', url, keys: keysOf(accounts), version: VERSION };
		out.write(
			asJson
				? `${JSON.stringify(ready)}\n`
				: `The reference API is running on ${url}\n\n${describePeople(accounts)}\nSend a key as "Authorization: Bearer clapi_…", for example:\n    curl -H 'Authorization: Bearer ${accounts[0]?.key}' ${url}/api/v2/whoami\nStop it with Ctrl-C.\n`,
		);
		return { url, close };
	} catch (error) {
		await close();
		throw error;
	}
}

/** Two processes on one file would each do what is due, and charge for it twice. @throws UsageError */
function lock(path: string): () => void {
	let unlock;
	try {
		unlock = takeLock(`${path}-lock`);
	} catch (error) {
		throw cantOpen(path, error);
	}
	if (unlock) return unlock;
	throw new UsageError(
		`Another process is using the database ${path}: stop it, or give --data a file of its own.`,
	);
}

const cantOpen = (path: string, error: unknown) =>
	new UsageError(`The database ${path} can't be opened: ${reasonOf(error)}.`);

/** @throws UsageError */
function limitsFrom(text: string | undefined): RateLimits | 'off' {
	const limits = text === undefined ? VENDOR_LIMITS : parseLimits(text);
	if (limits !== null) return limits;
	throw new UsageError(
		`--limits is ${JSON.stringify(text)}, but must be off, or requests a minute for each key and organization, as in 30/60.`,
	);
}

const reasonOf = (error: unknown): string => (error as Error).message.replace(/\.$/, '');
