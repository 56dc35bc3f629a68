import { setImmediate as turn } from 'node:timers/promises';
import { giveBackStartupMemory } from '../../relay/src/startup-memory.ts';

test('what nothing needs any more is given back at once, and nobody is left a way to ask for it again', async () => {
	const unneeded = new WeakRef({});
	// Until then a WeakRef holds on to what it was just made of.
	await turn();
	giveBackStartupMemory();
	await turn();
	expect(unneeded.deref()).toBeUndefined();
	expect((globalThis as { gc?: unknown }).gc).toBeUndefined();
});
