import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';

/** The relay does not send there. The message is one sentence for the operator. */
export class AddressRefused extends Error {
	override readonly name = 'AddressRefused';
	readonly code = 'ADDRESS_REFUSED';
}

/**
 * Keeps deliveries away from places they have no business in: a subscription's URL comes from whoever has a
 * token, and the relay often stands inside a private network. Three layers, because each can be got around alone:
 * the URL when it is saved, the address it resolves to, and the socket's real peer once it is connected.
 */
export interface AddressGuard {
	/** @throws AddressRefused */
	checkUrl(url: string): void;
	/** Connects for undici, checking the resolved address and the peer. */
	connector: buildConnector.connector;
}

/** Where clouds hand out credentials to whoever asks from inside: never, whatever the operator allows. */
const METADATA_ADDRESSES = new Set([
	'169.254.169.254', // AWS, Azure, Google, Oracle, DigitalOcean
	'169.254.170.2', // AWS ECS
	'169.254.170.23', // AWS EKS
	'168.63.129.16', // Azure
	'100.100.100.200', // Alibaba
	'192.0.0.192', // Oracle
	'fd00:ec2::254', // AWS
	'fd00:ec2::23', // AWS EKS
	'fd20:ce::254', // Google
]);
const METADATA_NAMES = new Set([
	'metadata',
	'metadata.google.internal',
	'metadata.goog',
	'instance-data',
	'instance-data.ec2.internal',
]);

const CONNECT_TIMEOUT_MS = 5_000;

