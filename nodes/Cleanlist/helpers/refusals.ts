import type { ApiResponse } from '../transport/outcome';
import { LONGEST_WAIT_MS } from '../transport/retry';
import { readErrorBody, type ErrorBody } from './error-body';
import { sentences, type RequestFacts, type Words } from './words';

type Refusal = { status: number; body: ErrorBody; facts: RequestFacts; retryAfterMs: number | null };

const PLAN =
	'The API needs a Pro plan or above, or an AppSumo licence of tier 5 or above. Upgrade in the Cleanlist portal under Settings → Billing, then run the workflow again.';

/** What a 4xx or 5xx of Cleanlist means, in either error format. */
export function refusal(response: ApiResponse, facts: RequestFacts): Words {
	const { status, retryAfterMs } = response;
	const body = readErrorBody(response.body);
	const given: Refusal = { status, body, facts, retryAfterMs };
	if (status === 401) return wrongKey(given);
	if (status === 402 || body.code === 'insufficient_credits') return noCredits(given);
	const isPage = typeof response.body === 'string' && response.body.trimStart().startsWith('<');
	if (status === 403) return isPage ? blocked(given) : forbidden(given);
	// The page of another server says nothing about what was asked for.
	if (status === 404) return notFound(isPage ? { ...given, facts: {} } : given);
	if (status === 413) return tooLarge(given);
	if (status === 429) return tooMany(given);
	if (status >= 500) return outage(given);
	return invalid(given);
}

function wrongKey({ body }: Refusal): Words {
	return {
		message: 'Cleanlist does not accept the API key',
		description: sentences(
			'The key is wrong, expired or revoked.',
			quoted(body.problem),
			'Open the credential "Cleanlist API", paste a key that starts with clapi_ (Cleanlist portal: Settings → API Keys), and test it there.',
		),
	};
}

function noCredits({ body, facts }: Refusal): Words {
	const looked = facts.credits && {
		...facts.credits,
		missing: Math.max(0, facts.credits.needed - facts.credits.available),
	};
	const credits = body.credits ?? looked;
	const amount =
		credits &&
		sentences(
			credits.needed !== null && `The request may cost up to ${credits.needed} credits.`,
			credits.available !== null && `${credits.available} are available.`,
			credits.missing !== null && `${credits.missing} are missing.`,
		);
	return {
		message: credits?.missing
			? `Not enough Cleanlist credits: ${credits.missing} are missing`
			: 'Not enough Cleanlist credits',
		description: sentences(
			amount ?? quoted(body.problem),
			body.fix ??
				'Buy credits in the Cleanlist portal, send fewer contacts, or choose a cheaper enrichment type.',
		),
	};
}

/** The API answers in JSON: a page is that of a firewall or a proxy. */
function blocked({ status }: Refusal): Words {
	return {
		message: `The request was blocked on its way to Cleanlist (HTTP ${status})`,
		description:
			'The answer is a web page, as firewalls and proxies give it, and not one of the API. Nothing was processed. Check the base URL in the credential, and whether a proxy of your network, or the protection in front of Cleanlist, refuses this n8n.',
	};
}

function forbidden(given: Refusal): Words {
	const { body, facts } = given;
	const problem = body.problem ?? '';
	if (body.code === 'insufficient_scope' || body.scopes || /\bscopes?\b/i.test(problem)) {
		return missingScope(given);
	}
	if (body.code === 'list_protected' || /protected/i.test(problem)) {
		return {
			message: `The ${facts.subject?.noun ?? 'lead list'} is protected`,
			description: sentences(
				named(facts.subject),
				'Cleanlist made it for the results of the API (its usual name is "Extension Leads"); it can not be renamed, moved or deleted. Move leads out of it in the portal, or choose another list.',
			),
			parameter: facts.subject?.parameter,
		};
	}
	if (body.code === 'list_cap_reached') {
		return {
			message: 'The Cleanlist account has no room for another lead list',
			description: sentences(
				quoted(body.problem),
				body.fix ?? 'Delete lists that you no longer need, then try again.',
			),
		};
	}
	if (body.code === 'feature_gated' || body.code === null) {
		return {
			message: 'The Cleanlist plan does not include the API',
			description: sentences(quoted(body.problem), PLAN),
		};
	}
	return { message: 'Cleanlist refused the request', description: serverWords(body, `Code: ${body.code}.`) };
}

