import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SourcesResponse } from '../../relay/src/contract/relay-api.ts';
import { startRelay } from '../support/relay-process.ts';

test.each(['an exception', 'a rejection', 'a rejection that is no error', 'a warning'])(
	'a process that ends by %s leaves no secret and no e-mail address in what it prints',
	async (defect) => {
		const folder = mkdtempSync(join(tmpdir(), 'relay-break-down-'));
		const quoted = join(folder, 'quoted');
		const relay = await startRelay({
			env: {
				NODE_OPTIONS: `--import=${join(import.meta.dirname, 'break-down.ts')}`,
				RELAY_SHOW_KEYS: 'never',
				RELAY_REFERENCE: 'off',
				BREAK_DOWN: defect,
				BREAK_DOWN_WITH: quoted,
			},
		});
		try {
			const headers = { authorization: `Bearer ${relay.token}` };
			const { sources } = SourcesResponse.parse(
				await (await fetch(`${relay.url}/relay/v1/sources`, { headers })).json(),
			);
			const ingestUrl = sources[0]?.ingest_url ?? '';
			const secrets = [
				relay.token,
				relay.demoKey,
				ingestUrl.split('/').at(-1) ?? '',
				'whsec_c2VjcmV0c2VjcmV0',
			];
			writeFileSync(
				quoted,
				`Bearer ${secrets[0]} ${secrets[1]} ${ingestUrl} ${secrets[3]} ada.lovelace@example.com`,
			);
			relay.signal('SIGUSR2');
			expect(await relay.exited).toEqual({ code: 1, signal: null });
			const { stdout, stderr } = relay.output();
			expect(stdout).toContain('stopped by a defect');
			for (const secret of secrets) {
				expect(secret.length).toBeGreaterThan(16);
				expect(stdout + stderr).not.toContain(secret);
			}
			expect(stdout + stderr).not.toMatch(/ada\.lovelace/i);
		} finally {
			await relay.dispose();
			rmSync(folder, { recursive: true });
		}
	},
);
