import { request } from 'node:http';
import { createReferenceApi, seededIds } from '../../../relay/src/reference/testing.ts';
import { startReceiver } from '../harness.ts';

/** Everything that one does, from lists to webhooks, with each answer as it came. */
async function play(seed: string): Promise<string[]> {
	const api = await createReferenceApi({ seed, frozenAt: '2026-05-01T08:00:00Z' });
	const receiver = await startReceiver((response, nth) => response.writeHead(nth === 1 ? 500 : 200).end());
	const transcript: string[] = [];
	const { hostname, port } = new URL(api.url);
	const call = async (method: string, path: string, body?: unknown, key = api.key) => {
		const text = await new Promise<string>((resolve, reject) => {
			const sent = request(
				{
					...{ hostname, port, method, path },
					headers: {
						// Absolute URLs in answers are made of it, and the port is another in each run.
						host: 'reference.example',
						authorization: `Bearer ${key}`,
						...(body === undefined ? {} : { 'content-type': 'application/json' }),
					},
				},
				(response) => {
					let answer = `${response.statusCode} `;
					response.on('data', (chunk: Buffer) => (answer += chunk.toString()));
					response.on('end', () => resolve(answer));
				},
			);
			sent.on('error', reject);
			sent.end(body === undefined ? undefined : JSON.stringify(body));
		});
		transcript.push(`${method} ${path.replace(/[0-9a-f-]{36}/g, 'id')} ${text}`);
		const json = text.slice(4);
		return json.startsWith('{') ? JSON.parse(json) : json;
	};

	await call('GET', '/api/v2/whoami');
	const { list_id } = await call('POST', '/api/v2/lead-lists', { name: 'Réseau 🚀' });
	await call('POST', '/api/v2/lead-lists', { nmae: 'refused' });
	const csv = Buffer.from('mail,first,last\na@x.example,Ann,Berg\nb@x.example,Bo,Carl\n').toString('base64');
	await call('POST', `/api/v2/lead-lists/${list_id}/csv-import`, {
		csv_content_base64: csv,
		column_mapping: { email: 'mail', first_name: 'first', last_name: 'last' },
		enrichment_type: 'full',
	});
	const page = await call('GET', `/api/v2/lead-lists/${list_id}/leads?limit=1`);
	await call('GET', `/api/v2/lead-lists/${list_id}/leads?limit=1&cursor=${page.cursor}`);
	const contacts = Array.from({ length: 20 }, (_, i) => ({
		linkedin_url: `https://www.linkedin.com/in/p-q-${i}`,
	}));
	const { workflow_id, task_ids } = await call('POST', '/api/v1/public/enrich/bulk', {
		...{ contacts, enrichment_type: 'full' },
		webhook_url: receiver.url,
	});
	await api.control.advance(60_000);
	await call('GET', `/api/v1/public/enrich/status?workflow_id=${workflow_id}`);
	for (const id of task_ids) await call('GET', `/api/v1/public/enrich/status?task_id=${id}`);
	const log = await call('GET', `/api/v1/public/webhooks/deliveries?workflow_id=${workflow_id}`);
	transcript[transcript.length - 1] = JSON.stringify(log).replaceAll(receiver.url, 'receiver');
	const estimate = { tool: 'run_smart_agent', list_id, agent_type: 'cold_intro_email' };
	const { quote_id } = await call('POST', '/api/v2/credits/estimate', estimate);
	const run = await call('POST', '/api/v2/smart-agents/run', {
		...{ list_id, column_name: 'Intro', agent_type: 'cold_intro_email', quote_id },
	});
	await api.control.advance(5_000);
	await call('GET', `/api/v2/smart-agents/${run.smart_agent_task_id}`);
	const file = await call('POST', '/api/v2/export/csv/signed-url', { list_id });
	const link = new URL(file.download_url);
	await call('GET', link.pathname + link.search);
	await call('GET', '/api/v2/usage');
	await call('GET', '/api/v2/api-keys');
	await call('POST', '/api/v1/api-keys', { name: 'K' }, api.accounts.admin!.sessionToken);
	await call('GET', '/api/v2/credits/balance');
	transcript.push(...receiver.received.map(({ body }) => JSON.stringify(body)));
	await receiver.close();
	await api.close();
	return transcript;
}

it('gives byte-identical answers to the same calls on two fresh runs', async () => {
	const first = await play('twins');
	expect(await play('twins')).toEqual(first);
	expect(first.filter((line) => / 20[01] /.test(line)).length).toBeGreaterThan(30);
	expect(first.filter((line) => / 5\d\d /.test(line))).toEqual([]);
	const other = await play('stranger');
	expect(other).toHaveLength(first.length);
	// All but those that hold neither an id nor a finding.
	expect(other.filter((line, index) => line === first[index]).length).toBeLessThan(5);
});

it('gives byte-identical answers after a reset', async () => {
	const api = await createReferenceApi({ frozenAt: 0 });
	const make = async () => {
		const answers: string[] = [];
		for (const name of ['A', 'B', 'A']) {
			const response = await fetch(`${api.url}/api/v2/lead-lists`, {
				method: 'POST',
				headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' },
				body: JSON.stringify({ name }),
			});
			answers.push(await response.text());
		}
		return answers;
	};
	const first = await make();
	await api.control.advance(5_000);
	await api.control.reset();
	expect(await make()).toEqual(first);
	expect(new Set(first).size).toBe(3);
	await api.close();
});

describe('ids from a seed', () => {
	it('are those of the seed, and all different', () => {
		const draw = (seed: string) => {
			const ids = seededIds(seed);
			return Array.from({ length: 1_000 }, () => ids.uuid());
		};
		expect(draw('a')).toEqual(draw('a'));
		expect(new Set([...draw('a'), ...draw('b')]).size).toBe(2_000);
		for (const id of draw('a'))
			expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
	});

	it('are bytes of any number, and fractions', () => {
		const ids = seededIds('a');
		for (const length of [0, 1, 31, 32, 33, 100]) expect(ids.bytes(length)).toHaveLength(length);
		const fractions = Array.from({ length: 1_000 }, () => ids.fraction());
		expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
		expect(Math.max(...fractions)).toBeLessThan(1);
		expect(fractions.reduce((sum, one) => sum + one) / 1_000).toBeCloseTo(0.5, 1);
	});

	it('go on from a position', () => {
		const ids = seededIds('a');
		ids.uuid();
		const { position } = ids;
		const next = ids.uuid();
		ids.position = position;
		expect(ids.uuid()).toBe(next);
	});
});
