import type { DetailError, V2Error, ValidationIssue } from '../contract/errors.ts';

/** How an endpoint words its errors: `{detail}` on the original five, `{error: {code, …}}` on all others (B.0). */
export type ErrorFormat = 'legacy' | 'v2';

interface ErrorFields {
	status: number;
	code: string;
	/** What was wrong. */
	problem: string;
	/** Why, when there is more to say. */
	cause?: string;
	/** What to do about it. */
	fix?: string;
	retryAfterMs?: number;
	details?: Record<string, unknown>;
	/** Of an error about credits: what the call would cost, and the most that it may. */
	credits?: { estimated: number; available?: number };
	/** The vendor's own `detail` in the legacy format; `problem` and `fix` when it documents none. */
	detail?: string;
	/** A 422: both formats carry the issues under `detail` (G3). */
	issues?: ValidationIssue[];
}

/** An answer other than success, in words; `renderError` puts it into the endpoint's format. */
export class ApiError extends Error {
	override readonly name = 'ApiError';
	readonly fields: ErrorFields;
	constructor(fields: ErrorFields) {
		super(fields.problem);
		this.fields = fields;
	}
}

export const notAuthenticated = (cause: string) =>
	new ApiError({
		status: 401,
		code: 'unauthorized',
		problem: 'The request is not authenticated.',
		cause,
		fix: 'Send the header "Authorization: Bearer clapi_…" with an active API key; X-API-Key and Basic are not accepted.',
		detail: 'Not authenticated',
	});

export const sessionNeeded = (cause: string) =>
	new ApiError({
		status: 401,
		code: 'unauthorized',
		problem: 'Key management needs a session token, not an API key.',
		cause,
		fix: 'Send the header "Authorization: Bearer sess_…" with the token made together with the account.',
		detail: 'Not authenticated',
	});

export const keyCapReached = (cap: number) =>
	new ApiError({
		status: 403,
		code: 'key_cap_reached',
		problem: `You have ${cap} active API keys, which is as many as a user may have.`,
		fix: 'Revoke one that is not in use.',
		details: { max_active_keys: cap },
	});

export const featureGated = (feature: string, features: string[]) =>
	new ApiError({
		status: 403,
		code: 'feature_gated',
		problem: 'Your plan does not include the API.',
		fix: 'Upgrade to Pro or above, or to an AppSumo licence of tier 5 or above.',
		details: { required_feature: feature, features },
	});

export const insufficientScope = (required: string, granted: string[]) =>
	new ApiError({
		status: 403,
		code: 'insufficient_scope',
		problem: `This endpoint needs the scope ${required}; your scopes are: ${granted.join(', ') || 'none'}.`,
		fix: `Ask an administrator of your organization to grant you ${required}.`,
		details: { required: [required], granted },
	});

export const rateLimited = (limit: number, per: string, retryAfterMs: number) =>
	new ApiError({
		status: 429,
		code: 'rate_limited',
		problem: `More than ${limit} requests in a minute for this ${per}.`,
		fix: `Wait ${Math.ceil(retryAfterMs / 1000)} s, as the Retry-After header says, and send the request again.`,
		retryAfterMs,
	});

/** The same as the limiter's own, when it was ordered. */
export const rateLimitedByFault = (retryAfterS: number) =>
	new ApiError({
		status: 429,
		code: 'rate_limited',
		problem: 'Too many requests in a minute.',
		fix: `Wait ${retryAfterS} s, as the Retry-After header says, and send the request again.`,
		retryAfterMs: retryAfterS * 1_000,
	});

export const insufficientCredits = () =>
	new ApiError({
		status: 402,
		code: 'insufficient_credits',
		problem: 'Insufficient credits',
		detail: 'Insufficient credits',
	});

/** The v2 endpoints say 400 where the original ones say 402 (G2). */
export const insufficientCreditsV2 = (estimated: number, available: number) =>
	new ApiError({
		status: 400,
		code: 'insufficient_credits',
		problem: `This call may cost ${estimated} credits; ${available} are available.`,
		fix: 'Buy credits, send less, or wait until running workflows give back what they do not use.',
		credits: { estimated, available },
	});

