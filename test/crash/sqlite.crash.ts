import { SQLITE_POINTS, testCrashPoints } from './crash-points.ts';

/** Killed at every point of its work on SQLite. The lock on the folder tells the next process that it is alone. */

testCrashPoints({ points: SQLITE_POINTS, env: () => ({}), leasesRunOut: false });
