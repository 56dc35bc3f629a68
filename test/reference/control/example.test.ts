import { createReferenceApi } from '../../../relay/src/reference/testing.ts';
import type { ReferenceApi } from '../../../relay/src/reference/testing.ts';

let api: ReferenceApi;
beforeAll(async () => {
	api = await createReferenceApi({ frozenAt: '2026-05-01T08:00:00Z' });
});
beforeEach(() => api.control.reset());
afterAll(() => api.close());

const post = (path: string, body: object) =>
	fetch(api.url + path, {
		method: 'POST',
		headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});

test('an enrichment completes when its time has come', async () => {
	const contacts = [{ linkedin_url: 'https://www.linkedin.com/in/ines-castellanos-example' }];
	const started = await post('/api/v1/public/enrich/bulk', { contacts });
	const { workflow_id } = (await started.json()) as { workflow_id: string };

	await api.control.advance(1_500); // not a moment of it is waited for

	const [request] = api.control.requests();
	expect(request).toMatchObject({ operation: 'enrich_bulk_contacts', status: 200 });
	const status = await fetch(`${api.url}/api/v1/public/enrich/status?workflow_id=${workflow_id}`, {
		headers: { authorization: `Bearer ${api.key}` },
	});
	expect(await status.json()).toMatchObject({
		status: 'completed',
		completed_at: '2026-05-01T08:00:01.500Z',
	});
});

test('a list is created once, although the first answer is lost', async () => {
	api.control.fault({
		fault: { type: 'reset', when: 'after' },
		times: 1,
		match: { operation: 'create_list' },
	});

	await expect(post('/api/v2/lead-lists', { name: 'Fair' })).rejects.toThrow();
	const again = await post('/api/v2/lead-lists', { name: 'Fair' });

	expect(await again.json()).toMatchObject({ name: 'Fair', reused: true });
});
