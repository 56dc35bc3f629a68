import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import { lookInto } from '../store/postgres/look.ts';
import type { Shared } from '../store/postgres/open.ts';
import { note, ok, problem, problemOf } from './finding.ts';
import type { StoreSeen } from './store.ts';

/** Looks into the shared database, and whether it takes a relay with these secrets. Its clock is compared too: leases are times that all its relays have to agree on. */
export async function seePostgres(
	options: { url: string; clock: Clock; ids: Ids } & Shared,
): Promise<StoreSeen & { skewMs: number | null }> {
	const otherwise = 'Check DATABASE_URL and the server.';
	try {
		const { described, version, newest, skewMs, refusal, content } = await lookInto(options);
		if (version > newest) {
			const says = `The database ${described} is at version ${version}, newer than this program's ${newest}.`;
			return { findings: [problem('database', says, 'Run the newer program.')], content, skewMs };
		}
		if (version < newest) {
			const says = `The database ${described} is at version ${version}; the next start brings it to ${newest}.`;
			return { findings: [note('database', says)], content, skewMs };
		}
		if (refusal) return { findings: [problemOf('database', refusal, otherwise)], content, skewMs };
		return {
			findings: [ok('database', `${described} is there, keeps what it is given, and is of this version.`)],
			content,
			skewMs,
		};
	} catch (error) {
		const finding = problemOf('database', error as Error, otherwise);
		return { findings: [finding], content: null, skewMs: null };
	}
}
