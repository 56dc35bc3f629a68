import { rmSync } from 'node:fs';

export default function tearDown(): void {
	const folder = process.env.E2E_PACKAGE_FOLDER;
	if (folder) rmSync(folder, { recursive: true, force: true });
}
