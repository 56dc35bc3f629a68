import { createHash } from 'node:crypto';
import type { Scope } from '../contract/common.ts';
import { KEY_BYTES, KEY_PREFIX, SESSION_BYTES, SESSION_PREFIX } from './domain/key.ts';
import type { Account, NewAccount, NewLead, Reference } from './index.ts';

/** The cast, one for each thing that plans, scopes and credits can make of a caller. */
export const CAST = ['admin', 'member', 'starter', 'appsumo4', 'appsumo5', 'broke'] as const;
export type Role = (typeof CAST)[number];

export type Cast = Record<Role, Account & { name: string; email: string; about: string }>;

/** What one can do without changing anything. */
const READ_ONLY: Scope[] = [
	'people:read',
	'companies:read',
	'lists:read',
	'enrich:read',
	'credits:read',
	'export:read',
	'smart_agents:read',
];

interface Part extends Pick<NewAccount, 'tier' | 'appsumoTier' | 'scopes' | 'credits'> {
	name: string;
	/** Those of one organization share its plan and its credits: the first of them sets both. */
	organization: string;
	organizationName: string;
	about: string;
}

const PARTS: Record<Role, Part> = {
	admin: {
		name: 'Ada Admin',
		organization: 'kettle',
		organizationName: 'Blue Kettle',
		credits: 10_000,
		about: 'Pro plan, every scope, 10,000 credits; owns three lists and a folder',
	},
	member: {
		name: 'Milo Member',
		organization: 'kettle',
		organizationName: 'Blue Kettle',
		scopes: READ_ONLY,
		about: 'in the admin’s organization, read-only scopes; sees the organization’s list and the shared one',
	},
	starter: {
		name: 'Stella Starter',
		organization: 'finch',
		organizationName: 'Copper Finch',
		tier: 'starter',
		credits: 500,
		about: 'Starter plan, which has no API: 403 feature_gated',
	},
	appsumo4: {
		name: 'Fynn Four',
		organization: 'otter',
		organizationName: 'Otter Works',
		tier: 'free',
		appsumoTier: 4,
		credits: 500,
		about: 'AppSumo tier 4, which has no API: 403 feature_gated',
	},
	appsumo5: {
		name: 'Fiona Five',
		organization: 'quay',
		organizationName: 'North Quay',
		tier: 'free',
		appsumoTier: 5,
		credits: 500,
		about: 'AppSumo tier 5, which has the API although its tier reads free',
	},
	broke: {
		name: 'Bruno Broke',
		organization: 'hollow',
		organizationName: 'Fern Hollow',
		credits: 0,
		about: 'Pro plan, no credits: 402 on the original endpoints, 400 insufficient_credits on the others',
	},
};

const LEADS: readonly NewLead[] = [
	{
		linkedin_url: 'https://www.linkedin.com/in/ines-castellanos-example',
		first_name: 'Ines',
		last_name: 'Castellanos',
		company_name: 'Copper Finch',
		company_domain: 'copper-finch.example',
	},
	{ first_name: 'Anders', last_name: 'Bergström', company_name: 'Fern Hollow', title: 'Head of Sales' },
	{ first_name: 'Kavya', last_name: 'Okafor', company_domain: 'lantern-bay.example', phone: '+12025550142' },
	{ email: 'zoe.weber@north-quay.example', first_name: 'Zoe', last_name: 'Weber' },
	{
		first_name: 'Hiro',
		last_name: 'Tanaka',
		company_name: 'Paper Comet',
		location: 'Lisbon, Lisbon, Portugal',
	},
];

/**
 * Makes the cast and what its admin owns: a folder, a private list in it, one that the whole organization sees,
 * and one shared with the member. Keys and session tokens are derived from the seed, so that they can be
 * written into a configuration; this is no secret worth the name. Running it again changes nothing.
 */
export async function seedCast(
	reference: Pick<Reference, 'createAccount' | 'createFolder' | 'createList'>,
	{ seed = 'cleanlist' }: { seed?: string } = {},
): Promise<Cast> {
	const accounts = {} as Cast;
	for (const role of CAST) {
		const { organization, about, ...part } = PARTS[role];
		const email = `${role}@${organization}.example`;
		const account = await reference.createAccount({
			...part,
			email,
			organizationId: `org_${derive(seed, 'organization', organization, 12).toString('hex')}`,
			key: KEY_PREFIX + derive(seed, 'key', role, KEY_BYTES).toString('base64url'),
			sessionToken: SESSION_PREFIX + derive(seed, 'session', role, SESSION_BYTES).toString('base64url'),
		});
		accounts[role] = { ...account, name: part.name, email, about };
	}
	await seedLists(reference, accounts);
	return accounts;
}

async function seedLists(
	reference: Pick<Reference, 'createFolder' | 'createList'>,
	{ admin, member }: Cast,
): Promise<void> {
	const ownerId = admin.userId;
	const { folderId } = await reference.createFolder({ ownerId, name: 'Campaigns' });
	await reference.createList({ ownerId, name: 'Prospects', folderId, leads: LEADS });
	await reference.createList({
		ownerId,
		name: 'Team Accounts',
		visibility: 'organization',
		leads: LEADS.slice(0, 2),
	});
	await reference.createList({
		ownerId,
		name: 'Shared with Milo',
		visibility: 'shared',
		sharedWith: [member.userId],
		leads: LEADS.slice(2, 4),
	});
}

/** Bytes that are the same for the same question, and tell nothing about those of another. */
const derive = (seed: string, kind: string, of: string, length: number): Buffer =>
	createHash('sha512')
		.update(JSON.stringify([seed, kind, of]))
		.digest()
		.subarray(0, length);
