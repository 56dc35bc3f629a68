import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { giveBackStartupMemory, giveBackStartupMemoryWhenIdle } from '../../relay/src/memory.ts';

async function unneeded(): Promise<WeakRef<object>> {
	const reference = new WeakRef({});
	// Until then a WeakRef holds on to what it was just made of.
	await turn();
	return reference;
}

test('what nothing needs any more is given back at once, and nobody is left a way to ask for it again', async () => {
	const reference = await unneeded();
	giveBackStartupMemory();
	await turn();
	expect(reference.deref()).toBeUndefined();
	expect((globalThis as { gc?: unknown }).gc).toBeUndefined();
});

test('a backlog does not wait for it: it is given back in the first second with little to do, and once', async () => {
	const reference = await unneeded();
	jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
	const loop = jest.spyOn(performance, 'eventLoopUtilization');
	const pass = async (utilization: number) => {
		loop.mockReturnValue({ idle: 0, active: 0, utilization });
		jest.advanceTimersByTime(1_000);
		await turn();
	};
	try {
		giveBackStartupMemoryWhenIdle();
		await pass(0.9);
		await pass(0.5);
		expect(jest.getTimerCount()).toBe(1);
		await pass(0.01);
		expect(reference.deref()).toBeUndefined();
		expect(jest.getTimerCount()).toBe(0);
	} finally {
		loop.mockRestore();
		jest.useRealTimers();
	}
});
