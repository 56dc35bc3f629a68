import { isUtf8 } from 'node:buffer';
import { WEBHOOK_EVENT } from '../contract/webhook.ts';
import { sha256 } from '../crypto.ts';
import type { EventFilter, NewEvent } from '../store/port.ts';

/** What could be read of a webhook's bytes. */
export type Classified = Pick<
	NewEvent,
	'state' | 'quarantineReason' | 'type' | 'workflowId' | 'attributes' | 'truncated'
>;

/** Longer than any id seen (48); what is longer is not taken for one. */
const MAX_ID_LENGTH = 256;

/** What gzip begins with (RFC 1952), and no UTF-8 text. By the bytes, as the header is not kept. */
const GZIP = Buffer.from([0x1f, 0x8b]);

/**
 * Reads the few fields the relay itself needs, as tolerantly as contract/webhook.ts but without looking at the
 * results one by one: what n8n gets is the raw body. Never throws: a body that can't be read is quarantined with
 * the reason, because a webhook that is refused is lost in half a minute.
 */
export function classify(body: Buffer): Classified {
	if (body.length === 0) return quarantined('The body is empty.');
	if (!isUtf8(body)) {
		return quarantined(
			body.subarray(0, 2).equals(GZIP)
				? 'The body is compressed (gzip), which the relay does not read.'
				: 'The body is not UTF-8 text.',
		);
	}
	let payload: unknown;
	try {
		// A byte order mark is legal in a file and an error to JSON.parse.
		payload = JSON.parse(body.toString('utf8').replace(/^\uFEFF/, ''));
	} catch {
		return quarantined('The body is not JSON.');
	}
	if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
		return quarantined('The body is not a JSON object.');
	}
	const fields = payload as Record<string, unknown>;
	const workflowId = text(fields, 'workflow_id');
	if (workflowId === null) return quarantined('The body names no workflow_id.');

	// The vendor sends one kind of event; one that is missing is taken for it, another one is not understood.
	const event = field(fields, 'event') ?? WEBHOOK_EVENT;
	if (event !== WEBHOOK_EVENT) return quarantined('The event is of an unknown type.', workflowId);
	const results = field(fields, 'results') ?? [];
	if (!Array.isArray(results)) return quarantined('The results are not a list.', workflowId);

	const truncated = field(fields, 'results_truncated');
	return {
		state: 'accepted',
		quarantineReason: null,
		type: WEBHOOK_EVENT,
		workflowId,
		attributes: attributes(fields),
		truncated: typeof truncated === 'number' && truncated > 0 ? Math.ceil(Math.min(truncated, 2 ** 31)) : 0,
	};
}

/**
 * The vendor says to recognise duplicates by `workflow_id`. What could not be understood is known by its bytes
 * only: under the workflow's key it would stand in the way of the readable webhook that may follow it.
 */
export function dedupeKey(read: Classified, body: Buffer): string {
	return read.state === 'accepted' ? `workflow:${read.workflowId}` : `body:${sha256(body).toString('hex')}`;
}

function quarantined(reason: string, workflowId: string | null = null): Classified {
	return {
		state: 'quarantined',
		quarantineReason: reason,
		type: null,
		workflowId,
		attributes: {},
		truncated: 0,
	};
}

function attributes(fields: Record<string, unknown>): EventFilter {
	const found: EventFilter = {};
	for (const name of ['lead_list_id', 'enrichment_type', 'status'] as const) {
		const value = text(fields, name);
		if (value !== null) found[name] = value;
	}
	return found;
}

const field = (fields: Record<string, unknown>, name: string): unknown =>
	Object.hasOwn(fields, name) ? fields[name] : undefined;

/** Text that is safe to be a key: whole characters, no control characters, of bounded length. */
function text(fields: Record<string, unknown>, name: string): string | null {
	const value = field(fields, name);
	if (typeof value !== 'string' || value === '' || value.length > MAX_ID_LENGTH) return null;
	return value.isWellFormed() && !/\p{Cc}/u.test(value) ? value : null;
}
