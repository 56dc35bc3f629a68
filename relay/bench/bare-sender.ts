/**
 * What delivering costs with nothing but the HTTP client the relay uses: `node bare-sender.ts <url> <requests> <bytes>
 * <at once>` posts so many bodies with undici's `request()`, each with the headers of a delivery.
 */
import { Pool } from 'undici';
import { webhookTemplate } from './webhook-body.ts';

const [address = '', requests = '0', bytes = '2048', atOnce = '32'] = process.argv.slice(2);
const { origin, pathname } = new URL(address);
const pool = new Pool(origin, { connections: Number(atOnce), pipelining: 1 });
const { body } = webhookTemplate(Number(bytes));
let next = 0;

async function sendAll(): Promise<void> {
	while (next < Number(requests)) {
		const id = `evt_${next++}`;
		const answer = await pool.request({
			path: pathname,
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				'user-agent': 'bench',
				'webhook-id': id,
				'webhook-timestamp': '1767603600',
				'webhook-attempt': '1',
				'webhook-signature': `v1,${'A'.repeat(43)}=`,
			},
			body,
		});
		await answer.body.dump();
	}
}

await Promise.all(Array.from({ length: Number(atOnce) }, sendAll));
await pool.close();
