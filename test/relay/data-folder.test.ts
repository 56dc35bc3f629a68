import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataFolder, replaceSealingKeys } from '../../relay/src/data-folder.ts';
import type { DataFolder } from '../../relay/src/data-folder.ts';
import { systemIds } from '../../relay/src/ids.ts';
import type { Ids } from '../../relay/src/ids.ts';

let parent: string;
const open: DataFolder[] = [];
const openAt = async (path: string, ids: Ids = systemIds) => {
	const folder = await openDataFolder(path, ids);
	open.push(folder);
	return folder;
};
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

beforeEach(() => {
	parent = mkdtempSync(join(tmpdir(), 'data-folder-'));
});
afterEach(() => {
	for (const folder of open.splice(0)) folder.close();
	rmSync(parent, { recursive: true });
});

test('the first start makes the folder and keys that only its user can read', async () => {
	const path = join(parent, 'a', 'b');
	const folder = await openAt(path);

	expect(folder.created).toBe(true);
	expect(folder.keys.relayToken).toMatch(/^crt_[\w-]{43}$/);
	expect(folder.keys.demoKey).toMatch(/^clapi_[\w-]{64}$/);
	expect(folder.keys.masterKey).toHaveLength(32);
	expect(mode(path)).toBe('700');
	expect(mode(folder.keysFolder)).toBe('700');
	expect(readdirSync(folder.keysFolder).sort()).toEqual([
		'demo-key',
		'master-key',
		'relay-token',
		'sealing-keys',
	]);
	for (const file of readdirSync(folder.keysFolder)) expect(mode(join(folder.keysFolder, file))).toBe('600');
	expect(readFileSync(join(folder.keysFolder, 'relay-token'), 'utf8')).toBe(`${folder.keys.relayToken}\n`);
});

test('a later start finds the same keys', async () => {
	const first = await openAt(parent);
	first.close();
	const second = await openAt(parent);
	expect(second.created).toBe(false);
	expect(second.keys).toEqual(first.keys);
});

test('a crash while the keys are made leaves nothing that a later start takes for keys', async () => {
	const failing = (failAt: number): Ids => {
		let call = 0;
		return {
			...systemIds,
			bytes: (n) => {
				if (++call === failAt) throw new Error('power cut');
				return systemIds.bytes(n);
			},
		};
	};
	for (const failAt of [1, 2, 3, 4]) {
		await expect(openDataFolder(parent, failing(failAt))).rejects.toThrow('power cut');
		expect(existsSync(join(parent, 'keys'))).toBe(false);
	}
	expect((await openAt(parent)).created).toBe(true);
	expect(readdirSync(parent).filter((name) => name.startsWith('keys'))).toEqual(['keys']);
});

test('two relays can not use one folder at once', async () => {
	const first = await openAt(parent);
	await expect(openDataFolder(parent, systemIds)).rejects.toThrow(
		`Another relay is using the data folder ${parent}: stop it, or set RELAY_DATA to a folder of its own.`,
	);
	first.close();
	await openAt(parent);
});

test.each(['relay-token', 'demo-key', 'master-key', 'sealing-keys'])(
	'a %s that others can read is refused',
	async (name) => {
		(await openAt(parent)).close();
		const file = join(parent, 'keys', name);
		chmodSync(file, 0o640);
		await expect(openDataFolder(parent, systemIds)).rejects.toThrow(
			`Other users of this machine can read the key file ${file}: run chmod 600 ${file}`,
		);
		chmodSync(file, 0o600);
		await openAt(parent);
	},
);

test.each([
	['empty', ''],
	['cut short', 'crt_abc'],
	['something else', 'hello\nworld\n'],
])('a key file that is %s is not used', async (_, content) => {
	(await openAt(parent)).close();
	writeFileSync(join(parent, 'keys', 'relay-token'), content);
	await expect(openDataFolder(parent, systemIds)).rejects.toThrow(
		/relay-token is damaged: put it back from a backup\.$/,
	);
});

test('a missing key file is not silently made anew', async () => {
	(await openAt(parent)).close();
	rmSync(join(parent, 'keys', 'master-key'));
	await expect(openDataFolder(parent, systemIds)).rejects.toThrow(
		/master-key is missing: put it back from a backup\.$/,
	);
});

test('events without the keys that open them stop the start', async () => {
	writeFileSync(join(parent, 'relay.sqlite'), '');
	await expect(openDataFolder(parent, systemIds)).rejects.toThrow(
		/holds events but no keys: put its folder "keys" back/,
	);
});

// Not by permissions: these tests may run as root, whom no permission stops.
test.each([
	['below a file', 'file/data', /part of the path is a file, not a folder/],
	['that is a file', 'file', /it is a file, not a folder/],
	['with too long a name', 'n'.repeat(300), /the path is too long/],
	['where nothing can be made', '/proc/self/data', /can't be used \(part of the path does not exist\)/],
])('a folder %s is refused in one sentence', async (_, path, reason) => {
	writeFileSync(join(parent, 'file'), '');
	const opening = openDataFolder(path.startsWith('/') ? path : join(parent, path), systemIds);
	await expect(opening).rejects.toThrow(reason);
	await expect(opening).rejects.toThrow(
		/: make it writable for this user, or set RELAY_DATA to another folder\.$/,
	);
});

test('a folder whose lock file is a folder is refused, not crashed on', async () => {
	mkdirSync(join(parent, 'lock'));
	await expect(openDataFolder(parent, systemIds)).rejects.toThrow(
		/can't be used \(unable to open database file\)/,
	);
});

test('new sealing keys replace the ones before, for their user only', async () => {
	const folder = await openAt(parent);
	const keys = [...folder.keys.sealingKeys, { id: 2, key: Buffer.alloc(32, 2) }];
	writeFileSync(join(folder.keysFolder, 'sealing-keys.new'), 'left behind by a crash');
	await replaceSealingKeys(folder, keys);
	folder.close();

	expect((await openAt(parent)).keys.sealingKeys).toEqual(keys);
	expect(mode(join(folder.keysFolder, 'sealing-keys'))).toBe('600');
	expect(readdirSync(folder.keysFolder)).not.toContain('sealing-keys.new');
});

test.each([
	['a key twice', (line: string) => line + line],
	['a key without an id', (line: string) => line.replace('1 ', '0 ')],
	['no key', () => ''],
])('a file of sealing keys with %s is not used', async (_, damage) => {
	(await openAt(parent)).close();
	const file = join(parent, 'keys', 'sealing-keys');
	writeFileSync(file, damage(readFileSync(file, 'utf8')));
	await expect(openDataFolder(parent, systemIds)).rejects.toThrow(/sealing-keys is damaged: put it back/);
});
