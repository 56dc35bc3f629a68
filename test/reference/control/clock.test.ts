import { answer, contacts, startReceiver } from '../harness.ts';
import { startSteered } from './harness.ts';
import type { Steered } from './harness.ts';

let steered: Steered;
let key: string;
beforeEach(async () => {
	steered = await startSteered();
	({ key } = await steered.account());
});
afterEach(() => steered.close());

const clock = async (path: string, body?: unknown) =>
	(await steered.send('POST', `/reference/clock/${path}`, { body })).body;
const submit = async (webhook_url?: string) =>
	(await steered.as(key)('POST', '/api/v1/public/enrich/bulk', { contacts: contacts(2), webhook_url })).body;

it('runs the vendor’s whole webhook ladder, each attempt really sent before time goes on', async () => {
	await clock('freeze', { at: '2026-03-01T00:00:00Z' });
	const times: string[] = [];
	const receiver = await startReceiver((response, nth) => {
		times.push(steered.reference.control.clock().now);
		answer(nth < 5 ? 503 : 200)(response, nth);
	});
	const { workflow_id } = await submit(receiver.url);
	const moved = await clock('advance', { ms: 60_000 });

	expect(times).toEqual(
		['01.500', '02.500', '04.500', '08.500', '16.500'].map((second) => `2026-03-01T00:00:${second}Z`),
	);
	expect(moved).toMatchObject({ now: '2026-03-01T00:01:00.000Z', frozen: true, advanced_ms: 60_000 });
	const { body } = await steered.as(key)(
		'GET',
		`/api/v1/public/webhooks/deliveries?workflow_id=${workflow_id}`,
	);
	expect(
		body.deliveries.map((one: Record<string, unknown>) => [one.attempt_number, one.status, one.attempted_at]),
	).toEqual(times.map((time, index) => [index + 1, index < 4 ? 'failed' : 'succeeded', time]));
	await receiver.close();
});
