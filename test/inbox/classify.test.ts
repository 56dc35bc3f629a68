import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { WebhookPayloadRead } from '../../relay/src/contract/webhook.ts';
import { classify } from '../../relay/src/inbox/classify.ts';

const read = (value: unknown) => classify(Buffer.from(JSON.stringify(value)));
const payload = {
	event: 'enrichment.completed',
	workflow_id: 'public_bulk_1',
	lead_list_id: 'list-1',
	enrichment_type: 'full',
	status: 'completed',
	results: [{ task_id: 't', primary_email: 'zoë@firma.example' }],
	results_truncated: 0,
};

describe('classify', () => {
	it('reads what filters and deduplication need', () => {
		expect(read(payload)).toEqual({
			state: 'accepted',
			quarantineReason: null,
			type: 'enrichment.completed',
			workflowId: 'public_bulk_1',
			attributes: { lead_list_id: 'list-1', enrichment_type: 'full', status: 'completed' },
			truncated: 0,
		});
	});

	it.each([
		['an event that is missing', { ...payload, event: undefined }],
		['an event that is null', { ...payload, event: null }],
		['results that are null', { ...payload, results: null }],
		['results that are missing', { workflow_id: 'public_bulk_1' }],
		['the nested item shape', { ...payload, results: [{ task_id: 't', result: { email: null } }] }],
		['unknown keys', { ...payload, later: { version: 3 } }],
		['attributes of other types', { ...payload, lead_list_id: 7, status: null }],
	])('accepts %s', (_, body) => {
		expect(read(body)).toMatchObject({ state: 'accepted', workflowId: 'public_bulk_1' });
	});

	it('accepts a byte order mark', () => {
		const body = Buffer.from(`\uFEFF${JSON.stringify(payload)}`);
		expect(classify(body)).toMatchObject({ state: 'accepted', workflowId: 'public_bulk_1' });
	});

	it.each([
		['nothing', Buffer.alloc(0), /empty/],
		['text', Buffer.from('hello'), /not JSON/],
		['half a payload', Buffer.from(JSON.stringify(payload).slice(0, -5)), /not JSON/],
		['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /not UTF-8/],
		['a payload that is compressed', gzipSync(JSON.stringify(payload)), /compressed \(gzip\)/],
		['an array', Buffer.from('[]'), /not a JSON object/],
		['null', Buffer.from('null'), /not a JSON object/],
		['a number', Buffer.from('1e999'), /not a JSON object/],
		['no workflow', Buffer.from('{}'), /no workflow_id/],
		['an empty workflow id', Buffer.from('{"workflow_id":""}'), /no workflow_id/],
		['a workflow id that is a number', Buffer.from('{"workflow_id":1}'), /no workflow_id/],
		[
			'a workflow id of 10,000 characters',
			Buffer.from(`{"workflow_id":"${'x'.repeat(10_000)}"}`),
			/no workflow_id/,
		],
		['a workflow id with half a character', Buffer.from('{"workflow_id":"\\ud800"}'), /no workflow_id/],
		['a workflow id with a NUL', Buffer.from('{"workflow_id":"a\\u0000"}'), /no workflow_id/],
		['a workflow id of the prototype', Buffer.from('{"__proto__":{"workflow_id":"w"}}'), /no workflow_id/],
		['JSON nested 10,000 deep', Buffer.from('['.repeat(10_000) + ']'.repeat(10_000)), /not a JSON object/],
		['another event', Buffer.from('{"workflow_id":"w","event":"list.deleted"}'), /unknown type/],
		['results that are no list', Buffer.from('{"workflow_id":"w","results":"none"}'), /not a list/],
	])('quarantines %s', (_, body, reason) => {
		const result = classify(body);
		expect(result).toMatchObject({ state: 'quarantined', type: null, attributes: {} });
		expect(result.quarantineReason).toMatch(reason);
	});

	it.each([
		[undefined, 0],
		[null, 0],
		[0, 0],
		[3, 3],
		[-1, 0],
		[true, 0],
		['3', 0],
		[0.5, 1],
		[1e300, 2 ** 31],
	])('takes results_truncated %p for %p', (value, expected) => {
		expect(read({ ...payload, results_truncated: value }).truncated).toBe(expected);
	});

	it('never throws, whatever comes', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
				expect(['accepted', 'quarantined']).toContain(classify(Buffer.from(bytes)).state);
			}),
		);
		fc.assert(fc.property(fc.json(), (json) => void classify(Buffer.from(json))));
	});

	it('accepts whatever the contract reads', () => {
		const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant(undefined));
		const bodies = fc.record({
			event: fc.constantFrom('enrichment.completed', null, undefined),
			workflow_id: fc.string({ maxLength: 60 }).filter((id) => !/\p{Cc}/u.test(id)),
			status: value,
			results: fc.oneof(fc.array(fc.record({ task_id: value }), { maxLength: 3 }), fc.constant(null)),
		});
		fc.assert(
			fc.property(bodies, (body) => {
				const json = JSON.stringify(body);
				fc.pre(WebhookPayloadRead.safeParse(JSON.parse(json)).success);
				expect(classify(Buffer.from(json)).state).toBe('accepted');
			}),
		);
	});
});
