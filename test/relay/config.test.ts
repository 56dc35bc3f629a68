import { resolve } from 'node:path';
import { ConfigError, localUrl, readConfig, SETTINGS } from '../../relay/src/config.ts';
import { scrub } from '../../relay/src/log.ts';

const faultsOf = (env: NodeJS.ProcessEnv) => {
	try {
		readConfig(env);
	} catch (error) {
		if (error instanceof ConfigError) return error.message.split('\n');
		throw error;
	}
	return [];
};

const DAY = 86_400_000;

test('with no settings the relay is a local run: loopback, with the reference API', () => {
	expect(readConfig({ PATH: '/bin' })).toEqual({
		host: '127.0.0.1',
		port: 8717,
		publicUrl: null,
		dataFolder: resolve('.cleanlist-relay'),
		databaseUrl: null,
		masterKey: null,
		sealingKeys: null,
		reference: { enabled: true, completionMs: null, limits: null, control: 'loopback' },
		allow: ['127.0.0.0/8', '::1/128', 'localhost'],
		trustProxy: [],
		maxConnections: 1_000,
		token: null,
		openMetrics: false,
		showKeys: true,
		log: { level: 'info', format: 'auto' },
		diskReserveBytes: 256 * 1024 * 1024,
		encryptBodies: false,
		retention: { pendingMs: 7 * DAY, deliveredMs: 30 * DAY, deadMs: 90 * DAY, keysMs: 180 * DAY },
		shutdownGraceMs: 0,
		shutdownBudgetMs: 8_000,
	});
});

test('every setting can be set', () => {
	expect(
		readConfig({
			RELAY_HOST: '0.0.0.0',
			RELAY_PORT: '0',
			RELAY_PUBLIC_URL: 'https://Relay.example.com/hooks/',
			RELAY_DATA: '/var/lib/relay',
			DATABASE_URL: 'postgres://relay:s%40cret@db.internal/relay',
			RELAY_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
			RELAY_SEALING_KEYS: `1 ${Buffer.alloc(32, 8).toString('base64')},2 ${Buffer.alloc(32, 9).toString('base64')}`,
			RELAY_REFERENCE: 'on',
			RELAY_REFERENCE_COMPLETION_MS: '0',
			RELAY_REFERENCE_LIMITS: '60/300',
			RELAY_REFERENCE_CONTROL: 'anywhere',
			RELAY_ALLOW: '10.0.0.0/8, fd00::/8, 192.168.1.7,n8n.internal , n8n',
			RELAY_TRUST_PROXY: 'loopback,10.1.2.3',
			RELAY_MAX_CONNECTIONS: '200',
			RELAY_METRICS: 'open',
			RELAY_TOKEN: `crt_${'a'.repeat(43)}`,
			RELAY_SHOW_KEYS: 'never',
			RELAY_LOG_LEVEL: 'debug',
			RELAY_LOG_FORMAT: 'pretty',
			RELAY_DISK_RESERVE_MIB: '0',
			RELAY_ENCRYPT_BODIES: 'on',
			RELAY_RETENTION_PENDING_DAYS: '14',
			RELAY_RETENTION_DELIVERED_DAYS: '7',
			RELAY_RETENTION_DEAD_DAYS: '365',
			RELAY_RETENTION_KEYS_DAYS: 'off',
			RELAY_SHUTDOWN_GRACE_MS: '5000',
			RELAY_SHUTDOWN_BUDGET_MS: '30000',
		}),
	).toEqual({
		host: '0.0.0.0',
		port: 0,
		publicUrl: 'https://relay.example.com/hooks',
		dataFolder: resolve('/var/lib/relay'),
		databaseUrl: 'postgres://relay:s%40cret@db.internal/relay',
		masterKey: Buffer.alloc(32, 7),
		sealingKeys: [
			{ id: 1, key: Buffer.alloc(32, 8) },
			{ id: 2, key: Buffer.alloc(32, 9) },
		],
		reference: {
			enabled: true,
			completionMs: 0,
			limits: { perKeyPerMinute: 60, perOrganizationPerMinute: 300 },
			control: 'anywhere',
		},
		allow: ['10.0.0.0/8', 'fd00::/8', '192.168.1.7', 'n8n.internal', 'n8n'],
		trustProxy: ['loopback', '10.1.2.3'],
		maxConnections: 200,
		openMetrics: true,
		token: `crt_${'a'.repeat(43)}`,
		showKeys: false,
		log: { level: 'debug', format: 'pretty' },
		diskReserveBytes: 0,
		encryptBodies: true,
		retention: { pendingMs: 14 * DAY, deliveredMs: 7 * DAY, deadMs: 365 * DAY, keysMs: null },
		shutdownGraceMs: 5_000,
		shutdownBudgetMs: 30_000,
	});
});

