import base from './jest.config.mjs';

/**
 * Three relays on one PostgreSQL, killed, cut off and restarted under load. Apart from the other tests because what a
 * killed relay had in hand comes back only when its lease runs out, a minute later.
 *
 * @type {import('jest').Config}
 */
export default {
	...base,
	testMatch: ['<rootDir>/test/chaos/**/*.chaos.ts'],
	testTimeout: 420_000,
	// Each file runs four servers.
	maxWorkers: 1,
};
