import { send } from './client.ts';
import type { Effect } from './contract.ts';
import { Unavailable } from './world.ts';
import type { Target } from './world.ts';

/** The longest wait for something to end; a case that takes longer is not run. */
const LONGEST_WAIT_MS = 10_000;

export interface RemoteOptions {
	/** Scheme and host, without the prefix. */
	baseUrl: string;
	key: string;
	/** What calls may do, besides reading. */
	allowed: ReadonlySet<Effect>;
	/** Pause between two requests, in ms, to stay below the rate limit. */
	pauseMs: number;
}

/** An API somewhere, by one key: the real one, or any other. */
export function remoteTarget({ baseUrl, key, allowed, pauseMs }: RemoteOptions): Target {
	const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
	return {
		async send(call, as) {
			if (as === 'rate limited') throw new Unavailable('would use up the rate limit');
			await wait(pauseMs);
			if (as === 'nobody') return send(baseUrl, null, call);
			if (as === 'unknown key') return send(baseUrl, `clapi_${'x'.repeat(64)}`, call);
			if (as !== 'caller')
				throw new Unavailable(`needs a key ${as.startsWith('without') ? as : `with ${as}`}`);
			const reply = await send(baseUrl, key, call);
			if (reply.status !== 429) return reply;
			await wait(1_000 * Number(reply.headers.get('retry-after') ?? 60));
			return send(baseUrl, key, call);
		},
		allow(effect) {
			if (effect !== 'read' && !allowed.has(effect)) {
				throw new Unavailable(`needs --allow-${effect === 'paid' ? 'paid' : 'writes'}`);
			}
		},
		async pass(ms) {
			if (ms > LONGEST_WAIT_MS) throw new Unavailable(`would take ${Math.ceil(ms / 1_000)} s`);
			await wait(ms);
		},
		async broken(what) {
			throw new Unavailable(`${what} can't be broken from outside`);
		},
	};
}
