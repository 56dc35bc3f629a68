import { join } from 'node:path';
import { STORE_FILE } from '../src/data-folder.ts';
import { systemClock } from '../src/clock.ts';
import { systemIds, orderedUuid } from '../src/ids.ts';
import { dedupeKey, classify } from '../src/inbox/classify.ts';
import type { EventFilter, Store } from '../src/store/port.ts';
import { openSqliteStore } from '../src/store/sqlite/index.ts';
import { webhookTemplate } from './webhook-body.ts';

/** Puts events into the store of a relay that is not running, as its inbox would: with deliveries that are due. */
export async function addBacklog(folder: string, events: number, bytes: number): Promise<void> {
	const store = await openSqliteStore({ path: join(folder, STORE_FILE) });
	try {
		await fill(store, events, bytes);
	} finally {
		await store.close();
	}
}

/** @param attributes what the one subscription that takes them filters by */
export async function fill(
	store: Store,
	events: number,
	bytes: number,
	attributes?: EventFilter,
): Promise<void> {
	const webhook = webhookTemplate(bytes);
	const one = async () => {
		const body = Buffer.from(webhook.body);
		webhook.renew(body);
		const receivedAt = systemClock.now();
		const read = classify(body);
		const outcome = await store.ingest({
			id: `evt_${orderedUuid(systemIds, receivedAt)}`,
			sourceId: 'default',
			origin: 'webhook',
			dedupeKey: dedupeKey(read, body),
			...read,
			...(attributes && { attributes }),
			body,
			bodyKeyId: null,
			bytes: body.length,
			contentType: 'application/json',
			receivedAt,
		});
		if (outcome.kind !== 'stored' || outcome.deliveries !== 1) {
			throw new Error(`An event of the backlog has no delivery: ${JSON.stringify(outcome)}`);
		}
	};
	for (let left = events; left > 0; left -= 500) {
		await Promise.all(Array.from({ length: Math.min(left, 500) }, one));
	}
}
