import { DetailError, V2Error } from '../../relay/src/contract/errors.ts';
import type { Case } from './cases.ts';
import type { Reply } from './client.ts';
import { ENVELOPE, ERROR_FIELDS } from './contract.ts';
import { differences } from './fields.ts';
import { isBareBalance, schemaOf } from './schemas.ts';
import { Unavailable } from './world.ts';
import type { World } from './world.ts';

export interface Outcome {
	/** What was answered; absent when the case could not be run. */
	status?: number;
	/** Why it could not be run. */
	notRun?: string;
	/** One line for each thing that is not as the contract says. */
	differences: string[];
}

export async function run(one: Case, world: World): Promise<Outcome> {
	try {
		const reply = await one.send(world);
		return { status: reply.status, differences: check(one, reply) };
	} catch (error) {
		if (error instanceof Unavailable) return { notRun: error.message, differences: [] };
		throw error;
	}
}

function check(one: Case, reply: Reply): string[] {
	if (reply.status !== one.status) {
		return [`answered ${reply.status}, not ${one.status}: ${reply.text.slice(0, 300)}`];
	}
	const type = reply.headers.get('content-type') ?? 'none';
	if (!type.startsWith('application/json')) return [`Content-Type is ${type}`];
	return reply.status < 300 ? checkSuccess(one, reply) : checkError(one, reply);
}

function checkSuccess({ endpoint, prefix }: Case, { body }: Reply): string[] {
	const parsed = schemaOf(endpoint.name, prefix).safeParse(body);
	const byte = (value: unknown) => JSON.stringify(value, sorted);
	const bySchema = !parsed.success
		? parsed.error.issues.map((issue) => `schema: ${issue.path.map(String).join('.')}: ${issue.message}`)
		: byte(parsed.data) === byte(body)
			? []
			: [`schema: a field with a default is missing: ${byte(body)}`];
	const hasEnvelope = endpoint.response_has_envelope && !isBareBalance(endpoint.name, prefix);
	const fields = [...endpoint.response_fields, ...(hasEnvelope ? ENVELOPE : [])];
	return [...bySchema, ...differences(fields, body, endpoint.name)];
}

/** Keys in order, so that two objects compare by what they hold. */
const sorted = (_key: string, value: unknown): unknown =>
	typeof value === 'object' && value !== null && !Array.isArray(value)
		? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
		: value;

function checkError({ endpoint, status, code }: Case, { body, headers }: Reply): string[] {
	const found: string[] = [];
	if (status === 401 && headers.get('www-authenticate') !== 'Bearer') {
		found.push('a 401 without the header WWW-Authenticate: Bearer');
	}
	if (status === 429 && !/^[1-9]\d*$/.test(headers.get('retry-after') ?? '')) {
		found.push('a 429 without Retry-After in whole seconds of at least 1');
	}
	if (status === 422 || endpoint.error_format === 'legacy') {
		const parsed = DetailError.safeParse(body);
		if (!parsed.success) return [...found, `no {detail} error: ${JSON.stringify(body).slice(0, 300)}`];
		const { detail } = parsed.data;
		if (Array.isArray(detail) !== (status === 422)) found.push('detail is a list for a 422, and else a text');
		if (detail.length === 0) found.push('detail is empty');
		return found;
	}
	const parsed = V2Error.safeParse(body);
	if (!parsed.success) return [...found, `no {error} error: ${JSON.stringify(body).slice(0, 300)}`];
	const { error } = parsed.data;
	found.push(...differences(ERROR_FIELDS, error, 'error'));
	if (code !== undefined && error.code !== code) found.push(`the code is ${error.code}, not ${code}`);
	if (error.docs_url !== `https://docs.cleanlist.ai/errors/${error.code.replaceAll('_', '-')}`) {
		found.push(`docs_url is ${error.docs_url}`);
	}
	if (!error.request_id.startsWith('req_')) found.push(`request_id is ${error.request_id}`);
	if (error.retryable !== (status === 429 || status === 503)) found.push(`retryable is ${error.retryable}`);
	return found;
}
