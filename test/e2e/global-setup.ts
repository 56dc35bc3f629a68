import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installN8n } from './n8n/install.ts';
import { packPackage } from './support/package-tarball.ts';

/** Once before all tests: the real n8n, and the package as it would be published. The tests find both by environment. */
export default async function setUp(): Promise<void> {
	process.env.E2E_N8N_FOLDER = await installN8n((line) => process.stderr.write(`\n${line}\n`));
	process.env.E2E_PACKAGE_FOLDER = mkdtempSync(join(tmpdir(), 'n8n-nodes-cleanlist-'));
	process.env.E2E_PACKAGE_TARBALL = packPackage(process.env.E2E_PACKAGE_FOLDER);
}
