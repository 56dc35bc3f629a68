import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { webhook } from '../relay/harness.ts';

/** What the outside knows, whatever becomes of the relay: what it was answered, and what it received. */
export interface Witness {
	/** The receiver's URL. */
	url: string;
	/** By workflow: the event id in the 2xx its sender got. */
	acknowledged: ReadonlyMap<string, string>;
	/** By workflow: every `webhook-id` it came under, in the order of arrival. */
	received: ReadonlyMap<string, string[]>;
	/** Deliveries the receiver holds, not answered. */
	readonly held: number;
	/**
	 * Sends these workflows' webhooks at once, each at most once; `answered` is called for each 2xx. A connection that
	 * breaks is no answer.
	 */
	send(ingestUrl: string, workflows: string[], answered?: () => void): Promise<void>;
	/** Whether the receiver answers, or holds what comes; `arrived` is called for each, before it is answered. */
	receive(how: 'answer' | 'hold', arrived?: () => void): void;
	close(): Promise<void>;
}

export async function startWitness(): Promise<Witness> {
	const acknowledged = new Map<string, string>();
	const received = new Map<string, string[]>();
	const held = new Set<ServerResponse>();
	let holding = false;
	let onArrival: () => void = () => undefined;

	const server = createServer((request, response) => {
		let body = '';
		request.setEncoding('utf8').on('data', (text: string) => (body += text));
		request.on('end', () => {
			const { workflow_id } = JSON.parse(body) as { workflow_id: string };
			received.set(workflow_id, [
				...(received.get(workflow_id) ?? []),
				String(request.headers['webhook-id']),
			]);
			onArrival();
			if (!holding) response.end();
			else {
				held.add(response);
				response.on('close', () => held.delete(response));
			}
		});
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;

	async function sendOne(ingestUrl: string, workflow: string, answered: () => void): Promise<void> {
		try {
			const response = await fetch(ingestUrl, { method: 'POST', body: webhook(workflow) });
			const { event_id } = (await response.json()) as { event_id: string };
			if (!response.ok) return;
			acknowledged.set(workflow, event_id);
			answered();
		} catch {
			// The relay died before it answered, or in the middle of it.
		}
	}

	return {
		url: `http://127.0.0.1:${port}/webhook/n8n`,
		acknowledged,
		received,
		get held() {
			return held.size;
		},
		async send(ingestUrl, workflows, answered = () => undefined) {
			await Promise.all(workflows.map((workflow) => sendOne(ingestUrl, workflow, answered)));
		},
		receive(how, arrived = () => undefined) {
			holding = how === 'hold';
			onArrival = arrived;
			if (!holding) for (const response of held) response.end();
		},
		async close() {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	};
}