const FRESH_QUOTE =
	'Ask for a quote with POST /credits/estimate and send its quote_id within 5 minutes, once.';

export const quoteRequired = (tool: string) =>
	new ApiError({
		status: 400,
		code: 'quote_required',
		problem: `This call needs a quote for the tool ${tool}.`,
		fix: FRESH_QUOTE,
	});

export const quoteInvalid = () =>
	new ApiError({
		status: 400,
		code: 'quote_invalid',
		problem: 'The quote_id is not one that this API gave out to you.',
		fix: FRESH_QUOTE,
	});

export const quoteExpired = () =>
	new ApiError({
		status: 400,
		code: 'quote_expired',
		problem: 'The quote is older than 5 minutes.',
		fix: FRESH_QUOTE,
	});

export const quoteUsed = () =>
	new ApiError({
		status: 409,
		code: 'quote_used',
		problem: 'The quote was used already.',
		fix: FRESH_QUOTE,
	});

export const quoteMismatch = (differences: string[]) =>
	new ApiError({
		status: 400,
		code: 'quote_mismatch',
		problem: `The quote is for something else: ${differences.join('; ')}.`,
		fix: FRESH_QUOTE,
	});

export const spendCapExceeded = (cost: number, cap: number) =>
	new ApiError({
		status: 400,
		code: 'spend_cap_exceeded',
		problem: `The call would now cost ${cost} credits, more than the ${cap} that were quoted.`,
		fix: FRESH_QUOTE,
		credits: { estimated: cost },
		details: { quoted_credits: cap },
	});

export const listProtected = (action: string) =>
	new ApiError({
		status: 403,
		code: 'list_protected',
		problem: `This list is protected and can't be ${action}.`,
		fix: 'Use another list; Cleanlist keeps this one for contacts that come in through the API.',
	});

export const notFound = (what: string, id: string) =>
	new ApiError({
		status: 404,
		code: 'not_found',
		problem: `There is no ${what} ${JSON.stringify(shorten(id))} that you can access.`,
		fix: `Check the id, and that it belongs to your organization.`,
		details: { id: shorten(id) },
	});

export const noSuchRoute = (method: string, path: string) =>
	new ApiError({
		status: 404,
		code: 'not_found',
		problem: `There is no ${method} ${shorten(path)}.`,
		fix: 'Check the method, the path and its prefix: /api/v2 or /api/v1/public.',
		detail: 'Not Found',
	});

export const approvalRequired = (leads: number, limit: number) =>
	new ApiError({
		status: 400,
		code: 'approval_required',
		problem: `The list has ${leads} leads; running an agent on all of more than ${limit} needs an approval that the API can't give.`,
		fix: 'Send lead_scope "subset" with max_rows, several times if need be: leads that have a value are left out.',
		details: { lead_count: leads, limit },
	});

export const linkInvalid = () =>
	new ApiError({
		status: 403,
		code: 'link_invalid',
		problem: 'This download link was not signed by this API, or was changed.',
		fix: 'Use download_url of POST /export/csv/signed-url unchanged.',
	});

export const linkExpired = (hours: number) =>
	new ApiError({
		status: 410,
		code: 'link_expired',
		problem: `This download link has expired: it held for ${hours} hours.`,
		fix: 'Ask for a new one with POST /export/csv/signed-url.',
	});

export const notImplemented = (operation: string) =>
	new ApiError({
		status: 501,
		code: 'not_implemented',
		problem: `Cleanlist has an operation for ${operation}, but its requests and answers are published nowhere, so this reference API does not serve it.`,
		fix: 'Use Cleanlist itself for it.',
	});

export const emptyList = (id: string) =>
	new ApiError({
		status: 400,
		code: 'validation_error',
		problem: `There is no lead to work on in ${JSON.stringify(shorten(id))}.`,
		fix: 'Add leads first.',
		details: { id: shorten(id) },
	});

export const badCursor = () =>
	new ApiError({
		status: 400,
		code: 'validation_error',
		problem: 'The cursor is not one that this endpoint gave out for this collection.',
		fix: 'Send back the cursor of the last page unchanged, or none to start over.',
	});

