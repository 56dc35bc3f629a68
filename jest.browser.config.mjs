import base from './jest.config.mjs';

/**
 * The inspector in a real headless Chromium. Apart from the other tests because it needs that browser at
 * /usr/bin/chromium; .ci/install-chromium puts it there.
 *
 * @type {import('jest').Config}
 */
export default {
	...base,
	testMatch: ['<rootDir>/test/browser/**/*.browser.ts'],
	testTimeout: 60_000,
	maxWorkers: 1,
};
