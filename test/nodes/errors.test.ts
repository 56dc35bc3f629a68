import { NodeApiError } from 'n8n-workflow';
import type { INode } from 'n8n-workflow';
import { readErrorBody } from '../../nodes/Cleanlist/helpers/error-body.ts';
import { outcomeError } from '../../nodes/Cleanlist/helpers/errors.ts';
import type { RequestFacts } from '../../nodes/Cleanlist/helpers/words.ts';
import { answered, unreachable } from '../../nodes/Cleanlist/transport/outcome.ts';
import { CLEANLIST, RELAY } from '../../nodes/Cleanlist/transport/service.ts';
import type { Service } from '../../nodes/Cleanlist/transport/service.ts';
import type { Failure } from './support/bench.ts';

const node: INode = {
	id: '1',
	name: 'Cleanlist',
	type: 'n8n-nodes-cleanlist.cleanlist',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};

const errorOf = (
	statusCode: number,
	body: unknown,
	facts?: RequestFacts,
	service: Service = CLEANLIST,
	headers: Record<string, string> = {},
): Failure => outcomeError(node, service, answered({ statusCode, body, headers }, 0), facts) as Failure;

const v2 = (code: string, more: object = {}) => ({
	error: {
		code,
		problem: `About ${code}.`,
		cause: null,
		fix: null,
		retryable: false,
		retry_after_ms: null,
		docs_url: 'https://docs.cleanlist.ai/errors/x',
		request_id: 'req_4f1c',
		...more,
	},
});
const LIST = { noun: 'lead list', id: 'l1', parameter: 'Lead List' };

