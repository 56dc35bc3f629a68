import type { Store } from '../../relay/src/store/port.ts';

/** Turns of the event loop without a call after which nobody is taken to be at work. */
const TURNS = 20;

/**
 * A store that knows whether somebody waits for it. A real one answers when its disk or its network has, not in the same
 * turn of the event loop, so a test that moves time has to let it finish first.
 */
export function watched(store: Store): { store: Store; quiet(): Promise<void> } {
	let calls = 0;
	let quietTurns = 0;
	const watch = (method: (...args: never[]) => unknown) =>
		function call(...args: never[]): unknown {
			const answer = method(...args);
			quietTurns = 0;
			if (answer instanceof Promise) {
				calls++;
				const done = () => void calls--;
				answer.then(done, done);
			}
			return answer;
		};
	const methods = Object.entries(store).map(([name, method]) => [
		name,
		watch(method as (...args: never[]) => unknown),
	]);

	return {
		store: Object.fromEntries(methods) as Store,
		async quiet() {
			for (quietTurns = 0; calls > 0 || quietTurns < TURNS; quietTurns++) {
				await new Promise((resolve) => setImmediate(resolve));
			}
		},
	};
}
