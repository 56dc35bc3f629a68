/** Real time, because real processes and their time limits are what is tried here. */
export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Fails after `limitMs`, naming what was waited for. */
export async function eventually(
	what: string,
	limitMs: number,
	holds: () => boolean | Promise<boolean>,
): Promise<void> {
	const giveUp = performance.now() + limitMs;
	while (!(await holds())) {
		if (performance.now() > giveUp) throw new Error(`In ${limitMs} ms not: ${what}`);
		await pause(50);
	}
}
