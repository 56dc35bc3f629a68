import { createHash } from 'node:crypto';

/** Between 1 and about 24 KiB, so that rows share pages, fill one, and overflow into others. */
const FILLER_BYTES = 24 * 1024;

/** The webhook with number `n`: always the same bytes, so that a checker can make them again. */
export function webhookBody(n: number): Buffer<ArrayBuffer> {
	const chance = createHash('sha256').update(`webhook ${n}`).digest();
	const filler = chance.toString('hex').repeat(1 + (chance.readUInt16LE(0) * FILLER_BYTES) / 2 ** 16 / 64);
	return Buffer.from(
		JSON.stringify({
			event: 'enrichment.completed',
			workflow_id: `wf-${n}`,
			lead_list_id: '0b6cb6de-4a3f-4a0e-8a3a-5d3f1c3e1f00',
			enrichment_type: 'partial',
			status: 'completed',
			results: [{ task_id: `task-${n}`, note: filler }],
			results_truncated: 0,
		}),
	);
}
