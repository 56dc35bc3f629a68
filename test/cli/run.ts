import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const MAIN = join(__dirname, '../../relay/src/main.ts');

/** `cleanlist-relay` as a process, with none of this process's settings. */
export function start(args: string[]) {
	const { PATH } = process.env;
	const child = spawn(process.execPath, [MAIN, ...args], {
		env: { PATH },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const output = { out: '', err: '' };
	child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
	child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()));
	const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
	return {
		ended,
		/** The first line of its output. */
		async line(): Promise<string> {
			while (!output.out.includes('\n')) {
				if (child.exitCode !== null) throw new Error(output.err);
				await Promise.race([once(child.stdout, 'data'), ended]);
			}
			return output.out.split('\n', 1)[0]!;
		},
		async stop(signal: NodeJS.Signals = 'SIGTERM') {
			child.kill(signal);
			return ended;
		},
	};
}

export const run = (args: string[]) => start(args).ended;
