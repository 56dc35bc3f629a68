/** Preloaded into the relay's process: on SIGUSR2 it collects garbage and says on standard error how much is left. */
import { setFlagsFromString } from 'node:v8';
import { isMainThread } from 'node:worker_threads';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

if (isMainThread) {
	process.on('SIGUSR2', () => {
		collect();
		process.stderr.write(`heap in use: ${process.memoryUsage().heapUsed}\n`);
	});
}
