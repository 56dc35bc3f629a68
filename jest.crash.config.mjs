import base from './jest.config.mjs';

/**
 * The relay's process killed at every named point of its work, on both engines. Apart from the other tests because each
 * point takes a process of its own.
 *
 * @type {import('jest').Config}
 */
export default {
	...base,
	testMatch: ['<rootDir>/test/crash/**/*.crash.ts'],
};
