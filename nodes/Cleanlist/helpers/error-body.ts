/** What an error answer says, whichever of the formats it came in. */
export interface ErrorBody {
	/** Machine code, e.g. `insufficient_scope`; null in the older format. */
	code: string | null;
	/** What was wrong, in the server's words. */
	problem: string | null;
	/** What to do, in the server's words. */
	fix: string | null;
	requestId: string | null;
	credits: { needed: number | null; available: number | null; missing: number | null } | null;
	scopes: { required: string[]; granted: string[] | null } | null;
	/** Complaints about single fields: where (without `body` or `query` in front) and what. */
	issues: { path: (string | number)[]; message: string }[];
}

/**
 * Reads any error body: v2 `{error: {code, problem, …}}`, older `{detail: text | issues | object}`, the relay's
 * problem documents, `{error: text}`, `{message}`, plain text. Reads what it can, and never throws.
 */
export function readErrorBody(body: unknown): ErrorBody {
	const record = asRecord(body);
	if (!record) return { ...EMPTY, problem: plainText(body) };
	const inner = asRecord(record.error) ?? asRecord(record.detail);
	if (inner) return readErrorBody(inner);
	const { detail } = record;
	return {
		code: text(record.code),
		problem:
			text(record.problem) ??
			text(detail) ??
			text(record.message) ??
			text(record.error) ??
			text(record.title),
		fix: text(record.fix),
		requestId: text(record.request_id),
		credits: readCredits(record),
		scopes: readScopes(asRecord(record.details) ?? record),
		issues: Array.isArray(detail) ? readIssues(detail) : readIssues(record.errors),
	};
}

const EMPTY: ErrorBody = {
	code: null,
	problem: null,
	fix: null,
	requestId: null,
	credits: null,
	scopes: null,
	issues: [],
};

function readCredits(record: Record<string, unknown>): ErrorBody['credits'] {
	const needed = number(record.estimated_cost_credits);
	const available = number(record.available_credits);
	const missing = number(record.shortfall_credits);
	if (needed === null && available === null && missing === null) return null;
	const computed = needed !== null && available !== null ? Math.max(0, needed - available) : null;
	return { needed, available, missing: missing ?? computed };
}

function readScopes(details: Record<string, unknown>): ErrorBody['scopes'] {
	const required = texts(details.required ?? details.required_scope ?? details.required_scopes);
	if (required === null) return null;
	return { required, granted: texts(details.granted ?? details.granted_scopes ?? details.scopes) };
}

function readIssues(list: unknown): ErrorBody['issues'] {
	if (!Array.isArray(list)) return [];
	return list.flatMap((entry: unknown) => {
		const issue = asRecord(entry);
		const message = issue && (text(issue.msg) ?? text(issue.message));
		if (!issue || !message) return [];
		const path = Array.isArray(issue.loc) ? issue.loc : String(issue.path ?? '').split('.');
		const steps = path.filter(
			(step): step is string | number =>
				typeof step === 'number' || (typeof step === 'string' && step !== ''),
		);
		return [{ path: ['body', 'query', 'path'].includes(String(steps[0])) ? steps.slice(1) : steps, message }];
	});
}

/** Text of a plain body; a proxy's HTML page says nothing to a user. */
function plainText(body: unknown): string | null {
	const value = text(body);
	return value === null || value.startsWith('<') ? null : value.slice(0, 500);
}

function asRecord(value: unknown): Record<string, unknown> | null {
	return typeof value === 'object' && value !== null && !Array.isArray(value)
		? (value as Record<string, unknown>)
		: null;
}

function text(value: unknown): string | null {
	return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

function texts(value: unknown): string[] | null {
	if (typeof value === 'string') return value.split(/[\s,]+/).filter(Boolean);
	return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : null;
}

function number(value: unknown): number | null {
	return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
