import base from './jest.config.mjs';

/**
 * Disks and database files that fail under the relay's process: full, read-only, locked, gone. Apart from the other
 * tests because they mount file systems (test/faults/run.ts) and wait for real time-outs.
 *
 * @type {import('jest').Config}
 */
export default {
	...base,
	testMatch: ['<rootDir>/test/faults/**/*.faults.ts'],
	testTimeout: 180_000,
};
