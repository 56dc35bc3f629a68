import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Where clouds hand out credentials to whoever asks from inside: never, whatever the operator allows. */
const METADATA_ADDRESSES = new Set([
	'169.254.169.254', // AWS, Azure, Google, Oracle, DigitalOcean, Hetzner, OpenStack
	'169.254.170.2', // AWS ECS
	'169.254.170.23', // AWS EKS
	'168.63.129.16', // Azure
	'100.100.100.200', // Alibaba
	'192.0.0.192', // Oracle
	'169.254.42.42', // Scaleway
	'169.254.0.23', // Tencent
	'fd00:ec2::254', // AWS
	'fd00:ec2::23', // AWS EKS
	'fd20:ce::254', // Google
	'fd00:c1::a9fe:a9fe', // Oracle
	'fd00:100::100:200', // Alibaba
	'fd00:42::42', // Scaleway
	'fd00:a9fe:a9fe::1', // Akamai
	'fe80::a9fe:a9fe', // OpenStack
]);
const METADATA_NAMES = new Set([
	'metadata',
	'metadata.google.internal',
	'metadata.goog',
	'metadata.tencentyun.com',
	'instance-data',
	'instance-data.ec2.internal',
]);

export const isMetadataAddress = (address: Address): boolean => METADATA_ADDRESSES.has(address.toString());
export const isMetadataName = (name: string): boolean => METADATA_NAMES.has(name);

/** Of IPv6 only these are given out. Private networks take others for their own, which no list calls private. */
const GIVEN_OUT = ipaddr.IPv6.parseCIDR('2000::/3');

/** Whether anybody on the Internet may have it. */
export const isPublic = (address: Address): boolean =>
	address.range() === 'unicast' && (address instanceof ipaddr.IPv4 || address.match(GIVEN_OUT));

/** Prefixes of IPv6 addresses that carry an IPv4 address, and the byte at which it begins. */
const CARRIERS = [
	// The address is the IPv4 one in another spelling, or reaches it through the network's NAT64: judged by it.
	{ prefix: '::ffff:0:0/96', at: 12, transparent: true },
	{ prefix: '64:ff9b::/96', at: 12, transparent: true },
	// Obsolete, or a translator of the local network's own: never public, whatever they carry.
	{ prefix: '::/96', at: 12, transparent: false },
	{ prefix: '::ffff:0:0:0/96', at: 12, transparent: false },
	{ prefix: '2002::/16', at: 2, transparent: false },
	// Teredo writes it with every bit turned over.
	{ prefix: '2001::/32', at: 12, transparent: false, inverted: true },
].map(({ prefix, ...rest }) => ({ inverted: false, ...rest, range: ipaddr.IPv6.parseCIDR(prefix) }));
/** RFC 8215: here the four bytes stand around the ninth, which is zero. */
const LOCAL_NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b:1::/48');

/** The IPv4 address inside an IPv6 one, if it carries one. `::` and `::1` are themselves. */
export function carriedAddress(address: Address): { address: Address; transparent: boolean } | null {
	if (address instanceof ipaddr.IPv4 || address.range() === 'loopback' || address.range() === 'unspecified') {
		return null;
	}
	const bytes = address.toByteArray();
	if (address.match(LOCAL_NAT64)) {
		return { address: new ipaddr.IPv4([6, 7, 9, 10].map((at) => bytes[at] ?? 0)), transparent: false };
	}
	const carrier = CARRIERS.find(({ range }) => address.match(range));
	if (!carrier) return null;
	const carried = bytes
		.slice(carrier.at, carrier.at + 4)
		.map((byte) => (carrier.inverted ? byte ^ 0xff : byte));
	return { address: new ipaddr.IPv4(carried), transparent: carrier.transparent };
}

/**
 * Ports of other protocols, which nothing is posted to. Some of those read an HTTP request as commands of their own,
 * so that whoever chooses the body of a webhook would speak to a mail server or a cache by way of the relay.
 * The first list is that of browsers (https://fetch.spec.whatwg.org/#port-blocking).
 */
const OTHER_PROTOCOLS = new Set([
	// Nothing can listen there.
	0,
	...[
		1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
	],
	...[
		109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
	],
	...[526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049],
	...[3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
	// Redis and memcached, whose protocols are lines of text.
	...[6379, 11211],
]);

/** @param port as in a URL: empty for the protocol's own */
export const isOtherProtocol = (port: string): boolean => port !== '' && OTHER_PROTOCOLS.has(Number(port));

/** Reads the operator's list of CIDRs, addresses and host names. */
export function parseAllowList(entries: string[]) {
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

/** Lower case, without the brackets of an IPv6 address and the dots at the end of an absolute name. */
export const normalName = (host: string): string =>
	host
		.toLowerCase()
		.replace(/^\[(.*)\]$/, '$1')
		.replace(/\.+$/, '');
