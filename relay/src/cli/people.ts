import type { SeededAccount } from '../reference/control/populate.ts';

/** Keys by role, or by e-mail address for people of a document. */
export const keysOf = (accounts: readonly SeededAccount[]): Record<string, string> =>
	Object.fromEntries(accounts.map(({ role, email, key }) => [role ?? email, key]));

/** The people of a seed as a person reads them. */
export const describePeople = (accounts: readonly SeededAccount[]): string =>
	accounts
		.map(({ role, name, email, about, keys, sessionToken }) =>
			[
				`${role ?? email}  ${name}${about ? `: ${about}` : ''}`,
				...keys.map((key) => `    API key        ${key}`),
				`    Session token  ${sessionToken}`,
				'',
			].join('\n'),
		)
		.join('\n');
