import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBodies } from '../../relay/src/bodies.ts';
import { rekeyCommand } from '../../relay/src/cli/rekey.ts';
import { readConfig } from '../../relay/src/config.ts';
import { openDataFolder, replaceSealingKeys } from '../../relay/src/data-folder.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { rekey as rekeyAll } from '../../relay/src/rekey.ts';
import { createSealer, formatSealingKeys } from '../../relay/src/sealing.ts';
import type { SealingKey } from '../../relay/src/sealing.ts';
import type { Store } from '../../relay/src/store/port.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { aSubscription, anEvent } from '../store/conformance.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'rekey-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** The store and keys of the folder, as long as `work` takes. */
async function inside<T>(work: (store: Store, keys: SealingKey[]) => Promise<T>): Promise<T> {
	const data = await openDataFolder(folder, systemIds);
	const store = await openSqliteStore({ path: join(folder, 'relay.sqlite') });
	try {
		return await work(store, data.keys.sealingKeys);
	} finally {
		await store.close();
		data.close();
	}
}

const SECRET = 'whsec_c2VjcmV0';
const BODIES = Array.from({ length: 45 }, (_, n) => Buffer.from(`{"n":${n}}`));

/** Subscriptions, one with a rotated secret, and events whose bodies lie as told. Returns ids. */
const populate = (encrypt: boolean, its?: SealingKey[]) =>
	inside(async (store, keys) => {
		const sealer = createSealer(its ?? keys);
		const bodies = createBodies({ sealer, encrypt });
		await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.alloc(32), createdAt: 0 });
		const plain = aSubscription({ sealedSecret: sealer.seal(SECRET) });
		const rotated = aSubscription({ sealedSecret: sealer.seal('whsec_b2xk') });
		for (const subscription of [plain, rotated]) await store.createSubscription(subscription);
		await store.rotateSecret(rotated.id, sealer.seal(SECRET), 2 ** 42);
		const events: string[] = [];
		for (const raw of BODIES) {
			const { body, keyId } = bodies.toStored(raw);
			const { eventId } = await store.ingest(anEvent({ body, bodyKeyId: keyId, bytes: raw.length }));
			events.push(eventId);
		}
		return { plain: plain.id, rotated: rotated.id, events };
	});

const rekey = async (env: Record<string, string> = {}) => {
	let text = '';
	await rekeyCommand(
		[],
		() => readConfig({ RELAY_DATA: folder, ...env }),
		(more) => (text += more),
	);
	return text;
};

/** Asserts that everything reads as it was, with the keys there are now and no others. */
const expectAllReadable = (
	ids: Awaited<ReturnType<typeof populate>>,
	bodyKeyId: number | null,
	its?: SealingKey[],
) =>
	inside(async (store, inFolder) => {
		const keys = its ?? inFolder;
		expect(keys).toHaveLength(1);
		const sealer = createSealer(keys);
		const bodies = createBodies({ sealer, encrypt: false });
		expect(sealer.open((await store.getSubscription(ids.plain))!.sealedSecret)).toBe(SECRET);
		const rotated = (await store.getSubscription(ids.rotated))!;
		expect(sealer.open(rotated.sealedSecret)).toBe(SECRET);
		expect(sealer.open(rotated.previousSecret!.sealed)).toBe('whsec_b2xk');
		for (const [n, id] of ids.events.entries()) {
			const stored = (await store.getBody(id))!;
			expect(stored.keyId).toBe(bodyKeyId);
			expect(bodies.toRaw(stored)).toEqual(BODIES[n]);
		}
		return keys[0]!.id;
	});

/** Only root may give files away. */
const asRoot = process.getuid?.() === 0 ? it : it.skip;
asRoot(
	'run by root it leaves the key file to the user of the relay, who could not start it else',
	async () => {
		await populate(false);
		const file = join(folder, 'keys', 'sealing-keys');
		chownSync(file, 65_534, 65_533);
		await rekey();
		expect(statSync(file)).toMatchObject({ uid: 65_534, gid: 65_533 });
	},
);

it('seals secrets and bodies with a new key and drops the old one', async () => {
	const ids = await populate(true);
	expect(await rekey({ RELAY_ENCRYPT_BODIES: 'on' })).toMatch(
		/^Sealing key 2 is in use: the secrets of 2 subscriptions .*, 45 bodies too\./,
	);
	expect(await expectAllReadable(ids, 2)).toBe(2);
	await rekey({ RELAY_ENCRYPT_BODIES: 'on' });
	expect(await expectAllReadable(ids, 3)).toBe(3);
});

it('encrypts the bodies there are once encryption is on, and opens them once it is off', async () => {
	const ids = await populate(false);
	await rekey({ RELAY_ENCRYPT_BODIES: 'on' });
	await expectAllReadable(ids, 2);
	expect(await rekey()).toMatch(/45 bodies were put in the clear/);
	await expectAllReadable(ids, null);
});