function missingScope({ body, facts }: Refusal): Words {
	const required = body.scopes?.required.join(', ') || facts.scope;
	const granted = body.scopes?.granted;
	return {
		message: required
			? `The API key lacks the scope ${required}`
			: 'The API key lacks a scope that this operation needs',
		description: sentences(
			granted &&
				(granted.length > 0 ? `It was granted: ${granted.join(', ')}.` : 'It was granted no scope at all.'),
			!body.scopes && quoted(body.problem),
			'Scopes belong to the Cleanlist user, not to the key: have an administrator of your Cleanlist workspace grant the scope, or use the key of a user who has it.',
		),
	};
}

function notFound({ body, facts: { subject } }: Refusal): Words {
	if (!subject) {
		return {
			message: 'Cleanlist found nothing there',
			description: sentences(
				quoted(body.problem),
				'If every operation fails like this, check the base URL in the credential: it ends before /api/v2.',
			),
		};
	}
	return {
		message: `The ${subject.noun} was not found`,
		description: sentences(
			named(subject),
			quoted(body.problem),
			`It does not exist, was deleted, or belongs to somebody else. Check the parameter '${subject.parameter}'.`,
		),
		parameter: subject.parameter,
	};
}

function tooLarge({ body }: Refusal): Words {
	return {
		message: 'The request is too large for Cleanlist',
		description: sentences(quoted(body.problem), 'Send less at once.'),
	};
}

function tooMany({ body, retryAfterMs }: Refusal): Words {
	const wait = retryAfterMs === null ? 'a minute' : `${Math.ceil(retryAfterMs / 1000)} seconds`;
	return {
		message: 'Cleanlist receives too many requests',
		description: sentences(
			quoted(body.problem),
			'It allows 30 a minute for a key and 60 for an organization.',
			(retryAfterMs ?? 0) <= LONGEST_WAIT_MS && 'The node waited and tried again, without success.',
			`Nothing was processed. Wait ${wait}, or let fewer workflows run at the same time.`,
		),
	};
}

function outage({ status, body }: Refusal): Words {
	return {
		message: `Cleanlist could not process the request (HTTP ${status})`,
		description: sentences(
			quoted(body.problem),
			body.fix,
			'The cause is on the side of Cleanlist; try again later.',
		),
	};
}

function invalid({ status, body, facts }: Refusal): Words {
	const [issue] = body.issues;
	if (!issue) {
		return {
			message: body.problem ?? `Cleanlist did not accept the request (HTTP ${status})`,
			description: serverWords({ ...body, problem: null }, 'Check the parameters of the operation.'),
		};
	}
	const field = issue.path.filter((step) => typeof step === 'string').at(-1);
	const parameter = field === undefined ? undefined : (facts.parameters?.[field] ?? field);
	const [, position] = issue.path;
	const inContacts = issue.path[0] === 'contacts' && typeof position === 'number';
	const others = body.issues.length - 1;
	return {
		message: parameter
			? `Cleanlist did not accept '${parameter}': ${issue.message}`
			: `Cleanlist did not accept the request: ${issue.message}`,
		description: sentences(
			inContacts && `It is about contact ${position + 1} of the request.`,
			others > 0 &&
				`There ${others === 1 ? 'is one more complaint' : `are ${others} more complaints`} like this.`,
			body.fix ??
				(field === undefined ? undefined : facts.advice?.[field]) ??
				'Correct the value and run the node again; nothing was processed.',
		),
		...(parameter !== undefined && { parameter }),
		...(inContacts && { itemIndex: facts.itemOfContact?.(position) }),
	};
}

function serverWords(body: ErrorBody, otherwise: string): string {
	return sentences(quoted(body.problem), body.fix ?? otherwise);
}

function quoted(problem: string | null): string | undefined {
	return problem === null ? undefined : `Cleanlist says: "${problem}"`;
}

function named(subject: RequestFacts['subject']): string | undefined {
	return subject && `The ID was "${subject.id}".`;
}