test.each([
	['on loopback', {}, true, true],
	['on loopback by name', { RELAY_HOST: 'localhost' }, true, true],
	['on IPv6 loopback', { RELAY_HOST: '::1' }, true, true],
	['on every address', { RELAY_HOST: '0.0.0.0' }, false, false],
	['on a private address', { RELAY_HOST: '192.168.1.5' }, false, false],
	['behind a proxy', { RELAY_PUBLIC_URL: 'https://relay.example.com' }, false, true],
	['when told', { RELAY_HOST: '0.0.0.0', RELAY_REFERENCE: 'on' }, true, false],
])(
	'%s, the reference API and loopback receivers have the default they should',
	(_, env, reference, loopback) => {
		const config = readConfig(env);
		expect(config.reference.enabled).toBe(reference);
		expect(config.allow.includes('127.0.0.0/8')).toBe(loopback);
	},
);

test.each([
	['127.0.0.1', 'http://127.0.0.1:8717'],
	['relay.internal', 'http://relay.internal:8717'],
	['0.0.0.0', 'http://127.0.0.1:8717'],
	['::', 'http://127.0.0.1:8717'],
	['::1', 'http://[::1]:8717'],
])('what listens on %s is reached under %s', (RELAY_HOST, url) =>
	expect(localUrl(readConfig({ RELAY_HOST }))).toBe(url),
);

test.each(['0', '16', '1048576'])(
	'a disk reserve of %s MiB is none, or large enough to deliver on',
	(mib) => {
		expect(readConfig({ RELAY_DISK_RESERVE_MIB: mib }).diskReserveBytes).toBe(Number(mib) * 1024 * 1024);
	},
);

test('an empty setting counts as unset, and an empty list can be written as a comma', () => {
	expect(readConfig({ RELAY_PORT: '', RELAY_HOST: ' ' })).toMatchObject({ port: 8717, host: '127.0.0.1' });
	expect(readConfig({ RELAY_ALLOW: ',' }).allow).toEqual([]);
});

