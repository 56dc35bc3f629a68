import base from './jest.config.mjs';

/**
 * End to end: the packed package in a real n8n, against the real relay process. Apart from the other tests because
 * it installs n8n (2.1 GB, into a cache) the first time.
 *
 * @type {import('jest').Config}
 */
export default {
	...base,
	testMatch: ['<rootDir>/test/e2e/**/*.e2e.ts'],
	globalSetup: '<rootDir>/test/e2e/global-setup.ts',
	globalTeardown: '<rootDir>/test/e2e/global-teardown.ts',
	// A start of n8n takes 10 s on two idle cores; a failed delivery is tried again after 5 and 15 s.
	testTimeout: 180_000,
	// Each test file runs an n8n, 660 MiB, of its own.
	maxWorkers: 1,
};
