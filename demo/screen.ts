import { styleText } from 'node:util';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Colours, when the output is a terminal that wants them (NO_COLOR and FORCE_COLOR count). */
export const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
	styleText(format, text);

/**
 * What the demo shows while it works. On a terminal the step under way is one line that moves; elsewhere (a file,
 * a CI log) only what is done is printed.
 */
export interface Screen {
	/** A finished step. */
	done(text: string): void;
	/** The step under way; replaces the one before. */
	doing(text: string): void;
	/** Ordinary output. */
	print(lines: string[]): void;
	/** Takes the moving line away. */
	clear(): void;
}

export function createScreen(stream: NodeJS.WriteStream): Screen {
	let timer: NodeJS.Timeout | undefined;
	const clear = () => {
		if (!timer) return;
		clearInterval(timer);
		timer = undefined;
		stream.write('\r\x1b[K\x1b[?25h');
	};
	return {
		clear,
		doing(text) {
			clear();
			if (!stream.isTTY) return;
			let frame = 0;
			const draw = () => {
				const symbol = FRAMES[frame++ % FRAMES.length]!;
				stream.write(`\x1b[?25l\r${paint('cyan', symbol)} ${text}\x1b[K`);
			};
			draw();
			timer = setInterval(draw, 80);
			timer.unref();
		},
		done(text) {
			clear();
			stream.write(`${paint('green', '✓')} ${text}\n`);
		},
		print(lines) {
			clear();
			stream.write(`${lines.join('\n')}\n`);
		},
	};
}