test.each([
	['RELAY_HOST', 'not a host'],
	['RELAY_HOST', 'http://127.0.0.1'],
	['RELAY_PORT', '65536'],
	['RELAY_PORT', '-1'],
	['RELAY_PORT', '80.5'],
	['RELAY_PORT', '0x50'],
	['RELAY_PORT', 'http'],
	['RELAY_PUBLIC_URL', 'relay.example.com'],
	['RELAY_PUBLIC_URL', 'ftp://relay.example.com'],
	['RELAY_REFERENCE', 'yes'],
	['RELAY_REFERENCE_COMPLETION_MS', '1.5s'],
	['RELAY_REFERENCE_LIMITS', '60'],
	['RELAY_REFERENCE_LIMITS', '0/0'],
	['RELAY_REFERENCE_CONTROL', 'on'],
	['RELAY_ALLOW', '10.0.0.0/33'],
	['RELAY_ALLOW', 'http://n8n:5678'],
	// Read as C reads addresses these were 0.0.0.0/8, 8.0.0.1, 0.0.31.144 and 10.0.0.1: none of them what was meant.
	['RELAY_ALLOW', '10/8'],
	['RELAY_ALLOW', '010.0.0.1'],
	['RELAY_ALLOW', '8080'],
	['RELAY_ALLOW', '10.1'],
	['RELAY_ALLOW', '0x0a000001'],
	['RELAY_ALLOW', 'n8n.internal.5678'],
	// What is reached over such an address is judged as IPv4, which no network of IPv6 has in it.
	['RELAY_ALLOW', '::ffff:10.0.0.0/104'],
	['RELAY_ALLOW', '::ffff:a00:0/104'],
	['RELAY_HOST', '8717'],
	['RELAY_TRUST_PROXY', '10.1'],
	['RELAY_TRUST_PROXY', '172.16/12'],
	// Fastify would end the start, with a sentence of its own.
	['RELAY_TRUST_PROXY', '0.0.0.0/0'],
	['RELAY_TRUST_PROXY', '::/0'],
	['RELAY_TRUST_PROXY', 'true'],
	['RELAY_MAX_CONNECTIONS', '0'],
	['RELAY_METRICS', 'off'],
	['RELAY_SHOW_KEYS', 'always'],
	['RELAY_LOG_LEVEL', 'INFO'],
	['RELAY_LOG_FORMAT', 'text'],
	['RELAY_DISK_RESERVE_MIB', '-1'],
	['RELAY_DISK_RESERVE_MIB', '1'],
	['RELAY_DISK_RESERVE_MIB', '15'],
	['RELAY_ENCRYPT_BODIES', 'yes'],
	['RELAY_RETENTION_PENDING_DAYS', '0.5'],
	['RELAY_RETENTION_DELIVERED_DAYS', '0'],
	['RELAY_RETENTION_KEYS_DAYS', 'never'],
	['RELAY_SHUTDOWN_GRACE_MS', '-1'],
	['RELAY_SHUTDOWN_BUDGET_MS', '1e3'],
])('%s refuses %s in one sentence that says what it must be', (name, value) => {
	expect(faultsOf({ [name]: value })).toEqual([
		expect.stringMatching(
			new RegExp(`^${name} is "${value.replace(/[.?]/g, '\\$&')}", but must be .+[^.]\\.$`),
		),
	]);
});

test.each([
	['as long as the longest event', { RELAY_RETENTION_DEAD_DAYS: '400' }, 400 * DAY],
	['for good when an event is', { RELAY_RETENTION_DELIVERED_DAYS: 'off' }, null],
	['as told', { RELAY_RETENTION_KEYS_DAYS: '90' }, 90 * DAY],
])('what recognises repeats is kept %s', (_, env, keysMs) => {
	expect(readConfig(env).retention.keysMs).toBe(keysMs);
});

test.each([
	{ RELAY_RETENTION_KEYS_DAYS: '89' },
	{ RELAY_RETENTION_KEYS_DAYS: '180', RELAY_RETENTION_DEAD_DAYS: '181' },
	{ RELAY_RETENTION_KEYS_DAYS: '1000', RELAY_RETENTION_DELIVERED_DAYS: 'off' },
])('what recognises repeats can not go before its event: %j', (env) => {
	expect(faultsOf(env)).toEqual([
		expect.stringMatching(/^RELAY_RETENTION_KEYS_DAYS must be off, or at least/),
	]);
});

test.each([
	{ RELAY_RETENTION_DEAD_DAYS: '7' },
	{ RELAY_RETENTION_PENDING_DAYS: '90' },
	{ RELAY_RETENTION_PENDING_DAYS: '5', RELAY_RETENTION_DEAD_DAYS: '3' },
])('what is given up does not go before somebody can re-drive it: %j', (env) => {
	expect(faultsOf(env)).toEqual([
		expect.stringMatching(/^RELAY_RETENTION_DEAD_DAYS must be off, or longer than RELAY_RETENTION_PENDING/),
	]);
});

test.each([
	{ RELAY_RETENTION_DEAD_DAYS: '8' },
	{ RELAY_RETENTION_DEAD_DAYS: '3', RELAY_RETENTION_PENDING_DAYS: '2' },
	{ RELAY_RETENTION_DEAD_DAYS: '3', RELAY_RETENTION_PENDING_DAYS: 'off' },
	{ RELAY_RETENTION_PENDING_DAYS: '90', RELAY_RETENTION_DEAD_DAYS: 'off' },
])('what is given up may go later: %j', (env) => {
	expect(() => readConfig(env)).not.toThrow();
});

