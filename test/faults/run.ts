/**
 * `npm run test:faults`: runs Jest where it may mount file systems of its own. They live in a mount namespace, so that
 * nobody else sees them and nothing of them is left, however this ends.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { argv, execPath, exit, getuid } from 'node:process';

const jest = join(import.meta.dirname, '../../node_modules/jest/bin/jest.js');
const run = (command: string[], stdio: 'inherit' | 'ignore' = 'inherit') =>
	spawnSync(command[0] ?? '', command.slice(1), { stdio });

/** As root, by sudo that asks nothing, or in a user namespace: there only small-disk.ts's tmpfs can be had. */
function privileged(): string[] {
	if (getuid?.() === 0) return ['unshare', '--mount'];
	if (run(['sudo', '-n', 'true'], 'ignore').status === 0) {
		return ['sudo', '-n', '--preserve-env', 'unshare', '--mount'];
	}
	return ['unshare', '--user', '--map-root-user', '--mount'];
}

const { status, error } = run([
	...privileged(),
	execPath,
	jest,
	'--config',
	'jest.faults.config.mjs',
	...argv.slice(2),
]);
if (error) throw error;
exit(status ?? 1);
