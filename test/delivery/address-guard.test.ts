import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request, Agent } from 'undici';
import { AddressRefused, createAddressGuard } from '../../relay/src/delivery/address-guard.ts';

const refused = (allow: string[], url: string): string | null => {
	try {
		createAddressGuard({ allow }).checkUrl(url);
		return null;
	} catch (error) {
		if (!(error instanceof AddressRefused)) throw error;
		return error.message;
	}
};

describe('the URL, when it is saved', () => {
	it.each([
		'https://n8n.example.com/webhook/1',
		'http://n8n.example.com:5678/webhook/1',
		'https://8.8.8.8/',
		'https://[2606:4700::1111]/',
		'https://n8n.example.com:65535/',
		'https://n8n.example.com:8443/',
		'https://n8n.example.com./',
		'https://N8N.EXAMPLE.COM/',
		'https://bücher.example/',
		// A backslash is a slash: what follows is the path, and is so for the connection too.
		'https://n8n.example.com\\@127.0.0.1/',
		'https://xn--bcher-kva.example/',
		// NAT64 of a public address: how an IPv6-only network reaches the rest.
		'https://[64:ff9b::808:808]/',
	])('%s may be delivered to', (url) => {
		expect(refused([], url)).toBeNull();
	});

	it.each([
		['loopback', 'http://127.0.0.1:5678/'],
		['loopback by name', 'http://localhost:5678/'],
		['loopback by a name below localhost', 'http://a.localhost/'],
		['loopback by an absolute name', 'http://localhost./'],
		['loopback in capitals', 'http://LOCALHOST/'],
		['loopback, short', 'http://127.1/'],
		['loopback, decimal', 'http://2130706433/'],
		['loopback, hexadecimal', 'http://0x7f000001/'],
		['loopback, octal', 'http://0177.0.0.1/'],
		['loopback, IPv6', 'http://[::1]/'],
		['loopback, mapped into IPv6', 'http://[::ffff:127.0.0.1]/'],
		['loopback, mapped, hexadecimal', 'http://[::ffff:7f00:1]/'],
		['loopback through NAT64', 'http://[64:ff9b::7f00:1]/'],
		['private', 'http://10.0.0.1/'],
		['private', 'http://172.16.0.1/'],
		['private', 'http://192.168.1.1/'],
		['private through NAT64', 'http://[64:ff9b::a00:1]/'],
		['private through 6to4', 'http://[2002:a00:1::]/'],
		['public through 6to4', 'http://[2002:808:808::]/'],
		['Teredo', 'http://[2001:0:4136:e378::]/'],
		['loopback, the old compatible spelling', 'http://[::7f00:1]/'],
		['public, the old compatible spelling', 'http://[::808:808]/'],
		["the local network's own NAT64", 'http://[64:ff9b:1:7f00:0:100:808:808]/'],
		['loopback, IPv6 written out', 'http://[0:0:0:0:0:0:0:1]/'],
		['loopback, mixed spelling', 'http://0x7f.1/'],
		['loopback, octal, short', 'http://017700000001/'],
		['loopback, hexadecimal by bytes', 'http://0x7f.0x0.0x0.0x1/'],
		['loopback, percent-encoded', 'http://127%2e0%2e0%2e1/'],
		['loopback, full-width digits', 'http://１２７.０.０.１/'],
		['loopback, circled digits', 'http://①②⑦.⓪.⓪.①/'],
		['loopback, ideographic full stops', 'http://127。0。0。1/'],
		['loopback by name, full-width', 'http://ｌｏｃａｌｈｏｓｔ/'],
		['loopback by name, two dots at the end', 'http://localhost../'],
		['loopback by name, percent-encoded', 'http://%6cocalhost/'],
		['private, hexadecimal', 'http://0xa000001/'],
		['private, short', 'http://10.1/'],
		['translated (SIIT)', 'http://[::ffff:0:8.8.8.8]/'],
		['site-local, deprecated', 'http://[fec0::1]/'],
		['documentation', 'http://192.0.2.1/'],
		['documentation, IPv6', 'http://[2001:db8::1]/'],
		['benchmarks', 'http://198.18.0.1/'],
		['protocol assignments', 'http://192.0.0.8/'],
		['discard-only', 'http://[100::1]/'],
		['multicast, IPv6', 'http://[ff02::1]/'],
		// Outside 2000::/3, of which alone addresses are given out; ipaddr.js calls it unicast.
		["a private mesh network's (Yggdrasil)", 'http://[200:6fc8:9220::1]/'],
		["a private mesh network's own nets", 'http://[300:6fc8:9220::1]/'],
		['beside the local NAT64', 'http://[64:ff9b:2::808:808]/'],
		['dummies (RFC 9780)', 'http://[100:0:0:1::1]/'],
		['reserved, IPv6', 'http://[4000::1]/'],
		['segment routing', 'http://[5f00::1]/'],
		['documentation, IPv6, the larger block', 'http://[3fff::1]/'],
		['this network', 'http://0.1.2.3/'],
		['carrier-grade NAT', 'http://100.64.0.1/'],
		['link-local', 'http://169.254.1.1/'],
		['link-local, IPv6', 'http://[fe80::1]/'],
		['unique local', 'http://[fd12:3456::1]/'],
		['unspecified', 'http://0.0.0.0/'],
		['unspecified, IPv6', 'http://[::]/'],
		['broadcast', 'http://255.255.255.255/'],
		['multicast', 'http://224.0.0.1/'],
		['reserved', 'http://240.0.0.1/'],
	])('%s (%s) only when the operator allows it', (_, url) => {
		expect(refused([], url)).toMatch(/not a public address: add it to RELAY_ALLOW/);
		expect(refused(['0.0.0.0/0', '::/0'], url)).toBeNull();
	});

	it.each([
		'http://169.254.169.254/latest/meta-data/',
		'http://2852039166/',
		'http://[::ffff:169.254.169.254]/',
		'http://[64:ff9b::a9fe:a9fe]/',
		'http://[fd00:ec2::254]/',
		'http://[::a9fe:a9fe]/',
		'http://[2002:a9fe:a9fe::1]/',
		'http://[64:ff9b:1:a9fe:a9:fe00::]/',
		'http://[::ffff:0:a9fe:a9fe]/',
		'http://[2001:0:1:2:3:4:5601:5601]/',
		'http://0xa9.0xfe.0xa9.0xfe/',
		'http://0251.0376.0251.0376/',
		'http://169.254.43518/',
		'http://169。254。169。254/',
		'http://[0:0:0:0:0:ffff:169.254.169.254]/',
		'http://[FD00:0EC2:0:0::254]/',
		'http://[fe80::a9fe:a9fe]/',
		'http://[fd00:c1::a9fe:a9fe]/opc/v2/instance/',
		'http://[fd00:a9fe:a9fe::1]/',
		'http://[fd00:100::100:200]/',
		'http://168.63.129.16/',
		'http://192.0.0.192/',
		'http://169.254.170.2/v2/credentials',
		'http://169.254.42.42/conf',
		'http://100.100.100.200/',
		'http://metadata/',
		'http://metadata.goog/',
		'http://instance-data.ec2.internal/',
		'http://metadata.google.internal/computeMetadata/v1/',
		'http://METADATA.google.internal./',
		'http://metadata.google.internal../',
		'http://metadata。google。internal/',
		'http://ｍetadata.google.internal/',
		'http://metadata.google.internal:8080/',
	])('%s never, whatever the operator allows', (url) => {
		expect(refused([], url)).toMatch(/metadata service/);
		const allow = ['0.0.0.0/0', '::/0', '169.254.169.254', 'metadata.google.internal', 'metadata'];
		expect(refused(allow, url)).toMatch(/metadata service/);
	});

	it.each([0, 22, 25, 53, 110, 143, 587, 2049, 6000, 6379, 6667, 11211])(
		'port %i belongs to another protocol, whatever the operator allows',
		(port) => {
			expect(refused([], `http://n8n.example.com:${port}/`)).toMatch(/another protocol than HTTP/);
			expect(refused(['10.0.0.1'], `http://10.0.0.1:${port}/`)).toMatch(/another protocol than HTTP/);
		},
	);

	it.each([
		['ftp://n8n.example.com/', /http:\/\/ or https:\/\//],
		['file:///etc/passwd', /http:\/\/ or https:\/\//],
		['javascript:alert(1)', /http:\/\/ or https:\/\//],
		['n8n.example.com', /http:\/\/ or https:\/\//],
		['', /http:\/\/ or https:\/\//],
		['http://', /http:\/\/ or https:\/\//],
		['http://n8n.example.com:65536/', /http:\/\/ or https:\/\//],
		['http://n8n.example.com:0x50/', /http:\/\/ or https:\/\//],
		['http://[fe80::1%25eth0]/', /http:\/\/ or https:\/\//],
		['http://256.1.1.1/', /http:\/\/ or https:\/\//],
		['http://1.2.3.4.5/', /http:\/\/ or https:\/\//],
		['http://8.8.8.8@127.0.0.1/', /user name or password/],
		['http://8.8.8.8%40127.0.0.1/', /http:\/\/ or https:\/\//],
		['http://user:pw@n8n.example.com/', /user name or password/],
		['http://user@n8n.example.com/', /user name or password/],
	])('%p is no URL to deliver to', (url, sentence) => {
		expect(refused(['0.0.0.0/0'], url)).toMatch(sentence);
	});

	it.each([
		[['10.0.0.0/8'], 'http://10.1.2.3/', true],
		[['10.0.0.0/8'], 'http://11.1.2.3/', true],
		[['10.0.0.0/8'], 'http://192.168.0.1/', false],
		[['10.0.0.5'], 'http://10.0.0.5/', true],
		[['10.0.0.5'], 'http://10.0.0.6/', false],
		[['::ffff:10.0.0.5'], 'http://10.0.0.5/', true],
		[['fd00::/8'], 'http://[fd12::1]/', true],
		[['localhost'], 'http://localhost:5678/', true],
		[['LOCALHOST.'], 'http://localhost:5678/', true],
		// A name that is allowed does not allow its address under another name.
		[['localhost'], 'http://127.0.0.1:5678/', false],
	])('with %p allowed, %s is allowed: %p', (allow, url, allowed) => {
		expect(refused(allow, url) === null).toBe(allowed);
	});
});

describe('the connection', () => {
	let server: Server;
	let port: number;
	let hits: number;
	beforeEach(async () => {
		hits = 0;
		server = createServer((_, response) => {
			hits++;
			response.end('ok');
		}).listen(0, '127.0.0.1');
		await once(server, 'listening');
		({ port } = server.address() as AddressInfo);
	});
	afterEach(async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	});

	/** Sends with a name server of the test's making; one address list per look-up. */
	async function get(url: string, allow: string[], ...answers: string[][]) {
		let looked = 0;
		const guard = createAddressGuard({
			allow,
			resolve(_host, _options, callback) {
				const addresses = answers[Math.min(looked++, answers.length - 1)] ?? [];
				callback(
					null,
					addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
				);
			},
		});
		const dispatcher = new Agent({ connect: guard.connector });
		try {
			const { statusCode, body } = await request(url, { dispatcher });
			await body.dump();
			return statusCode;
		} catch (error) {
			return error;
		} finally {
			await dispatcher.destroy();
		}
	}

	it('goes through to an allowed address', async () => {
		expect(await get(`http://127.0.0.1:${port}/`, ['127.0.0.0/8'])).toBe(200);
		expect(await get(`http://n8n.example:${port}/`, ['127.0.0.0/8'], ['127.0.0.1'])).toBe(200);
		expect(await get(`http://n8n.example:${port}/`, ['n8n.example'], ['127.0.0.1'])).toBe(200);
	});

	it.each([
		['an address literal, which is never looked up', 'http://127.0.0.1', []],
		['a mapped literal', 'http://[::ffff:127.0.0.1]', []],
		['a name that resolves to it', 'http://n8n.example', [['127.0.0.1']]],
		['a name with one bad address among good ones', 'http://n8n.example', [['8.8.8.8', '127.0.0.1']]],
		['a name that resolves to a metadata service', 'http://n8n.example', [['169.254.169.254']]],
		['a name that resolves to a mapped address', 'http://n8n.example', [['::ffff:127.0.0.1']]],
		['a name that resolves to an address with a zone', 'http://n8n.example', [['fe80::1%lo']]],
		['a metadata service by name, which resolves to a public address', 'http://metadata.', [['8.8.8.8']]],
	])('is refused before anything is sent: %s', async (_, origin, answers) => {
		expect(await get(`${origin}:${port}/`, [], ...answers)).toBeInstanceOf(AddressRefused);
		expect(hits).toBe(0);
	});

	it.each([
		['by address', ['0.0.0.0/0', '::/0', '169.254.169.254']],
		['by name', ['n8n.example']],
	])('never reaches a metadata service, though it be allowed %s', async (_, allow) => {
		for (const address of ['169.254.169.254', '::ffff:a9fe:a9fe', 'fd00:ec2::254']) {
			expect(await get(`http://n8n.example:${port}/`, allow, [address])).toBeInstanceOf(AddressRefused);
		}
	});

	it("is refused at another protocol's port, also for a subscription saved before that was checked", async () => {
		expect(await get('http://127.0.0.1:6379/', ['127.0.0.0/8'])).toBeInstanceOf(AddressRefused);
	});

	it('fails where a name has no address, instead of waiting for one', async () => {
		expect(await get('http://n8n.example/', [], [])).toMatchObject({ code: 'ENOTFOUND' });
	});

	it('is refused when the name resolves to something else the second time', async () => {
		const outcome = await get(`http://n8n.example:${port}/`, ['127.0.0.1'], ['127.0.0.1'], ['10.0.0.1']);
		expect(outcome).toBe(200);
		// The same name, rebound to a private address after it was checked: a new connection is judged anew.
		const rebound = await get(`http://n8n.example:${port}/`, ['127.0.0.1'], ['10.0.0.1']);
		expect(rebound).toBeInstanceOf(AddressRefused);
		expect(hits).toBe(1);
	});

	it('is given up when the socket has another peer than was looked at', async () => {
		// An address that reads differently the second time: what any gap between check and connect would amount to.
		let read = 0;
		const shifty = {
			family: 4,
			get address() {
				return read++ === 0 ? '8.8.8.8' : '127.0.0.1';
			},
		};
		const guard = createAddressGuard({
			allow: [],
			resolve: (_host, _options, callback) => callback(null, [shifty]),
		});
		const dispatcher = new Agent({ connect: guard.connector });
		await expect(request(`http://n8n.example:${port}/`, { dispatcher })).rejects.toBeInstanceOf(
			AddressRefused,
		);
		expect(read).toBeGreaterThan(1);
		expect(hits).toBe(0);
		await dispatcher.destroy();
	});
});
