import ipaddr from 'ipaddr.js';
import type { Clock } from '../clock.ts';

/**
 * Counts requests with unknown tokens for each address, in fixed windows of a minute. Only what is unknown is
 * ever counted or refused: many senders may share one proxy, and a known token is let through whatever
 * happened before.
 */
export interface UnknownTokenLimiter {
	/**
	 * Counts one; returns the seconds to wait when the address has used up its share, else null.
	 *
	 * @param address undefined for a sender who has gone already, whatever Fastify's types say of `request.ip`
	 */
	count(address: string | undefined): number | null;
}

const WINDOW_MS = 60_000;
/** Bounds the memory; in a window with more addresses than this, further ones are refused at once. */
const MAX_ADDRESSES = 10_000;

export function createUnknownTokenLimiter(options: { clock: Clock; perMinute: number }): UnknownTokenLimiter {
	const { clock, perMinute } = options;
	const counts = new Map<string, number>();
	let windowStart = clock.monotonic();

	return {
		count(address) {
			const now = clock.monotonic();
			if (now - windowStart >= WINDOW_MS) {
				counts.clear();
				windowStart = now;
			}
			const network = networkOf(address);
			const count = counts.get(network) ?? (counts.size < MAX_ADDRESSES ? 0 : perMinute);
			if (count >= perMinute) return Math.ceil((windowStart + WINDOW_MS - now) / 1_000);
			counts.set(network, count + 1);
			return null;
		},
	};
}

/** An IPv6 sender owns a whole /64, so its first four groups stand for it; an IPv4 address stands for itself. */
function networkOf(sender = ''): string {
	// Some proxies write the sender's port, too, which is another one each time.
	const address = sender.replace(/^(?:\[(.+)\]|([\d.]+)):\d+$/, '$1$2');
	// Only who has gone, or a proxy that passes on what it was sent, says anything else: all of that is one sender.
	if (!ipaddr.isValid(address)) return 'unreadable';
	const parsed = ipaddr.process(address);
	return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
}