export const badRequest = (problem: string, fix?: string) =>
	new ApiError({ status: 400, code: 'validation_error', problem, fix, detail: problem });

export const invalid = (issues: ValidationIssue[]) =>
	new ApiError({
		status: 422,
		code: 'validation_error',
		problem: issues.map((issue) => `${issue.loc.join('.')}: ${issue.msg}`).join('; '),
		issues,
	});

export const tooLarge = (limit: number) =>
	new ApiError({
		status: 413,
		code: 'payload_too_large',
		problem: `The request body is larger than ${limit} bytes.`,
		fix: 'Send less in one request: fewer entries, or shorter texts.',
	});

export const csvTooLarge = (bytes: number, limit: number) =>
	new ApiError({
		status: 413,
		code: 'csv_too_large',
		problem: `The CSV is ${bytes} bytes long; at most ${limit} are taken.`,
		fix: 'Split it into several files.',
	});

export const missingColumn = (header: string, headers: string[]) =>
	new ApiError({
		status: 400,
		code: 'missing_column',
		problem: `The CSV has no column ${JSON.stringify(shorten(header))}.`,
		fix: 'Map to a name in the first row of the file, spelt as it is there.',
		details: { header: shorten(header), available_headers: headers.slice(0, 50).map(shorten) },
	});

export const csvImportOff = () =>
	new ApiError({
		status: 503,
		code: 'feature_disabled',
		problem: 'CSV import is switched off.',
		fix: 'Try again later, or add leads another way.',
		retryAfterMs: 60_000,
	});

export const unavailable = () =>
	new ApiError({
		status: 503,
		code: 'service_unavailable',
		problem: 'The request could not be stored just now; nothing of it was kept.',
		fix: 'Send it again after a while.',
		retryAfterMs: 1000,
	});

export const internal = () =>
	new ApiError({
		status: 500,
		code: 'internal_error',
		problem: 'Something went wrong on our side.',
		fix: 'Tell the operator the request id; the log holds the cause under it.',
	});

/** The header that goes with its body: `retry_after_ms` mirrored, in whole seconds, at least 1 (A.6). */
export const retryAfterHeader = ({ fields: { retryAfterMs } }: ApiError): { 'retry-after'?: number } =>
	retryAfterMs === undefined ? {} : { 'retry-after': Math.max(1, Math.ceil(retryAfterMs / 1000)) };

/** The body of an error in the format of the endpoint. */
export function renderError(
	{ fields }: ApiError,
	format: ErrorFormat,
	requestId: string,
): DetailError | V2Error {
	if (fields.issues) {
		// The vendor's legacy endpoints echo the refused input; its v2 description has no such key.
		const issues =
			format === 'legacy' ? fields.issues : fields.issues.map(({ type, loc, msg }) => ({ type, loc, msg }));
		return { detail: issues };
	}
	if (format === 'legacy') {
		return { detail: fields.detail ?? [fields.problem, fields.fix].filter(Boolean).join(' ') };
	}
	return {
		error: {
			code: fields.code,
			problem: fields.problem,
			cause: fields.cause ?? null,
			fix: fields.fix ?? null,
			retryable: fields.retryAfterMs !== undefined,
			retry_after_ms: fields.retryAfterMs ?? null,
			docs_url: `https://docs.cleanlist.ai/errors/${fields.code.replaceAll('_', '-')}`,
			request_id: requestId,
			...(fields.credits ? creditFields(fields.credits) : {}),
			...(fields.details ? { details: fields.details } : {}),
		},
	};
}

const creditFields = ({ estimated, available }: { estimated: number; available?: number }) => ({
	estimated_cost_credits: estimated,
	...(available === undefined
		? {}
		: { available_credits: available, shortfall_credits: Math.max(0, estimated - available) }),
});

/**
 * Ids and paths are the caller's text: long ones are cut, so that an error stays an error and not an echo. A cut may go through an
 * emoji; half of one is no text.
 */
const shorten = (value: string) =>
	value.length > 100 ? `${value.slice(0, 100).replace(/[\uD800-\uDBFF]$/, '')}…` : value;
