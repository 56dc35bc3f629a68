import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { ApiError } from '../errors.ts';

/** Who may steer: processes of this machine, or whoever reaches the port. */
export type SteeringAccess = 'loopback' | 'anywhere';

/** What a proxy adds: behind one, everybody seems to come from this machine. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

/** Names that no public DNS can hold, and so no page of a stranger's can make point here. */
const LOCAL_NAME = /^(?:[a-z0-9_-]+|(?:[a-z0-9_-]+\.)+(?:localhost|internal))$/i;

/**
 * Lets in whoever may steer the reference API. The socket's own peer counts and no header can change it. Pages of
 * other sites are kept out in both ways they have: by their `Origin` when they send requests across, and by the
 * name in `Host` when they have made a name of theirs point to this machine (DNS rebinding).
 *
 * @throws ApiError 403
 */
export function admitSteering(request: FastifyRequest, access: SteeringAccess): void {
	const { headers, socket } = request.raw;
	if (access === 'loopback') {
		if (!isLoopback(socket.remoteAddress)) {
			throw refused('from another machine', 'Send it from the machine that the reference API runs on.');
		}
		const header = FORWARDED.find((name) => headers[name] !== undefined);
		if (header) throw refused(`through a proxy (it has the header ${header})`, 'Send it directly.');
	}
	const { host = '', origin } = headers;
	if (!isLocalHost(host)) {
		throw refused(
			`under the host name ${JSON.stringify(host.slice(0, 100))}`,
			'Use the address itself, e.g. http://127.0.0.1 with the port, or localhost.',
		);
	}
	const foreign =
		(origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) ||
		headers['sec-fetch-site'] === 'cross-site';
	if (foreign) {
		throw refused('by a page of another site', 'Send it from a script, or from the inspector’s own page.');
	}
}

const refused = (how: string, fix: string) =>
	new ApiError({
		status: 403,
		code: 'steering_refused',
		problem: `The reference API is not steered by requests that come ${how}.`,
		fix,
	});

const isLoopback = (address: string | undefined): boolean =>
	address !== undefined && ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';

/** Whether the name in a Host header is one that only this network can give: an address, or a local name. */
function isLocalHost(host: string): boolean {
	const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(host) ?? [];
	if (name.startsWith('[')) return ipaddr.IPv6.isValid(name.slice(1, -1));
	return ipaddr.IPv4.isValidFourPartDecimal(name) || (LOCAL_NAME.test(name) && !/^[\d.]+$/.test(name));
}
