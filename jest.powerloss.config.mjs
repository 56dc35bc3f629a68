import base from './jest.config.mjs';

/**
 * The disk forgets what was not synced: the relay's process recorded by a shim in C, then cut at any moment of it.
 * Apart from the other tests because it needs a C compiler and Linux.
 *
 * @type {import('jest').Config}
 */
export default {
	...base,
	testMatch: ['<rootDir>/test/powerloss/**/*.powerloss.ts'],
	// A recording takes 5 s on two idle cores, and a cut 0.2 s.
	testTimeout: 300_000,
	// Each file keeps both cores busy with processes that examine what was left.
	maxWorkers: 1,
};