describe('what an unsuccessful answer becomes', () => {
	it.each<[string, number, unknown, RequestFacts, RegExp, RegExp[]]>([
		[
			'401 in the older format',
			401,
			{ detail: 'Not authenticated' },
			{},
			/API key/,
			[/Not authenticated/, /clapi_/],
		],
		['401 in the v2 format', 401, v2('unauthorized'), {}, /API key/, [/About unauthorized/, /req_4f1c/]],
		['401 without a body', 401, '', {}, /API key/, [/wrong, expired or revoked/]],
		[
			'402 in the older format',
			402,
			{ detail: 'Insufficient credits' },
			{},
			/^Not enough Cleanlist credits$/,
			[/Insufficient credits/, /Buy credits/],
		],
		[
			'402 when the balance was looked up',
			402,
			{ detail: 'Insufficient credits' },
			{ credits: { needed: 2750, available: 40 } },
			/2710 are missing/,
			[/may cost up to 2750/, /40 are available/],
		],
		[
			'400 insufficient_credits with all numbers',
			400,
			v2('insufficient_credits', {
				estimated_cost_credits: 110,
				available_credits: 40,
				shortfall_credits: 70,
				fix: 'Top up.',
			}),
			{},
			/70 are missing/,
			[/up to 110/, /40 are available/, /Top up\./],
		],
		[
			'insufficient_credits without a shortfall',
			400,
			v2('insufficient_credits', { estimated_cost_credits: 110, available_credits: 40 }),
			{},
			/70 are missing/,
			[],
		],
		[
			'a missing scope with details',
			403,
			v2('insufficient_scope', {
				details: { required: ['lists:write'], granted: ['lists:read', 'credits:read'] },
			}),
			{ scope: 'something:else' },
			/lacks the scope lists:write$/,
			[/granted: lists:read, credits:read/, /administrator/],
		],
		[
			'a missing scope, nothing granted, as single texts',
			403,
			v2('insufficient_scope', { details: { required_scope: 'lists:write', granted_scopes: [] } }),
			{},
			/lists:write/,
			[/no scope at all/],
		],
		[
			'a missing scope without details',
			403,
			v2('insufficient_scope'),
			{ scope: 'enrich:write' },
			/lacks the scope enrich:write/,
			[/About insufficient_scope/],
		],
		[
			'a missing scope in the older format',
			403,
			{ detail: 'Missing required scope' },
			{ scope: 'enrich:write' },
			/lacks the scope enrich:write/,
			[/Missing required scope/],
		],
		['a plan without the API', 403, v2('feature_gated'), {}, /plan/, [/Pro plan or above/, /tier 5/]],
		[
			'a plan without the API, older format',
			403,
			{ detail: 'Upgrade required' },
			{},
			/plan/,
			[/Upgrade required/],
		],
		['403 without a body', 403, '', {}, /plan/, [/Pro plan/]],
		[
			"403 with the page of somebody's firewall",
			403,
			'<!DOCTYPE html><title>Attention Required!</title>',
			{},
			/^The request was blocked on its way to Cleanlist \(HTTP 403\)$/,
			[/firewall/, /Nothing was processed/],
		],
		['a protected list', 403, v2('list_protected'), { subject: LIST }, /lead list is protected/, [/"l1"/]],
		[
			'a protected list, older format',
			403,
			{ detail: 'This list is protected' },
			{ subject: LIST },
			/is protected/,
			[/Extension Leads/],
		],
		['too many lists', 403, v2('list_cap_reached'), {}, /no room/, [/Delete lists/]],
		['403 of a new kind', 403, v2('quota_of_ducks'), {}, /refused/, [/About quota_of_ducks/]],
		[
			'404 of a list',
			404,
			v2('not_found'),
			{ subject: LIST },
			/lead list was not found/,
			[/"l1"/, /'Lead List'/],
		],
		[
			'404 of a task in the older format',
			404,
			{ detail: 'Task not found' },
			{ subject: { noun: 'task', id: 't', parameter: 'Task ID' } },
			/task was not found/,
			[/'Task ID'/],
		],
		[
			'404 of a list, with the page of another server',
			404,
			'<html>nginx</html>',
			{ subject: LIST },
			/nothing there/,
			[/base URL/],
		],
		['404 of who knows what', 404, '<html>nginx</html>', {}, /nothing there/, [/base URL/]],
		[
			'400 with the reason in one text',
			400,
			{ detail: 'Bulk enrichment supports up to 250 contacts per request' },
			{},
			/supports up to 250/,
			[],
		],
		[
			'400 validation_error of v2 (G3)',
			400,
			v2('validation_error', { fix: 'Do X.' }),
			{},
			/About/,
			[/Do X\./],
		],
		[
			'422 with one issue',
			422,
			{ detail: [{ type: 'x', loc: ['body', 'name'], msg: 'String should have at most 200 characters' }] },
			{ parameters: { name: 'Name' } },
			/did not accept 'Name': String should have at most 200/,
			[/nothing was processed/],
		],
		[
			'422 about a field without a parameter',
			422,
			{
				detail: [
					{ loc: ['query', 'cursor'], msg: 'bad' },
					{ loc: ['query', 'limit'], msg: 'bad' },
				],
			},
			{},
			/'cursor': bad/,
			[/one more complaint/],
		],
		[
			'422 without a place',
			422,
			{ detail: [{ loc: ['body'], msg: 'Malformed JSON' }] },
			{},
			/Malformed JSON/,
			[],
		],
		['413', 413, { detail: 'Too large' }, {}, /too large/, [/Too large/]],
		['429', 429, v2('rate_limited', { retry_after_ms: 30_500 }), {}, /too many requests/, [/31 seconds/]],
		[
			'429 for longer than the node waits',
			429,
			v2('rate_limited', { retry_after_ms: 3_600_000 }),
			{},
			/too many requests/,
			[/organization\. Nothing was processed\. Wait 3600 seconds/],
		],
		['500 in HTML', 500, '<html>oops</html>', {}, /HTTP 500/, [/try again later/]],
		['503 in the older format', 503, { detail: 'Maintenance' }, {}, /HTTP 503/, [/Maintenance/]],
		['a 418', 418, {}, {}, /HTTP 418/, []],
		['a detail that is an object', 403, { detail: v2('list_protected') }, {}, /protected/, [/req_4f1c/]],
		['an error that is a text', 400, { error: 'No way' }, {}, /^No way$/, []],
		['a message', 400, { message: 'No way' }, {}, /^No way$/, []],
		['a redirect', 301, '', {}, /redirect/, []],
		['HTML instead of JSON', 200, '<html>login</html>', {}, /not JSON/, [/address in the credential/]],
		['null', 400, null, {}, /HTTP 400/, []],
	])('%s', (_, status, body, facts, message, descriptions) => {
		const error = errorOf(status, body, { itemIndex: 7, ...facts });
		expect(error).toBeInstanceOf(NodeApiError);
		expect(error.message).toMatch(message);
		for (const description of descriptions) expect(error.description).toMatch(description);
		expect(error.context.itemIndex).toBe(7);
		expect(error.httpCode).toBe(String(status));
		expect(error.message + error.description).not.toMatch(/undefined|null|\[object|<html/);
		// n8n asks not to dwell on it.
		expect(error.message + error.description).not.toMatch(/\b(error|problem|failure|mistake)s?\b/i);
	});

	it('keeps the machine-readable parts for the error item', () => {
		expect(errorOf(403, v2('list_protected'), { subject: LIST }).context.cleanlist).toEqual({
			http_status: 403,
			code: 'list_protected',
			request_id: 'req_4f1c',
			parameter: 'Lead List',
		});
	});

	it("finds the input item of the contact that the answer complains about, and keeps the vendor's words", () => {
		const error = errorOf(
			422,
			{ detail: [{ loc: ['body', 'contacts', 2], msg: 'Each contact must include linkedin_url' }] },
			{
				itemIndex: 0,
				parameters: { contacts: 'Contacts' },
				itemOfContact: (position) => [10, 11, 12][position],
			},
		);
		expect(error.message).toBe("Cleanlist did not accept 'Contacts': Each contact must include linkedin_url");
		expect(error.description).toContain('contact 3');
		expect(error.context.itemIndex).toBe(12);
	});

	it('keeps its words though they hold what n8n takes for an error code', () => {
		const words = 'The name "SUPERMAN ENOENT EPERM" is taken';
		expect(errorOf(400, { detail: words }).message).toBe(words);
	});

	it('names where a redirect points', () => {
		const error = errorOf(308, '', {}, CLEANLIST, { location: 'https://elsewhere.example/api' });
		expect(error.description).toContain('https://elsewhere.example/api');
	});

	it.each([500, 502, 503, 504])('does not say of a paid request that nothing happened after %s', (status) => {
		const error = errorOf(status, '', { paidContacts: 250 });
		expect(error.description).toMatch(/Whether the 250 contacts were accepted is unknown/);
		expect(error.description).toMatch(/Extension Leads/);
		expect(errorOf(status, '', {}).description).not.toMatch(/unknown/);
	});

	it('says it too when a paid request was answered with something unreadable', () => {
		expect(errorOf(200, '<html>', { paidContacts: 3 }).description).toMatch(/unknown/);
	});

	it('ends with what had been sent before', () => {
		const postscript = '500 contacts had been submitted.';
		expect(errorOf(402, {}, { postscript }).description).toMatch(/500 contacts had been submitted\.$/);
	});
});

describe('what no answer becomes', () => {
	const broken = (code: string, depth = 0): Error => {
		const error = Object.assign(new Error(`connect ${code}`), { code });
		return depth === 0 ? error : Object.assign(new Error('wrapped', { cause: broken(code, depth - 1) }), {});
	};
	const errorAfter = (cause: Error, facts: RequestFacts = {}): Failure =>
		outcomeError(node, CLEANLIST, unreachable(cause), facts) as Failure;

	it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_HAS_EXPIRED'])(
		'%s: never sent, so never charged',
		(code) => {
			const error = errorAfter(broken(code, 2), { paidContacts: 250, itemIndex: 3 });
			expect(error.message).toBe('Cleanlist could not be reached');
			expect(error.description).toContain(code);
			expect(error.description).toContain('nothing was charged');
			expect(error.context.itemIndex).toBe(3);
		},
	);

	it.each(['ECONNRESET', 'ETIMEDOUT', 'ECONNABORTED', 'EPIPE'])('%s: the charge is unknown', (code) => {
		const error = errorAfter(broken(code, 1), { paidContacts: 250 });
		expect(error.message).toContain('the connection broke or timed out');
		expect(error.description).toMatch(
			/whether the 250 contacts were accepted, and will be charged, is unknown/,
		);
		expect(error.description).toMatch(/Extension Leads/);
		expect(error.description).toMatch(/relay\/v1\/events/);
	});

	it('says nothing of charges where nothing can be charged', () => {
		expect(errorAfter(broken('ECONNRESET')).description).not.toMatch(/charge/);
	});

	it('gives the message where there is no code', () => {
		expect(errorAfter(new Error('socket hang up')).description).toContain('socket hang up');
	});
});

