import { z } from 'zod';
import { SCOPES } from '../../contract/common.ts';
import { ListName } from '../../contract/lead-lists.ts';
import { closest } from '../../closest.ts';
import { namesSomeone, text } from '../domain/contact.ts';
import { nameKey } from '../domain/list-name.ts';
import { KEY_PREFIX, SESSION_PREFIX } from '../domain/key.ts';
import { check, refuse } from './surface.ts';
import type { Problem } from './surface.ts';

const name = z.string().trim().min(1).max(200);
const optionalText = z.string().max(2_000).nullish();
const KEY = new RegExp(`^${KEY_PREFIX}[\\w-]{10,200}$`);
const SESSION = new RegExp(`^${SESSION_PREFIX}[\\w-]{10,200}$`);
/** A number is the text that it is written as. */
export const Seed = z.union([z.string().min(1).max(200), z.int()]).transform(String);

const Key = z.strictObject({
	key: z
		.string()
		.regex(KEY, `Begin a key with ${KEY_PREFIX}, then at least 10 letters, digits, - or _`)
		.optional(),
	name: name.optional(),
	expires_at: z.iso.datetime({ offset: true }).optional(),
});

const Lead = z
	.strictObject({
		linkedin_url: optionalText,
		first_name: optionalText,
		last_name: optionalText,
		company_domain: optionalText,
		company_name: optionalText,
		email: optionalText,
		phone: optionalText,
		title: optionalText,
		location: optionalText,
	})
	.refine((lead) => namesSomeone(lead) || text(lead.email) !== null, {
		message: 'it does not say who it is: it needs linkedin_url, email, or a full name with a company',
	});

/** What the reference API is to hold: everything that people set up before a workflow runs. */
export const SeedDocument = z.strictObject({
	/** Of the ids and of what enrichment finds. */
	seed: Seed.optional(),
	organizations: z
		.array(
			z.strictObject({
				name,
				id: z
					.string()
					.regex(/^[\w-]{1,100}$/, 'Write an id with letters, digits, - and _')
					.optional(),
				plan: z.enum(['free', 'starter', 'pro', 'enterprise']).default('pro'),
				appsumo_tier: z.int().min(1).max(7).nullish(),
				credits: z.int().min(0).default(0),
			}),
		)
		.min(1)
		.max(1_000),
	users: z
		.array(
			z.strictObject({
				email: z.email(),
				name: name.optional(),
				/** By its name. */
				organization: name,
				scopes: z.array(z.enum(SCOPES)).optional(),
				keys: z.array(Key).min(1).max(10).default([{}]),
				session_token: z
					.string()
					.regex(
						SESSION,
						`Begin a session token with ${SESSION_PREFIX}, then at least 10 letters, digits, - or _`,
					)
					.optional(),
			}),
		)
		.min(1)
		.max(1_000),
	folders: z
		.array(z.strictObject({ owner: z.string(), name }))
		.max(1_000)
		.default([]),
	lists: z
		.array(
			z.strictObject({
				/** By their e-mail address, as in `shared_with`. */
				owner: z.string(),
				name: ListName,
				description: z.string().optional(),
				folder: z.string().optional(),
				visibility: z.enum(['private', 'organization', 'shared']).default('private'),
				shared_with: z.array(z.string()).default([]),
				leads: z.array(Lead).max(100_000).default([]),
			}),
		)
		.max(10_000)
		.default([]),
});
export type SeedDocument = z.output<typeof SeedDocument>;
/** As it is written: with what may be left out. */
export type SeedInput = z.input<typeof SeedDocument>;

/**
 * Reads a seed document: its form, and that all that it names is there.
 *
 * @throws ApiError 422 that names each place at fault and how to put it right
 */
export function readSeedDocument(value: unknown): SeedDocument {
	const document = check(SeedDocument, value, 'The seed document');
	const problems: Problem[] = [];
	const unique = (path: string, values: (string | undefined)[], what: string) => {
		const seen = new Set<string>();
		for (const [index, value] of values.entries()) {
			if (value === undefined) continue;
			if (seen.has(value)) {
				const problem = `there is another ${what} ${JSON.stringify(value)}`;
				problems.push({ path: path.replace('#', String(index)), problem, fix: 'Give each its own.' });
			}
			seen.add(value);
		}
	};
	const known = (path: string, value: string, all: string[], what: string): boolean => {
		if (all.includes(value)) return true;
		const meant = closest(value, all);
		const fix = meant
			? `Write ${JSON.stringify(meant)}, if that is meant, or add it.`
			: 'Add it, or name one of those there are.';
		problems.push({ path, problem: `there is no ${what} ${JSON.stringify(value)}`, fix });
		return false;
	};

	const { organizations, users, folders, lists } = document;
	/** Not told apart when one of them is in no organization that there is: that is told already. */
	const areTogether = (one: string, other: string): boolean => {
		const names = [one, other].map((email) => organizationOf.get(email) ?? '');
		return names[0] === names[1] || !names.every((name) => organizationNames.includes(name));
	};
	const organizationOf = new Map(users.map(({ email, organization }) => [email, organization]));
	const emails = users.map(({ email }) => email);
	const organizationNames = organizations.map((organization) => organization.name);
	unique('organizations[#].name', organizationNames, 'organization');
	unique(
		'organizations[#].id',
		organizations.map(({ id }) => id),
		'organization with the id',
	);
	unique('users[#].email', emails, 'user');
	unique(
		'users[#].session_token',
		users.map((user) => user.session_token),
		'user with the session token',
	);
	const keys = users.flatMap(({ keys }, user) => keys.map(({ key }, index) => ({ key, user, index })));
	const firstWith = new Map<string | undefined, number>();
	keys.forEach(({ key, user, index }, nth) => {
		if (key === undefined || !firstWith.has(key)) return void firstWith.set(key, nth);
		const fix = 'Give each its own, or leave it out to have one made.';
		problems.push({ path: `users[${user}].keys[${index}].key`, problem: 'another key is the same', fix });
	});
	users.forEach(({ organization }, index) =>
		known(`users[${index}].organization`, organization, organizationNames, 'organization'),
	);
	folders.forEach(({ owner }, index) => known(`folders[${index}].owner`, owner, emails, 'user'));
	unique(
		'folders[#].name',
		folders.map((folder) => `${folder.owner}: ${folder.name}`),
		'folder of',
	);
	unique(
		'lists[#].name',
		lists.map((list) => `${list.owner}: ${nameKey(list.name)}`),
		'list of',
	);
	lists.forEach(({ owner, folder, visibility, shared_with }, index) => {
		const path = `lists[${index}]`;
		if (!known(`${path}.owner`, owner, emails, 'user')) return;
		if (folder !== undefined) {
			const own = folders.filter((one) => one.owner === owner).map((one) => one.name);
			known(`${path}.folder`, folder, own, `folder of ${owner}`);
		}
		if ((visibility === 'shared') !== shared_with.length > 0) {
			const fix = 'Name users in shared_with when visibility is "shared", and only then.';
			problems.push({ path: `${path}.shared_with`, problem: 'it does not go with the visibility', fix });
		}
		shared_with.forEach((email, nth) => {
			const at = `${path}.shared_with[${nth}]`;
			if (!known(at, email, emails, 'user')) return;
			if (email === owner) {
				problems.push({ path: at, problem: 'it is the owner', fix: 'Name other users only.' });
			} else if (!areTogether(email, owner)) {
				const fix = 'Share with users of the owner’s organization.';
				problems.push({ path: at, problem: 'this user is of another organization', fix });
			}
		});
	});
	return problems.length > 0 ? refuse('The seed document', problems) : document;
}
