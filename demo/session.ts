import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IDataObject } from 'n8n-workflow';
import type { BuiltPackage } from '../test/support/n8n-built-nodes.ts';
import { createN8nEngine, errorOf, itemsOf } from '../test/support/n8n-engine.ts';
import type { ActiveWorkflow, N8nEngine } from '../test/support/n8n-engine.ts';
import { startRelay } from '../test/support/relay-process.ts';
import type { RelayProcess } from '../test/support/relay-process.ts';
import type { ContactRow } from './csv.ts';
import { API, CLEANLIST, RELAY, TRIGGER, workflow } from './workflow.ts';

/** Nothing new for so long means that nothing more will come: the relay itself needs milliseconds. */
const STALLED_MS = 60_000;

/** The demo can't go on. The message is for whoever runs it. */
export class DemoError extends Error {}

/** What the Cleanlist node said about a row. */
export type Submission = ContactRow &
	({ state: 'sent'; taskId: string; workflowId: string } | { state: 'not_sent' | 'refused'; reason: string });

/** What the trigger emitted for a contact. */
export interface Enriched {
	item: IDataObject;
	/** When the trigger emitted it, milliseconds since the epoch. */
	emittedAt: number;
}

export interface Session {
	readonly relay: RelayProcess;
	submit(rows: ContactRow[]): Promise<Submission[]>;
	/** Waits until every task has come out of the trigger; ends early when nothing new comes any more. */
	collect(taskIds: string[], onProgress: (back: number) => void): Promise<Map<string, Enriched>>;
	/** Credits the demo account has left. */
	credits(): Promise<number>;
}

/**
 * Runs `work` with a relay and its reference API, as a process of its own on SQLite in a temporary folder, and
 * with n8n's engine running the built nodes. However it ends, nothing is left: no process, no folder.
 *
 * @param signal ends everything when it is aborted (Ctrl-C)
 */
export async function withSession<T>(
	nodes: BuiltPackage,
	signal: AbortSignal,
	announce: (what: string) => void,
	work: (session: Session) => Promise<T>,
): Promise<T> {
	const folder = mkdtempSync(join(tmpdir(), 'cleanlist-demo-'));
	let relay: RelayProcess | undefined;
	let engine: N8nEngine | undefined;
	try {
		relay = await startRelay({
			dataFolder: folder,
			// The vendor's limits would hold more than 30 requests (7,500 contacts) up for a minute.
			env: { RELAY_REFERENCE: 'on', RELAY_REFERENCE_LIMITS: 'off' },
		}).catch((error: Error) => {
			throw new DemoError(error.message);
		});
		signal.throwIfAborted();
		announce(`Relay and reference API run on ${relay.url} (SQLite, in a temporary folder)`);
		engine = engineFor(relay, nodes);
		const active = await engine.activate(workflow);
		announce('n8n workflow is active: its trigger has subscribed to the relay');
		return await Promise.race([work(createSession(relay, engine, active)), failure(relay, signal)]);
	} finally {
		await engine?.close();
		await relay?.dispose();
		rmSync(folder, { recursive: true, force: true });
	}
}

function engineFor(relay: RelayProcess, nodes: BuiltPackage): N8nEngine {
	return createN8nEngine({
		...nodes,
		credentials: {
			[API]: { type: 'cleanlistApi', data: { apiKey: relay.demoKey, baseUrl: relay.referenceUrl } },
			[RELAY]: { type: 'cleanlistRelayApi', data: { url: relay.url, token: relay.token } },
		},
	});
}

/** Rejects when the relay ends or the user stops the demo; never resolves. */
async function failure(relay: RelayProcess, signal: AbortSignal): Promise<never> {
	signal.throwIfAborted();
	const aborted = new Promise<never>((_, reject) => {
		signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
	});
	const ended = relay.exited.then(() => {
		// Ctrl-C reaches the relay too, and it may be the first to go.
		signal.throwIfAborted();
		throw new DemoError(`The relay ended unexpectedly.\n${relay.output().stderr}`);
	});
	return Promise.race([aborted, ended]);
}

function createSession(relay: RelayProcess, engine: N8nEngine, active: ActiveWorkflow): Session {
	return {
		relay,
		async submit(rows) {
			const run = await engine.run(workflow, { inputItems: rows.map((row) => ({ json: { ...row } })) });
			const error = errorOf(run);
			if (error) throw new DemoError(`The Cleanlist node failed: ${error.message}`);
			return itemsOf(run, CLEANLIST).map(({ json, pairedItem }) => {
				const { item } = pairedItem as { item: number };
				return toSubmission(rows[item]!, json);
			});
		},
		async collect(taskIds, onProgress) {
			const missing = new Set(taskIds);
			const found = new Map<string, Enriched>();
			for (let seen = 0; missing.size > 0;) {
				try {
					await active.waitForExecutions(seen + 1, STALLED_MS);
				} catch {
					break;
				}
				for (const run of active.executions.slice(seen)) {
					const task = run.data.resultData.runData[TRIGGER]?.[0];
					const emittedAt = (task?.startTime ?? 0) + (task?.executionTime ?? 0);
					for (const { json } of itemsOf(run, TRIGGER)) {
						const taskId = textOf(json.task_id);
						if (missing.delete(taskId)) found.set(taskId, { item: json, emittedAt });
					}
					seen++;
				}
				onProgress(found.size);
			}
			return found;
		},
		async credits() {
			const answer = await fetch(`${relay.referenceUrl}/api/v2/credits/balance`, {
				headers: { authorization: `Bearer ${relay.demoKey}` },
			});
			return ((await answer.json()) as { credits: number }).credits;
		},
	};
}

function toSubmission(row: ContactRow, json: IDataObject): Submission {
	if (typeof json.task_id === 'string' && typeof json.workflow_id === 'string') {
		return { ...row, state: 'sent', taskId: json.task_id, workflowId: json.workflow_id };
	}
	if (json.status === 'not_sent') return { ...row, state: 'not_sent', reason: textOf(json.reason) };
	return { ...row, state: 'refused', reason: `${textOf(json.error)} ${textOf(json.message)}`.trim() };
}

/** A field as text; empty when it holds something else. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
