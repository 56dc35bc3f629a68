import { join } from 'node:path';
import type { Config } from '../config.ts';
import { STORE_FILE } from '../data-folder.ts';
import { lookInto } from '../store/sqlite/look.ts';
import type { Look } from '../store/sqlite/look.ts';
import { note, ok, problem } from './finding.ts';
import type { Finding } from './finding.ts';
import type { StoreSeen } from './store.ts';

/** Result codes that speak of what is in the file (https://www.sqlite.org/rescode.html). */
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Looks into the embedded database, which a running relay may have open. */
export function seeSqlite({ dataFolder }: Config): StoreSeen {
	const path = join(dataFolder, STORE_FILE);
	try {
		const look = lookInto(path);
		if (!look) {
			return {
				findings: [note('database', `There is none at ${path} yet.`, 'Start the relay; it makes one.')],
				content: null,
			};
		}
		return { findings: [judge(path, look)], content: look.content };
	} catch (error) {
		const { message, errcode } = error as Error & { errcode?: number };
		const remedy =
			errcode === SQLITE_CORRUPT || errcode === SQLITE_NOTADB
				? 'Put it back from a backup (cleanlist-relay backup makes them).'
				: 'See that it is a file, that this user may read it, and that only a relay has it open.';
		return { findings: [problem('database', `${path} can't be read: ${message}.`, remedy)], content: null };
	}
}

function judge(path: string, { version, newest, faults, bytes }: Look): Finding {
	if (version > newest) {
		return problem(
			'database',
			`${path} is at version ${version}, newer than this program's ${newest}.`,
			'Run the newer program, or restore a backup made before the upgrade.',
		);
	}
	if (faults?.length) {
		return problem(
			'database',
			`${path} is damaged: ${faults[0]}.`,
			'Stop the relay, keep a copy of the file, and put the last backup in its place.',
		);
	}
	if (version < newest) {
		return note('database', `${path} is at version ${version}; the next start brings it to ${newest}.`);
	}
	const size = `${Math.ceil(bytes / 1024 / 1024).toLocaleString('en')} MiB`;
	return faults === null
		? note(
				'database',
				`${path}, ${size}, can be read; it is too large to be read through here.`,
				'cleanlist-relay backup verifies all of it.',
			)
		: ok('database', `${path}, ${size}, is whole.`);
}
