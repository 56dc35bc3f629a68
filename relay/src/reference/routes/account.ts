import {
	CreditsBalanceResponse,
	LegacyCreditsBalanceResponse,
	ValidateKeyResponse,
	WhoamiResponse,
} from '../../contract/account.ts';
import type { Clock } from '../../clock.ts';
import type { Database } from '../db/index.ts';
import { envelope } from '../envelope.ts';
import { defineRoute, ok } from '../http.ts';

/** Says whether a key works (B.1). Legacy prefix only. */
export const validateKey = defineRoute({
	method: 'GET',
	path: '/auth/validate-key',
	about: { summary: 'Says whether a key works' },
	errors: 'legacy',
	plan: 'any',
	scope: null,
	response: ValidateKeyResponse,
	handle: ({ caller }) => ok({ valid: true, user_id: caller.userId, organization_id: caller.organizationId }),
});

/** Says who one is and what one may do (B.6). Answers on any plan, for `features` is how to tell. */
export const whoami = (clock: Clock) =>
	defineRoute({
		method: 'GET',
		path: '/whoami',
		about: { summary: 'Says who one is and what one may do' },
		errors: 'v2',
		plan: 'any',
		scope: null,
		response: WhoamiResponse,
		handle: ({ caller }) =>
			ok({
				...envelope(clock),
				user_email: caller.userEmail && maskEmail(caller.userEmail),
				user_id: caller.userId,
				user_name: caller.userName,
				organization_id: caller.organizationId,
				organization_name: caller.organizationName,
				auth_type: 'api_key' as const,
				scopes: caller.scopes,
				tier: caller.tier,
				appsumo_tier: caller.appsumoTier,
				features: caller.features,
			}),
	});

/** The balance (B.5): the sum of the ledger. What legacy workflows still running may yet be charged is in it. */
export const creditsBalance = (db: Database, clock: Clock) =>
	defineRoute({
		method: 'GET',
		path: '/credits/balance',
		about: { summary: 'The balance of the organization' },
		errors: 'v2',
		plan: 'api',
		scope: 'credits:read',
		response: CreditsBalanceResponse,
		handle: ({ caller }) => ok({ ...envelope(clock), ...balanceOf(db, caller.organizationId) }),
	});

/** The same on the legacy prefix, without the envelope (G18). */
export const legacyCreditsBalance = (db: Database) =>
	defineRoute({
		method: 'GET',
		path: '/credits/balance',
		about: { summary: 'The balance of the organization' },
		errors: 'v2',
		plan: 'api',
		scope: 'credits:read',
		response: LegacyCreditsBalanceResponse,
		handle: ({ caller }) => ok(balanceOf(db, caller.organizationId)),
	});

const balanceOf = (db: Database, organizationId: string) => ({
	organization_id: organizationId,
	credits: db.accounts.credits(organizationId),
});

/** `jane@acme.io` as `j***@acme.io`. */
const maskEmail = (email: string) => email.replace(/^(.).*(?=@)/su, '$1***');