test('a secret that is refused is not repeated', () => {
	expect(faultsOf({ RELAY_TOKEN: 'crt_sesame' })).toEqual([
		expect.stringMatching(/^RELAY_TOKEN must be crt_ and /),
	]);
	expect(faultsOf({ RELAY_TOKEN: 'crt_sesame' }).join()).not.toContain('sesame');
});

test.each(SETTINGS.map(({ name }) => name))('no fault of %s repeats what is secret in a URL', (name) => {
	for (const url of [
		'https://user:hunter2@relay.example.com',
		'https://hunter2@relay.example.com/',
		'https://user:hun/hunter2@relay.example.com',
		'ftp://user:hunter2@relay.example.com:port',
		'user:hunter2@relay.example.com',
		'10.0.0.0/8,https://user:hunter2@n8n.internal',
		'https://relay.example.com/?token=hunter2',
		'https://relay.example.com/#hunter2',
		'postgres://relay:hunter2@db:port/relay',
	]) {
		expect([url, faultsOf({ [name]: url }).join()]).not.toEqual([url, expect.stringContaining('hunter2')]);
	}
});

test.each([
	['https://user:pass@relay.example.com', 'https://<redacted>@relay.example.com'],
	['https://relay.example.com/?a=1', 'https://relay.example.com/?<redacted>'],
])('RELAY_PUBLIC_URL refuses %s, and shows %s of it', (value, shown) => {
	expect(faultsOf({ RELAY_PUBLIC_URL: value })).toEqual([
		`RELAY_PUBLIC_URL is "${shown}", but must be an http or https URL without query or password, e.g. https://relay.example.com.`,
	]);
});

test('a misspelt setting is not taken for its default', () => {
	expect(faultsOf({ RELAY_PROT: '9000' })).toEqual(['RELAY_PROT is not a setting; did you mean RELAY_PORT?']);
	expect(faultsOf({ RELAY_DATA_FOLDER: '/x' })[0]).toMatch(/RELAY_DATA/);
	expect(faultsOf({ RELAY_ZZZZZZZZZZZZZZZ: '1' })[0]).toMatch(
		/is not a setting; unset it, or use one of RELAY_HOST,/,
	);
});

test('every fault is told, not only the first', () => {
	expect(faultsOf({ RELAY_PORT: 'x', RELAY_REFERENCE: 'maybe', RELAY_HOTS: 'y' })).toHaveLength(3);
});

test.each([
	['mysql://relay:hunter2@db/relay', /must begin with postgres:\/\//],
	['relay:hunter2@db/relay', /must begin with postgres:\/\//],
	['postgres://relay:hunter2@/relay', /names no host/],
	['postgres://db/relay', /names no user/],
	['postgres://relay:hunter2@db', /names no database/],
	['postgres://relay:hunter2@db:port/relay', /is no URL/],
	[
		'postgres://relay:hunter2@db/relay?sslrootcert=/no/such/file',
		/file \/no\/such\/file that DATABASE_URL names/,
	],
])('DATABASE_URL %s stops the start with a sentence, and no password in it', (value, sentence) => {
	const faults = faultsOf({ DATABASE_URL: value });
	expect(faults).toEqual([expect.stringMatching(sentence)]);
	expect(faults.join()).not.toContain('hunter2');
	// The example was taken for an e-mail address, and printed without its host.
	expect(scrub(faults.join())).toBe(faults.join());
});

test('keys of another form are refused, and not repeated', () => {
	const secret = Buffer.alloc(20, 7).toString('base64');
	const faults = faultsOf({ RELAY_MASTER_KEY: secret, RELAY_SEALING_KEYS: `one ${secret}` });
	expect(faults).toEqual([
		expect.stringMatching(/^RELAY_MASTER_KEY must be 32 bytes in base64/),
		expect.stringMatching(/^RELAY_SEALING_KEYS must be the lines of a file keys\/sealing-keys/),
	]);
	expect(faults.join()).not.toContain(secret);
});
