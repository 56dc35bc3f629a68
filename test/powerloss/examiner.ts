/**
 * A process that looks at disks as a power cut left them: starts a relay on each as main.ts would, and says what is
 * missing of that which was acknowledged. A process of its own, so that several can look at once.
 */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { createRelay } from '../../relay/src/app.ts';
import type { Relay } from '../../relay/src/app.ts';
import { readConfig } from '../../relay/src/config.ts';
import { openDataFolder, STORE_FILE } from '../../relay/src/data-folder.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { createLogger } from '../../relay/src/log.ts';
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
/** Events looked at together; of many more, the repeats would be refused as overload. */
const AT_ONCE = 64;

if (process.send) {
	process.on('message', (expected: Expected) => {
		void examine(expected).then((finding) => process.send?.(finding));
	});
}

async function examine(expected: Expected): Promise<Finding> {
	const faults: string[] = [];
	const path = join(expected.root, 'data');
	try {
		const folder = await openDataFolder(path, systemIds);
		if (expected.token !== null && folder.keys.relayToken !== expected.token) {
			faults.push('The token that had been shown is not the token any more.');
		}
		const relay = await createRelay({
			config: readConfig({ RELAY_DATA: path, RELAY_REFERENCE: 'off', RELAY_PUBLIC_URL: 'http://relay.test' }),
			keys: folder.keys,
			log: createLogger({ level: 'silent', format: 'json', output: { write: () => undefined } }),
		});
		const lost = await missing(relay, expected, faults);
		await relay.close();
		folder.close();
		faults.push(...defects(join(path, STORE_FILE)));
		return { lost, faults: faults.slice(0, MOST_FAULTS) };
	} catch (error) {
		return { lost: expected.events.length, faults: [...faults, `It does not start: ${String(error)}`] };
	}
}

/** Counts the events that are not there with body, deliveries and dedupe key. */
async function missing(relay: Relay, expected: Expected, faults: string[]): Promise<number> {
	const { store } = relay;
	const { events, subscriptions } = expected;
	const kept = new Set((await store.listSubscriptions()).map(({ id }) => id));
	for (const id of subscriptions) if (!kept.has(id)) faults.push(`Subscription ${id} is gone.`);

	const lost = new Set<string>();
	const fault = (id: string, what: string) => {
		lost.add(id);
		faults.push(`${id}: ${what}`);
	};
	async function check([id, webhook]: [string, number]): Promise<void> {
		const stored = await store.getBody(id);
		if (!stored) return fault(id, 'gone.');
		if (!webhookBody(webhook).equals(stored.body)) fault(id, 'another body.');
		const deliveries = await store.listDeliveries({ eventId: id, limit: 10 });
		const targets = deliveries.map(({ subscriptionId }) => subscriptionId);
		if (targets.sort().join() !== [...subscriptions].sort().join()) {
			fault(id, `deliveries to ${targets.join() || 'nobody'}.`);
		}
		const answer = await repeat(relay, webhook);
		if (answer !== `duplicate ${id}`) fault(id, `a repeat is answered ${answer}.`);
	}
	for (let from = 0; from < events.length; from += AT_ONCE) {
		await Promise.all(events.slice(from, from + AT_ONCE).map(check));
	}
	return lost.size;
}

/** Has a webhook come once more, as the vendor may send it: it must be recognised. */
async function repeat(relay: Relay, webhook: number): Promise<string> {
	const { pathname } = new URL(relay.ingestUrl());
	const response = await relay.http.inject({
		method: 'POST',
		url: pathname,
		payload: webhookBody(webhook),
		headers: { 'content-type': 'application/json' },
	});
	const { status, event_id } = response.json<{ status: string; event_id: string }>();
	return `${status} ${event_id}`;
}

function defects(file: string): string[] {
	const db = new DatabaseSync(file, { readOnly: true });
	try {
		const integrity = db.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
		const foreignKeys = db.prepare('PRAGMA foreign_key_check').all();
		return [
			...integrity.map((row) => row.integrity_check).filter((text) => text !== 'ok'),
			...foreignKeys.map((row) => `A foreign key leads nowhere: ${JSON.stringify(row)}`),
		];
	} finally {
		db.close();
	}
}