type Resolver = (
	hostname: string,
	options: { all: true },
	callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * @param options.allow CIDRs, addresses and host names that deliveries may go to besides the public Internet
 * @param options.resolve for tests
 */
export function createAddressGuard(options: { allow: string[]; resolve?: Resolver }): AddressGuard {
	const { resolve = systemLookup } = options;
	const allow = parseAllowList(options.allow);

	/** Judges an address that was reached under a name (its own text when the URL holds the address). */
	function checkAddress(address: string, name: string): void {
		const parsed = ipaddr.parse(address.replace(/%.*$/, ''));
		const carried = carriedAddress(parsed);
		const judged = carried?.transparent ? carried.address : parsed;
		if ([parsed, carried?.address].some((it) => it && METADATA_ADDRESSES.has(it.toString()))) {
			throw new AddressRefused(
				`${place(name, address)} is a cloud metadata service, which is never delivered to.`,
			);
		}
		const isPublic = judged.range() === 'unicast' && (!carried || carried.transparent);
		if (isPublic || allow.names.has(name) || allow.contains(judged)) return;
		throw new AddressRefused(
			`${place(name, address)} is not a public address: add it to RELAY_ALLOW if the relay may deliver there.`,
		);
	}

	function checkName(name: string): void {
		if (METADATA_NAMES.has(name)) {
			throw new AddressRefused(`${name} is a cloud metadata service, which is never delivered to.`);
		}
	}

	const guardedLookup: LookupFunction = (hostname, lookupOptions, callback) => {
		resolve(hostname, { all: true }, (error, addresses) => {
			if (error) return callback(error, [], 0);
			try {
				// All of them: an attacker's name server may hide one bad address among good ones.
				for (const { address } of addresses) checkAddress(address, normalName(hostname));
			} catch (refusal) {
				return callback(refusal as NodeJS.ErrnoException, [], 0);
			}
			const family = lookupOptions.family === 4 || lookupOptions.family === 6 ? lookupOptions.family : null;
			const usable = family ? addresses.filter((entry) => entry.family === family) : addresses;
			if (lookupOptions.all) return callback(null, usable);
			const [first] = usable;
			if (first) callback(null, first.address, first.family);
			else callback(Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' }), [], 0);
		});
	};
	const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: guardedLookup });

	return {
		checkUrl(url) {
			const parsed = URL.parse(url);
			if (
				!parsed ||
				(parsed.protocol !== 'http:' && parsed.protocol !== 'https:') ||
				parsed.hostname === ''
			) {
				throw new AddressRefused('The URL must begin with http:// or https:// and name a host.');
			}
			if (parsed.username !== '' || parsed.password !== '') {
				throw new AddressRefused('The URL must not hold a user name or password.');
			}
			// WHATWG URLs have turned 0x7f.1, 2130706433 and their like into plain addresses by now.
			const name = normalName(parsed.hostname);
			checkName(name);
			if (ipaddr.isValid(name)) checkAddress(name, name);
			else if (name === 'localhost' || name.endsWith('.localhost')) checkAddress('127.0.0.1', name);
		},

		connector(connectOptions, callback) {
			const name = normalName(connectOptions.hostname);
			try {
				checkName(name);
				// net.connect never looks an address up, so the look-up above would not see it.
				if (ipaddr.isValid(name)) checkAddress(name, name);
			} catch (refusal) {
				callback(refusal as Error, null);
				return;
			}
			connect(connectOptions, (...[error, socket]) => {
				if (error) return callback(error, null);
				try {
					checkAddress(socket.remoteAddress ?? '', name);
				} catch (refusal) {
					socket.destroy();
					return callback(refusal as Error, null);
				}
				callback(null, socket);
			});
		},
	};
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Prefixes of IPv6 addresses that carry an IPv4 address, and the byte at which it begins. */
const CARRIERS = [
	// The address is the IPv4 one in another spelling, or reaches it through the network's NAT64: judged by it.
	{ prefix: '::ffff:0:0/96', at: 12, transparent: true },
	{ prefix: '64:ff9b::/96', at: 12, transparent: true },
	// Obsolete, or a translator of the local network's own: never public, whatever they carry.
	{ prefix: '::/96', at: 12, transparent: false },
	{ prefix: '2002::/16', at: 2, transparent: false },
].map(({ prefix, ...rest }) => ({ ...rest, range: ipaddr.IPv6.parseCIDR(prefix) }));
/** RFC 8215: here the four bytes stand around the ninth, which is zero. */
const LOCAL_NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b:1::/48');

/** The IPv4 address inside an IPv6 one, if it carries one. `::` and `::1` are themselves. */
function carriedAddress(address: Address): { address: Address; transparent: boolean } | null {
	if (address instanceof ipaddr.IPv4 || address.range() === 'loopback' || address.range() === 'unspecified') {
		return null;
	}
	const bytes = address.toByteArray();
	if (address.match(LOCAL_NAT64)) {
		return { address: new ipaddr.IPv4([6, 7, 9, 10].map((at) => bytes[at] ?? 0)), transparent: false };
	}
	const carrier = CARRIERS.find(({ range }) => address.match(range));
	return (
		(carrier && {
			address: new ipaddr.IPv4(bytes.slice(carrier.at, carrier.at + 4)),
			transparent: carrier.transparent,
		}) ??
		null
	);
}

function parseAllowList(entries: string[]) {
	const names = new Set<string>();
	const ranges: [Address, number][] = [];
	for (const entry of entries) {
		const text = normalName(entry.trim());
		if (ipaddr.isValidCIDR(text)) ranges.push(ipaddr.parseCIDR(text));
		else if (ipaddr.isValid(text)) {
			const address = ipaddr.process(text);
			ranges.push([address, address.kind() === 'ipv4' ? 32 : 128]);
		} else names.add(text);
	}
	return {
		names,
		contains: (address: Address) =>
			ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits)),
	};
}

/** Lower case, without the brackets of an IPv6 address and the dot at the end of an absolute name. */
const normalName = (host: string): string =>
	host
		.toLowerCase()
		.replace(/^\[(.*)\]$/, '$1')
		.replace(/\.$/, '');

const place = (name: string, address: string): string =>
	name === address ? address : `${name} (${address})`;
