import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Ids } from '../../ids.ts';
import { createAccount } from '../accounts.ts';
import type { Database } from '../db/index.ts';
import { KEY_BYTES, KEY_PREFIX, SESSION_BYTES, SESSION_PREFIX, hashKey } from '../domain/key.ts';
import type { Portal } from '../portal.ts';
import type { SeedDocument } from './seed-document.ts';

/** Somebody who was seeded, with what lets one in as them. */
export interface SeededAccount {
	/** Of the cast; null for a user of a document. */
	role: string | null;
	name: string;
	email: string;
	about: string | null;
	key: string;
	/** All of them, the first one included. */
	keys: string[];
	sessionToken: string;
	userId: string;
	organizationId: string;
}

/** Makes what a checked document says. Keys and tokens that it does not give come from the seed. */
export function populate(
	{ db, clock, ids, portal }: { db: Database; clock: Clock; ids: Ids; portal: Portal },
	document: SeedDocument,
	seed: string,
): SeededAccount[] {
	const derive = (kind: string, of: string, bytes: number): string =>
		createHash('sha512')
			.update(JSON.stringify([seed, kind, of]))
			.digest()
			.subarray(0, bytes)
			.toString('base64url');
	const organizationId = (name: string): string =>
		document.organizations.find((organization) => organization.name === name)?.id ??
		`org_${derive('organization', name, 18).replace(/[^a-zA-Z0-9]/g, '0')}`;

	const accounts = document.users.map((user): SeededAccount => {
		const organization = document.organizations.find(({ name }) => name === user.organization)!;
		const name = user.name ?? user.email.split('@', 1)[0]!;
		const keys = user.keys.map(
			({ key }, index) => key ?? KEY_PREFIX + derive('key', `${user.email} ${index}`, KEY_BYTES),
		);
		const [first = '', ...more] = keys;
		const [firstKey] = user.keys;
		const account = createAccount(
			{ db, clock, ids },
			{
				name,
				email: user.email,
				organizationName: organization.name,
				organizationId: organizationId(organization.name),
				tier: organization.plan,
				appsumoTier: organization.appsumo_tier ?? null,
				credits: organization.credits,
				...(user.scopes && { scopes: user.scopes }),
				key: first,
				...(firstKey?.name !== undefined && { keyName: firstKey.name }),
				...(firstKey?.expires_at && { keyExpiresAt: Date.parse(firstKey.expires_at) }),
				sessionToken: user.session_token ?? SESSION_PREFIX + derive('session', user.email, SESSION_BYTES),
			},
		);
		more.forEach((key, index) => {
			if (db.accounts.keyByHash(hashKey(key))) return;
			const { name: keyName = null, expires_at } = user.keys[index + 1]!;
			db.accounts.insertKey({
				keyId: `key_${ids.uuid().replaceAll('-', '')}`,
				userId: account.userId,
				name: keyName,
				hash: hashKey(key),
				prefix: KEY_PREFIX,
				last4: key.slice(-4),
				createdAt: clock.now(),
				expiresAt: expires_at ? Date.parse(expires_at) : null,
			});
		});
		return {
			role: null,
			about: null,
			name,
			email: user.email,
			...account,
			keys,
		};
	});

	const userId = (email: string): string => accounts.find((account) => account.email === email)!.userId;
	const folderIds = new Map<string, string>();
	const folderKey = (owner: string, name: string) => JSON.stringify([owner, name]);
	for (const { owner, name } of document.folders) {
		folderIds.set(folderKey(owner, name), portal.createFolder({ ownerId: userId(owner), name }));
	}
	for (const { owner, folder, shared_with, ...list } of document.lists) {
		portal.createList({
			...list,
			ownerId: userId(owner),
			...(folder !== undefined && { folderId: folderIds.get(folderKey(owner, folder))! }),
			sharedWith: shared_with.map(userId),
		});
	}
	return accounts;
}
