import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';
import {
	carriedAddress,
	isMetadataAddress,
	isMetadataName,
	isOtherProtocol,
	isPublic,
	normalName,
	parseAllowList,
} from './addresses.ts';

/** The relay does not send there. The message is one sentence for the operator. */
export class AddressRefused extends Error {
	override readonly name = 'AddressRefused';
	readonly code = 'ADDRESS_REFUSED';
	/** What to do, where RELAY_ALLOW does not open it. */
	readonly fix: string | undefined;

	constructor(message: string, fix?: string) {
		super(message);
		this.fix = fix;
	}
}

const metadataRefused = (where: string) =>
	new AddressRefused(
		`${where} is a cloud metadata service, which is never delivered to.`,
		'Use the URL of the receiver itself; no setting opens this one.',
	);

/** Connects for undici. Gives the socket out at once, for those who watch it connect; null when it was refused. */
export type Connector = (options: buildConnector.Options, callback: buildConnector.Callback) => Socket | null;

/**
 * Keeps deliveries away from places they have no business in: a subscription's URL comes from whoever has a
 * token, and the relay often stands inside a private network. Three layers, because each can be got around alone:
 * the URL when it is saved, the address it resolves to, and the socket's real peer once it is connected.
 */
export interface AddressGuard {
	/** @throws AddressRefused */
	checkUrl(url: string): void;
	/** Connects, checking the resolved address and the peer. */
	connector: Connector;
}

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
		if (isMetadataAddress(parsed) || (carried && isMetadataAddress(carried.address))) {
			throw metadataRefused(place(name, address));
		}
		const open = isPublic(judged) && (!carried || carried.transparent);
		if (open || allow.names.has(name) || allow.contains(judged)) return;
		throw new AddressRefused(
			`${place(name, address)} is not a public address: add it to RELAY_ALLOW if the relay may deliver there.`,
		);
	}

	/** What can be judged before anything is looked up: name, port, and an address that is written out. */
	function checkHost(name: string, port: string): void {
		if (isMetadataName(name)) {
			throw metadataRefused(name);
		}
		if (isOtherProtocol(port)) {
			throw new AddressRefused(
				`Port ${port} is that of another protocol than HTTP.`,
				'Have the receiver listen on another port; no setting opens this one.',
			);
		}
		if (ipaddr.isValid(name)) checkAddress(name, name);
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
			const [first] = usable;
			if (!first)
				callback(Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' }), [], 0);
			else if (lookupOptions.all) callback(null, usable);
			else callback(null, first.address, first.family);
		});
	};
	// undici's types hide that its connectors give the socket out.
	const connect = buildConnector({
		timeout: CONNECT_TIMEOUT_MS,
		lookup: guardedLookup,
		allowH2: false,
	}) as (...args: Parameters<Connector>) => Socket;

	return {
		checkUrl(url) {
			const parsed = URL.parse(url);
			if (
				!parsed ||
				(parsed.protocol !== 'http:' && parsed.protocol !== 'https:') ||
				parsed.hostname === ''
			) {
				throw new AddressRefused(
					'The URL must begin with http:// or https:// and name a host.',
					'Use the URL as n8n shows it.',
				);
			}
			if (parsed.username !== '' || parsed.password !== '') {
				throw new AddressRefused(
					'The URL must not hold a user name or password.',
					'Take them out: the receiver knows the relay by the signature.',
				);
			}
			// WHATWG URLs have turned 0x7f.1, 2130706433 and their like into plain addresses by now.
			const name = normalName(parsed.hostname);
			checkHost(name, parsed.port);
			if (name === 'localhost' || name.endsWith('.localhost')) checkAddress('127.0.0.1', name);
		},

		connector(connectOptions, callback) {
			const name = normalName(connectOptions.hostname);
			try {
				// net.connect never looks an address up, so the look-up above would not see it.
				checkHost(name, connectOptions.port);
			} catch (refusal) {
				callback(refusal as Error, null);
				return null;
			}
			return connect(connectOptions, (...[error, socket]) => {
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

const place = (name: string, address: string): string =>
	name === address ? address : `${name} (${address})`;