describe('what a refusal of the relay becomes', () => {
	const problem = (code: string, status: number, more: object = {}) => ({
		type: 'about:blank',
		title: 'A title',
		status,
		detail: 'What was wrong.',
		code,
		fix: 'What to do.',
		...more,
	});
	it.each<[number, unknown, RegExp, RegExp]>([
		[401, problem('unauthorized', 401), /relay does not accept the token/, /What to do\./],
		[401, '', /relay does not accept the token/, /crt_/],
		[403, problem('forbidden', 403), /token may not do this/, /What was wrong\. What to do\./],
		[404, '<html>', /no relay at this address/, /URL in the credential/],
		[404, problem('subscription_not_found', 404), /What was wrong/, /What to do/],
		[422, problem('address_refused', 422), /What was wrong/, /What to do/],
		[
			400,
			problem('invalid', 400, { errors: [{ path: 'filter.x', message: 'unknown key' }] }),
			/What was wrong/,
			/filter\.x: unknown key/,
		],
		[503, '', /HTTP 503/, /log of the relay/],
	])('%s %j', (status, body, message, description) => {
		const error = errorOf(status, body, {}, RELAY);
		expect(error.message).toMatch(message);
		expect(error.description).toMatch(description);
	});
});

describe('reading an error body', () => {
	it.each([
		undefined,
		null,
		5,
		true,
		[],
		'',
		{},
		{ error: null },
		{ detail: null },
		{ detail: [null, 5, {}] },
	])('never throws: %j', (body) => {
		expect(readErrorBody(body)).toMatchObject({ code: null, issues: [] });
	});
	it('keeps a plain text short', () => {
		expect(readErrorBody('x'.repeat(10_000)).problem).toHaveLength(500);
	});
});
