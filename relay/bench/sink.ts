import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a sink saw. */
export interface SinkResult {
	requests: number;
	/** Different events; what is more than these came twice. */
	events: number;
	/** Of the first request and of the last new event, by the clock of this machine, in ms with fractions. */
	firstAt: number;
	lastAt: number;
}

/** A receiver of deliveries that does as little as it can: it counts, and answers 200. */
export interface Sink {
	url: string;
	result(): SinkResult;
	/** Answers nothing until `release`. */
	hold(): void;
	release(): void;
	/** Resolves when so many different events have come, or requests, repeats counted. */
	until(what: { events: number } | { requests: number }): Promise<void>;
	/** Called for each event that is new. */
	onEvent: (id: string) => void;
	close(): Promise<void>;
}

/** The time of this machine in ms; comparable between its processes. */
export const machineNow = (): number => performance.timeOrigin + performance.now();

export async function openSink(): Promise<Sink> {
	const seen = new Set<string>();
	const result = { requests: 0, firstAt: NaN, lastAt: NaN };
	const waiting = new Set<() => void>();
	let held: ServerResponse[] | null = null;

	const server = createServer((request, response) => {
		request.resume().on('end', () => {
			const id = String(request.headers['webhook-id'] ?? result.requests);
			if (result.requests++ === 0) result.firstAt = machineNow();
			if (!seen.has(id)) {
				seen.add(id);
				result.lastAt = machineNow();
				sink.onEvent(id);
			}
			for (const check of waiting) check();
			if (held) held.push(response);
			else response.end();
		});
	});
	await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
	const { port } = server.address() as AddressInfo;

	const sink: Sink = {
		url: `http://127.0.0.1:${port}/webhook/bench`,
		result: () => ({ ...result, events: seen.size }),
		onEvent: () => undefined,
		hold() {
			held ??= [];
		},
		release() {
			for (const response of held ?? []) response.end();
			held = null;
		},
		until: (what) =>
			new Promise((resolve) => {
				const check = () => {
					if ('events' in what ? seen.size < what.events : result.requests < what.requests) return;
					waiting.delete(check);
					resolve();
				};
				waiting.add(check);
				check();
			}),
		close: () =>
			new Promise((closed) => {
				server.close(() => closed());
				server.closeAllConnections();
			}),
	};
	return sink;
}
