import { RateWindow } from './rate-window';

/** Requests that Cleanlist takes in a minute for one key. */
export const REQUESTS_PER_MINUTE = 30;

/** One window per key, for all executions of this process: Cleanlist counts by key. */
const windows = new Map<string, RateWindow>();

/** Whose requests are counted together, and how many of them a minute may hold. */
export interface Allowance {
	server: string;
	key: string;
	perMinute: number;
}

/** When the next request may be sent (milliseconds since the epoch); the time is taken. Null when only after `deadline`. */
export function takeTurn(
	{ server, key, perMinute }: Allowance,
	nowMs: number,
	deadline: number,
): number | null {
	const name = JSON.stringify([server, key]);
	const window = windows.get(name) ?? new RateWindow();
	windows.set(name, window);
	return window.next(nowMs, perMinute) > deadline ? null : window.take(nowMs, perMinute);
}
