/**
 * A process that looks at disks as a power cut left them: starts the relay's parts on each as main.ts would, and
 * says what is missing of that which was acknowledged. A process of its own, so that several can look at once.
 */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { openDataFolder, STORE_FILE } from '../../relay/src/data-folder.ts';
import { systemClock } from '../../relay/src/clock.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { createInbox } from '../../relay/src/inbox/index.ts';
import { createLogger } from '../../relay/src/log.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import type { Source, Store } from '../../relay/src/store/port.ts';
import { webhookBody } from './webhooks.ts';

/** What must be found on a disk. */
export interface Expected {
	/** The watched folder. */
	root: string;
	/** Event ids that were answered 2xx, with their webhooks' numbers. */
	events: [eventId: string, webhook: number][];
	subscriptions: string[];
	/** The management token, when it had been shown already. */
	token: string | null;
}

/** What was found. */
export interface Finding {
	/** Acknowledged events that are not there, or not whole. */
	lost: number;
	/** The first few things that are wrong, a sentence each. Empty: nothing is. */
	faults: string[];
}

const MOST_FAULTS = 5;

if (process.send) {
	process.on('message', (expected: Expected) => {
		void examine(expected).then((finding) => process.send?.(finding));
	});
}

async function examine(expected: Expected): Promise<Finding> {
	const faults: string[] = [];
	const path = join(expected.root, 'data');
	const file = join(path, STORE_FILE);
	try {
		const folder = await openDataFolder(path, systemIds);
		if (expected.token !== null && folder.keys.relayToken !== expected.token) {
			faults.push('The token that had been shown is not the token any more.');
		}
		const store = await openSqliteStore({ path: file, endLeasesAt: systemClock.now() });
		const lost = await missing(store, expected, faults);
		await store.close();
		folder.close();
		const db = new DatabaseSync(file, { readOnly: true });
		const integrity = db.prepare('PRAGMA integrity_check').all();
		const foreignKeys = db.prepare('PRAGMA foreign_key_check').all();
		db.close();
		if (JSON.stringify(integrity) !== '[{"integrity_check":"ok"}]') faults.push(JSON.stringify(integrity));
		if (foreignKeys.length > 0) faults.push(`Foreign keys: ${JSON.stringify(foreignKeys)}`);
		return { lost, faults: faults.slice(0, MOST_FAULTS) };
	} catch (error) {
		return { lost: expected.events.length, faults: [...faults, `It does not open: ${String(error)}`] };
	}
}

/** Counts the events that are not there with body, deliveries and dedupe key. */
async function missing(store: Store, expected: Expected, faults: string[]): Promise<number> {
	const { events, subscriptions } = expected;
	const kept = new Set((await store.listSubscriptions()).map(({ id }) => id));
	for (const id of subscriptions) if (!kept.has(id)) faults.push(`Subscription ${id} is gone.`);

	const lost = new Set<string>();
	const fault = (id: string, what: string) => {
		lost.add(id);
		faults.push(`${id}: ${what}`);
	};
	for (const [id, webhook] of events) {
		const stored = await store.getBody(id);
		if (!stored) {
			fault(id, 'gone.');
			continue;
		}
		if (!webhookBody(webhook).equals(stored.body)) fault(id, 'another body.');
		const targets = (await store.listDeliveries({ eventId: id, limit: 10 })).map(
			({ subscriptionId }) => subscriptionId,
		);
		if ([...targets].sort().join() !== [...subscriptions].sort().join()) {
			fault(id, `deliveries to ${targets.join() || 'nobody'}.`);
		}
	}
	for (const [id, outcome] of await repeat(store, events)) {
		if (outcome !== `duplicate ${id}`) fault(id, `a repeat is taken for ${outcome}.`);
	}
	return lost.size;
}

/** Has every webhook come once more, as the vendor might: all of them must be recognised. */
async function repeat(store: Store, events: Expected['events']): Promise<[id: string, outcome: string][]> {
	const [source] = (await store.listSources()) as [Source | undefined];
	if (!source) return events.map(([id]) => [id, 'nothing: there is no source']);
	const log = createLogger({ level: 'silent', format: 'json', output: { write: () => undefined } });
	const inbox = createInbox({ store, clock: systemClock, ids: systemIds, log, onStored: () => undefined });
	return Promise.all(
		events.map(async ([id, webhook]): Promise<[string, string]> => {
			const request = { body: webhookBody(webhook), contentType: 'application/json' };
			const { kind, eventId } = await inbox.receive(source, request);
			return [id, `${kind} ${eventId}`];
		}),
	);
}
