import type { Sealer } from '../sealing.ts';
import type { StoreStats, Subscription } from '../store/port.ts';
import { note, ok, problem, warning } from './finding.ts';
import type { Finding } from './finding.ts';

/** What a look into the store brought, whatever the engine. */
export interface StoreSeen {
	/** What there is to say of the database itself. */
	findings: Finding[];
	/** Null when it could not be read. */
	content: { stats: StoreStats; subscriptions: Subscription[] } | null;
}

const HOUR_MS = 60 * 60_000;

/** What waits, what has given up, and whether the keys open the secrets. */
export function checkContent(
	{ stats, subscriptions }: NonNullable<StoreSeen['content']>,
	sealer: Sealer,
	now: number,
): Finding[] {
	const findings: Finding[] = [];
	const closed = subscriptions.filter(({ sealedSecret }) => !opens(sealer, sealedSecret));
	if (closed.length > 0) {
		findings.push(
			problem(
				'keys',
				`The signing secrets of ${closed.length} of ${subscriptions.length} subscriptions don't open with the sealing keys here, so nothing is delivered to them.`,
				'Put the file keys/sealing-keys back from a backup.',
			),
		);
	} else if (subscriptions.length > 0)
		findings.push(ok('keys', 'The sealing keys open every signing secret.'));

	if (stats.openBreakers > 0) {
		findings.push(
			warning(
				'deliveries',
				`${count(stats.openBreakers, 'receiver')} failed five times in a row and ${stats.openBreakers === 1 ? 'is' : 'are'} only probed until one answers.`,
				'See what answers there: is n8n running and the workflow active?',
			),
		);
	}
	const overdue = stats.oldestDueAt === null ? 0 : now - stats.oldestDueAt;
	if (overdue > HOUR_MS) {
		findings.push(
			warning(
				'deliveries',
				`The oldest of ${count(stats.ready + stats.leased, 'pending delivery', 'pending deliveries')} has been due for ${Math.round(overdue / HOUR_MS)} h.`,
				'Start the relay if it does not run, and see that its receivers answer.',
			),
		);
	}
	if (stats.dead > 0) {
		findings.push(
			warning(
				'deliveries',
				`${count(stats.dead, 'delivery has', 'deliveries have')} been given up and ${stats.dead === 1 ? 'is' : 'are'} dead.`,
				'Mend the receiver, then POST /relay/v1/deliveries/redrive.',
			),
		);
	}
	if (stats.quarantined > 0) {
		findings.push(
			note(
				'events',
				`${count(stats.quarantined, 'event is', 'events are')} in quarantine: kept, but not understood.`,
				'GET /relay/v1/events?state=quarantined says of each why, as its quarantine_reason.',
			),
		);
	}
	const pending = stats.ready + stats.leased;
	if (findings.every(({ about }) => about !== 'deliveries')) {
		findings.push(ok('deliveries', `${pending} pending, none of them long overdue or dead.`));
	}
	return findings;
}

const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

function opens(sealer: Sealer, sealed: Buffer): boolean {
	try {
		sealer.openBytes(sealed);
		return true;
	} catch {
		return false;
	}
}
