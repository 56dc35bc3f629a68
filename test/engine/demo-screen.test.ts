import { stripVTControlCharacters } from 'node:util';
import { createScreen } from '../../demo/screen.ts';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

function stream(isTTY: boolean) {
	const written: string[] = [];
	const write = (text: string) => written.push(text) > 0;
	return { screen: createScreen({ isTTY, write } as unknown as NodeJS.WriteStream), written };
}

describe('what the demo shows while it works', () => {
	beforeEach(() => jest.useFakeTimers());
	afterEach(() => jest.useRealTimers());

	it('is a line that moves on a terminal, and that makes room for what is done', () => {
		const { screen, written } = stream(true);
		screen.doing('Waiting');
		jest.advanceTimersByTime(200);
		const frames = written.map((text) => stripVTControlCharacters(text).trim());
		expect(new Set(frames).size).toBe(3);
		expect(frames.every((frame) => /^\S Waiting$/.test(frame))).toBe(true);

		written.length = 0;
		screen.done('Ready');
		jest.advanceTimersByTime(1_000);
		expect(written.map(stripVTControlCharacters)).toEqual(['\r', '✓ Ready\n']);
		expect(jest.getTimerCount()).toBe(0);
	});

	it('gives the cursor back, however it ends', () => {
		const { screen, written } = stream(true);
		screen.doing('Waiting');
		expect(written.join('')).toContain(HIDE_CURSOR);
		screen.clear();
		screen.clear();
		expect(written.join('').endsWith(SHOW_CURSOR)).toBe(true);
	});

	it('is only what is done when nobody watches', () => {
		const { screen, written } = stream(false);
		screen.doing('Waiting');
		screen.done('Ready');
		screen.print(['a', 'b']);
		expect(written.map(stripVTControlCharacters)).toEqual(['✓ Ready\n', 'a\nb\n']);
	});
});
