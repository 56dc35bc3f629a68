import { sep } from 'node:path';
import TestSequencer from '@jest/test-sequencer';

/** Those of `npm test` that take longest, the longest first: 165 s to 38 s on two cores. */
const SLOWEST = [
	'test/nodes/item-counts.test.ts',
	'test/relay/postgres.test.ts',
	'test/store/postgres.test.ts',
	'test/relay/process.test.ts',
	'test/engine/demo.test.ts',
	'test/package/relay-package.test.ts',
].map((path) => path.replaceAll('/', sep));

/**
 * Begins with the slowest, wherever they were never timed: there Jest begins with the largest files, and at the end of a run
 * in a new clone one worker waited two minutes for the other, which was at one of 45 lines.
 */
export default class SlowestFirst extends TestSequencer {
	sort(tests) {
		const place = ({ path }) => SLOWEST.findIndex((slow) => path.endsWith(slow)) + 1 || SLOWEST.length + 1;
		return super.sort(tests).sort((a, b) => place(a) - place(b));
	}
}
