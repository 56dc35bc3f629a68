/**
 * Lets the event loop turn until `condition` holds: for waiting on real I/O while the injected clock stands still.
 * Fails after `withinMs` real milliseconds, naming what was waited for.
 */
export async function until(
	what: string,
	condition: () => boolean | Promise<boolean>,
	withinMs = 10_000,
): Promise<void> {
	const giveUp = performance.now() + withinMs;
	while (!(await condition())) {
		if (performance.now() > giveUp) throw new Error(`Waited in vain until ${what}`);
		await new Promise((resolve) => setImmediate(resolve));
	}
}
