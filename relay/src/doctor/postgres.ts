import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import { lookInto } from '../store/postgres/look.ts';
import { note, ok, problem, problemOf } from './finding.ts';
import type { StoreSeen } from './store.ts';

/** Looks into the shared database. Its clock is compared too: leases are times that all its relays have to agree on. */
export async function seePostgres(
	url: string,
	clock: Clock,
	ids: Ids,
): Promise<StoreSeen & { skewMs: number | null }> {
	try {
		const { described, version, newest, skewMs, content } = await lookInto({ url, clock, ids });
		if (version > newest) {
			const says = `The database ${described} is at version ${version}, newer than this program's ${newest}.`;
			return { findings: [problem('database', says, 'Run the newer program.')], content, skewMs };
		}
		if (version < newest) {
			const says = `The database ${described} is at version ${version}; the next start brings it to ${newest}.`;
			return { findings: [note('database', says)], content, skewMs };
		}
		return {
			findings: [ok('database', `${described} is there, keeps what it is given, and is of this version.`)],
			content,
			skewMs,
		};
	} catch (error) {
		const finding = problemOf('database', error as Error, 'Check DATABASE_URL and the server.');
		return { findings: [finding], content: null, skewMs: null };
	}
}
