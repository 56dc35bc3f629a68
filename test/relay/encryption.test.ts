import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startReceiver, startTestRelay, webhook } from './harness.ts';
import type { Receiver, TestRelay } from './harness.ts';

const MARKER = 'Zaphira Quillfeather';

/** Everything on the disk of a relay that took in and delivered a webhook with MARKER in it. */
async function onDisk(encrypt: 'on' | 'off'): Promise<{ files: Buffer; delivered: string; sent: string }> {
	let relay: TestRelay | null = null;
	let receiver: Receiver | null = null;
	try {
		relay = await startTestRelay({ env: { RELAY_ENCRYPT_BODIES: encrypt } });
		receiver = await startReceiver();
		const created = await relay.call('POST', '/relay/v1/subscriptions', { body: { url: receiver.url } });
		expect(created.status).toBe(201);
		const sent = webhook('public_bulk_1', { results: [{ full_name: MARKER }] });
		expect((await relay.ingest(sent)).status).toBe(200);
		await receiver.waitFor(1);
		const folder = relay.folder;
		const files = readdirSync(folder)
			.filter((name) => name.startsWith('relay.sqlite'))
			.map((name) => readFileSync(join(folder, name)));
		return { files: Buffer.concat(files), delivered: receiver.received[0]!.body, sent };
	} finally {
		await relay?.close();
		await receiver?.close();
	}
}

it('keeps encrypted bodies off the disk in the clear, and delivers them as they came', async () => {
	const { files, delivered, sent } = await onDisk('on');
	expect(delivered).toBe(sent);
	expect(files.includes(MARKER)).toBe(false);
});

it('finds them there when they are not encrypted, so that the test above can fail', async () => {
	const { files } = await onDisk('off');
	expect(files.includes(MARKER)).toBe(true);
});
