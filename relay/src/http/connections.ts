import type { FastifyInstance } from 'fastify';
import type { Server } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';

/** A flood of connections must not become a flood of log lines. */
const WARN_EVERY_MS = 60_000;

/**
 * Limits the connections open at once. What comes beyond is closed before it is read: whoever floods the relay with
 * connections then costs neither memory nor file handles, and those that are open go on.
 */
export function limitConnections(options: {
	server: Server;
	max: number;
	clock: Clock;
	log: Logger;
	onRefused: () => void;
}): void {
	const { server, max, clock, log, onRefused } = options;
	let dropped = 0;
	let warnedAt = -Infinity;
	server.maxConnections = max;
	server.on('drop', () => {
		dropped += 1;
		onRefused();
		if (clock.monotonic() - warnedAt < WARN_EVERY_MS) return;
		warnedAt = clock.monotonic();
		log.warn({ dropped, max_connections: max }, 'connections refused: as many as may be are open');
		dropped = 0;
	});
}

/**
 * Closes each connection with the next answer once a shutdown has begun: one whose last request was under way then would
 * hold it up, idle.
 */
export function closeWhenStopping(app: FastifyInstance, isStopping: () => boolean): void {
	app.addHook('onSend', (_request, reply, _payload, done) => {
		if (isStopping()) reply.header('connection', 'close');
		done();
	});
}