it('takes the keys that the relay takes: of RELAY_SEALING_KEYS the last one, and the key file is left alone', async () => {
	const [one, two] = [1, 2].map((id) => ({ id, key: Buffer.alloc(32, id) })) as [SealingKey, SealingKey];
	const lines = (keys: SealingKey[]) => ({
		RELAY_SEALING_KEYS: formatSealingKeys(keys).trim().replaceAll('\n', ','),
		RELAY_ENCRYPT_BODIES: 'on',
	});
	const ids = await populate(true, [one]);
	const file = readFileSync(join(folder, 'keys', 'sealing-keys'), 'utf8');
	expect(await rekey(lines([one]))).toMatch(/To have a new key, add the line "2 .*" to the sealing keys/);
	expect(await rekey(lines([one, two]))).toMatch(
		/^Sealing key 2 is in use: the secrets of 2 subscriptions were sealed with it, 45 bodies too\.\nThe other sealing keys can go now/,
	);
	await expectAllReadable(ids, 2, [two]);
	expect(readFileSync(join(folder, 'keys', 'sealing-keys'), 'utf8')).toBe(file);
});

it('goes on where a run was broken off, with the key that run made', async () => {
	const ids = await populate(true);
	const data = await openDataFolder(folder, systemIds);
	const [old] = data.keys.sealingKeys;
	await replaceSealingKeys(data, [old!, { id: 2, key: Buffer.alloc(32, 2) }]);
	data.close();
	// A third of it was done.
	await inside(async (store, keys) => {
		const bodies = createBodies({ sealer: createSealer(keys), encrypt: true });
		const some = await store.bodiesNotUnder(2, 15);
		await store.replaceBodies(
			some.map((one) => ({ ref: one.ref, was: one, ...bodies.toStored(bodies.toRaw(one)) })),
		);
	});
	expect(await rekey({ RELAY_ENCRYPT_BODIES: 'on' })).toMatch(/30 bodies too/);
	expect(await expectAllReadable(ids, 2)).toBe(2);
});

it('seals what a complete event made of a body, also when that came in the middle, and nothing older', async () => {
	await populate(false);
	await inside(async (store, keys) => {
		const sealer = createSealer(keys);
		const bodies = createBodies({ sealer, encrypt: true });
		const truncated = anEvent({ workflowId: 'w', truncated: 1, body: Buffer.from('some') });
		await store.ingest(truncated);
		// By a relay that does not encrypt yet, between the reading of a batch and its writing.
		const complete = anEvent({ workflowId: 'w', body: Buffer.from('all of them') });
		const meanwhile: Store = {
			...store,
			async replaceBodies(batch) {
				const holdsIt = batch.some(({ was }) => was.body.toString() === 'some');
				if (holdsIt) await store.ingest(complete);
				return store.replaceBodies(batch);
			},
		};
		const done = await rekeyAll({ store: meanwhile, sealer, bodies });
		expect(done).toEqual({ subscriptions: 0, bodies: BODIES.length + 1 });
		const stored = (await store.getBody(truncated.id))!;
		expect(stored.keyId).toBe(sealer.keyId);
		expect(bodies.toRaw(stored).toString()).toBe('all of them');
	});
});

it('stops at what no key opens, keeps the old key, and loses nothing', async () => {
	const ids = await populate(true);
	await inside(async (store) => {
		const stranger = createSealer([{ id: 9, key: Buffer.alloc(32, 9) }]);
		await store.ingest(anEvent({ body: stranger.seal('?'), bodyKeyId: 9 }));
	});
	await expect(rekey({ RELAY_ENCRYPT_BODIES: 'on' })).rejects.toThrow(
		/^The rekey stopped: What was sealed with key 9 can't be opened: .* Nothing is lost; run it again/,
	);
	await inside(async (store, keys) => {
		expect(keys.map(({ id }) => id)).toEqual([1, 2]);
		const bodies = createBodies({ sealer: createSealer(keys), encrypt: true });
		for (const [n, id] of ids.events.entries()) {
			expect(bodies.toRaw((await store.getBody(id))!)).toEqual(BODIES[n]);
		}
	});
});

it('counts key ids up to 255 and begins again', async () => {
	const ids = await populate(false);
	const file = join(folder, 'keys', 'sealing-keys');
	const [, key] = readFileSync(file, 'utf8').trim().split(' ');
	await inside(async (store) => {
		for (const { id } of await store.listSubscriptions()) await store.deleteSubscription(id);
	});
	writeFileSync(file, `255 ${key}\n`);
	expect(await rekey({ RELAY_ENCRYPT_BODIES: 'on' })).toMatch(/^Sealing key 1 is in use/);
	await inside(async (store, keys) => {
		const bodies = createBodies({ sealer: createSealer(keys), encrypt: true });
		expect(bodies.toRaw((await store.getBody(ids.events[0]!))!)).toEqual(BODIES[0]);
	});
});

it('does not touch the folder of a running relay, nor make one', async () => {
	await populate(true);
	const data = await openDataFolder(folder, systemIds);
	await expect(rekey()).rejects.toThrow(`Another relay is using the data folder ${folder}`);
	data.close();
	await expect(rekey({ RELAY_DATA: join(folder, 'none') })).rejects.toThrow(/^There is no relay's data in/);
});
