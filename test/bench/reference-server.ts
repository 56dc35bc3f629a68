/**
 * The reference API on its own, without rate limits, with an account that has credits for everything. Started by
 * nodes.ts. Prints its base URL and the account's key, serves until its standard input ends, then prints how many
 * requests came in and how many different contacts they submitted.
 */
import { fastify } from 'fastify';
import { pino } from 'pino';
import { systemClock } from '../../relay/src/clock.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { openReference } from '../../relay/src/reference/index.ts';

const reference = await openReference({
	path: ':memory:',
	clock: systemClock,
	ids: systemIds,
	limits: 'off',
	completionMs: 0,
	log: pino({ level: 'silent' }),
});
let requests = 0;
const contacts = new Set<string>();
const http = fastify({ forceCloseConnections: true });
http.addHook('onRequest', async () => void requests++);
http.addHook('preHandler', async ({ body }) => {
	const sent = (body as { contacts?: object[] } | undefined)?.contacts ?? [];
	for (const contact of sent) contacts.add(JSON.stringify(contact));
});
await http.register(reference.routes);
const baseUrl = await http.listen({ host: '127.0.0.1', port: 0 });
const { key } = await reference.createAccount({ name: 'Bench', tier: 'pro', credits: 1_000_000_000 });
reference.start();
// Results are there when they are asked for: what is measured is the asking, not the waiting.
if (process.argv[2] === 'results') reference.control.setCompletion({ mode: 'instant' });
console.log(JSON.stringify({ baseUrl, key }));

process.stdin.resume();
process.stdin.on('end', () => void finish());

async function finish(): Promise<void> {
	await http.close();
	await reference.stop();
	console.log(JSON.stringify({ requests, contacts: contacts.size }));
}
