import { WhoamiRead } from '../contract/account.ts';
import { note, ok, problem, warning } from './finding.ts';
import type { Finding } from './finding.ts';
import type { Probe, Probed } from './probe.ts';

/** What the node needs for every one of its operations (contract, scopes). */
const NEEDED = ['lists:read', 'lists:write'];

/**
 * Whether the operator's Cleanlist key works, and what it may do. `whoami` costs nothing.
 *
 * @param key null when none was given
 */
export async function checkCleanlist(
	{ key, baseUrl }: { key: string | null; baseUrl: string },
	probe: Probe,
): Promise<{ findings: Finding[]; probed: Probed[] }> {
	if (key === null) {
		const says = 'No key was given, so Cleanlist was not asked.';
		return {
			findings: [
				note(
					'Cleanlist',
					says,
					'Set CLEANLIST_API_KEY for this command to have the key and its scopes checked.',
				),
			],
			probed: [],
		};
	}
	const probed = await probe(`${baseUrl}/api/v2/whoami`, { headers: { authorization: `Bearer ${key}` } });
	return { findings: [judge(probed, baseUrl)], probed: [probed] };
}

function judge(probed: Probed, baseUrl: string): Finding {
	if (!probed.reached) {
		return problem(
			'Cleanlist',
			`${baseUrl} can't be reached (${probed.why}).`,
			"Check this machine's way to the Internet, and CLEANLIST_BASE_URL if it is set.",
		);
	}
	if (probed.status === 401) {
		return problem(
			'Cleanlist',
			'The key is not valid, has expired or was revoked.',
			'Make a new one in the Cleanlist portal under Settings → API Keys.',
		);
	}
	if (probed.status !== 200) {
		return warning(
			'Cleanlist',
			`${baseUrl} answered ${probed.status}.`,
			'Try again later; if it stays so, ask Cleanlist.',
		);
	}
	const granted: readonly string[] | null = scopesIn(probed.text);
	if (!granted) {
		return problem(
			'Cleanlist',
			`What answers at ${baseUrl} is not the Cleanlist API.`,
			'Check CLEANLIST_BASE_URL.',
		);
	}
	const missing = NEEDED.filter((scope) => !granted.includes(scope));
	if (missing.length > 0) {
		return warning(
			'Cleanlist',
			`The key has ${granted.join(', ') || 'no scopes'}, not ${missing.join(' and ')}.`,
			'Give it these scopes in the Cleanlist portal, or make a key that has them.',
		);
	}
	return ok('Cleanlist', `The key works and has ${granted.join(', ')}.`);
}

/** The scopes in an answer of `whoami`; null when it is none. */
function scopesIn(text: string): readonly string[] | null {
	try {
		return WhoamiRead.safeParse(JSON.parse(text)).data?.scopes ?? null;
	} catch {
		return null;
	}
}
