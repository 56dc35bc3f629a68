import ipaddr from 'ipaddr.js';
import { isLoopback, isLoopbackUrl } from '../config.ts';
import type { Config } from '../config.ts';
import { note, ok, warning } from './finding.ts';
import type { Finding } from './finding.ts';

/** Whether the settings are safe together. That each is valid was seen when they were read. */
export function checkSettings(config: Config): Finding[] {
	const { host, publicUrl, reference, allow, encryptBodies } = config;
	const local = isLoopback(host);
	const findings: Finding[] = [];
	const wide = allow.filter(isEverything);
	if (wide.length > 0) {
		findings.push(
			warning(
				'safety',
				`RELAY_ALLOW has ${wide.join(', ')}: whoever has a token can have the relay post to any private address.`,
				'Name only the network, address or host that n8n is on.',
			),
		);
	}
	if (reference.enabled && (!local || publicUrl !== null)) {
		findings.push(
			warning(
				'safety',
				'The reference API, a stand-in with a demo key, runs where others can reach it.',
				'Set RELAY_REFERENCE=off unless it is meant to be tried from elsewhere.',
			),
		);
	}
	if (reference.enabled && reference.control === 'anywhere') {
		findings.push(
			warning(
				'safety',
				'Whoever reaches the port can reset and steer the reference API.',
				'Set RELAY_REFERENCE_CONTROL=loopback.',
			),
		);
	}
	if (publicUrl?.startsWith('http:') && !isLoopbackUrl(publicUrl)) {
		findings.push(
			warning(
				'safety',
				'RELAY_PUBLIC_URL is not https, so ingest URLs, which are secrets, and results travel in the clear.',
				'Put a proxy with a certificate in front and set RELAY_PUBLIC_URL to its https URL.',
			),
		);
	}
	if (!local && publicUrl === null) {
		findings.push(
			note(
				'safety',
				`The relay listens on ${host} and knows no RELAY_PUBLIC_URL, so ingest URLs begin with the address it listens on.`,
				'Set RELAY_PUBLIC_URL to what Cleanlist and n8n reach the relay under.',
			),
		);
	}
	if (!encryptBodies && publicUrl !== null) {
		findings.push(
			note(
				'safety',
				'Bodies, which hold personal data, lie unencrypted in the database.',
				'Set RELAY_ENCRYPT_BODIES=on and run cleanlist-relay rekey, unless the disk is encrypted.',
			),
		);
	}
	return [ok('settings', 'Every setting is valid.'), ...findings];
}

function isEverything(entry: string): boolean {
	if (!ipaddr.isValidCIDR(entry)) return false;
	const [, bits] = ipaddr.parseCIDR(entry);
	return bits < 8;
}
