import { join } from 'node:path';

// Relays, command lines and store threads that tests start compile the same sources over and over.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/node');

/** @type {import('jest').Config} */
export default {
	testEnvironment: 'node',
	testMatch: ['<rootDir>/test/**/*.test.ts'],
	modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/relay/dist/'],
	watchPathIgnorePatterns: ['<rootDir>/dist/'],
	transform: {
		'^.+\\.ts$': [
			'@swc/jest',
			{
				jsc: { target: 'es2024', parser: { syntax: 'typescript', decorators: true } },
				sourceMaps: 'inline',
			},
		],
	},
	testSequencer: '<rootDir>/test/support/slowest-first.mjs',
	testTimeout: 30_000,
	// Two cores is what CI has; more workers only make real-process tests fight for them.
	maxWorkers: 2,
};
