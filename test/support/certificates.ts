import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

/*
 * X.509 certificates for tests, made on the spot: Node can read them but not make them. Just enough DER (X.690) for a
 * certificate authority and server certificates that are right, or wrong on purpose.
 */

/** A certificate with its key, as node:tls takes them (PEM). */
export interface Certificate {
	cert: string;
	key: string;
}

export interface Authority extends Certificate {
	/** Makes a certificate for a server under these names and addresses, good from yesterday until tomorrow unless told. */
	issue(names: string[], validity?: { from: Date; until: Date }): Certificate;
}

const DAY_MS = 24 * 3_600_000;

/** A certificate authority of its own, trusted by nobody unless told to. */
export function createAuthority(): Authority {
	const name = distinguishedName('Test authority');
	const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const validity = aroundNow();
	const isAuthority = sequence(oid(2, 5, 29, 19), TRUE, octets(sequence(TRUE)));
	const authority = { issuer: name, signer: privateKey };
	return {
		cert: certificate({ ...authority, subject: name, publicKey, validity, extension: isAuthority }),
		key: pem(privateKey),
		issue(names, asked = validity) {
			const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
			const alternatives = names.map((it) =>
				isIP(it) === 4
					? tagged(0x87, Buffer.from(it.split('.').map(Number)))
					: tagged(0x82, Buffer.from(it, 'ascii')),
			);
			return {
				cert: certificate({
					...authority,
					subject: distinguishedName(names[0] ?? ''),
					publicKey: server.publicKey,
					validity: asked,
					extension: sequence(oid(2, 5, 29, 17), octets(sequence(...alternatives))),
				}),
				key: pem(server.privateKey),
			};
		},
	};
}

const aroundNow = () => ({ from: new Date(Date.now() - DAY_MS), until: new Date(Date.now() + DAY_MS) });

function certificate(options: {
	issuer: Buffer;
	signer: KeyObject;
	subject: Buffer;
	publicKey: KeyObject;
	validity: { from: Date; until: Date };
	extension: Buffer;
}): string {
	const { issuer, signer, subject, publicKey, validity, extension } = options;
	const algorithm = sequence(oid(1, 2, 840, 10045, 4, 3, 2)); // ecdsa-with-SHA256
	const toBeSigned = sequence(
		tagged(0xa0, integer(Buffer.from([2]))), // version 3
		integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])), // serial number, positive
		algorithm,
		issuer,
		sequence(time(validity.from), time(validity.until)),
		subject,
		publicKey.export({ type: 'spki', format: 'der' }),
		tagged(0xa3, sequence(extension)),
	);
	const signature = sign('sha256', toBeSigned, signer);
	const der = sequence(toBeSigned, algorithm, tagged(0x03, Buffer.from([0]), signature));
	const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
	return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;

function tagged(tag: number, ...content: Buffer[]): Buffer {
	const body = Buffer.concat(content);
	const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff]; // up to 64 KiB
	return Buffer.concat([Buffer.from([tag, ...length]), body]);
}
const sequence = (...content: Buffer[]) => tagged(0x30, ...content);
const integer = (bytes: Buffer) => tagged(0x02, bytes);
const octets = (content: Buffer) => tagged(0x04, content);
const TRUE = tagged(0x01, Buffer.from([0xff]));
const time = (date: Date) =>
	tagged(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`, 'ascii'));
const distinguishedName = (commonName: string) =>
	sequence(tagged(0x31, sequence(oid(2, 5, 4, 3), tagged(0x0c, Buffer.from(commonName)))));

function oid(first: number, second: number, ...rest: number[]): Buffer {
	const bytes = rest.flatMap((arc) => {
		const groups = [arc & 0x7f];
		for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
		return groups;
	});
	return tagged(0x06, Buffer.from([first * 40 + second, ...bytes]));
}
