import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type IHookFunctions,
	type IHttpRequestMethods,
	type ILoadOptionsFunctions,
	type IN8nHttpFullResponse,
} from 'n8n-workflow';
import { outcomeError } from '../helpers/errors';
import { numberOf } from '../helpers/values';
import type { RequestFacts } from '../helpers/words';
import { now } from './clock';
import { REQUESTS_PER_MINUTE, takeTurn, type Allowance } from './limiter';
import { answered, unreachable, type Outcome } from './outcome';
import { deadlineOf, isExecution } from './patience';
import { pause } from './pause';
import { retryDelay } from './retry';
import type { Service } from './service';

/** Wherever a node may call a server from. */
export type RequestContext = IExecuteFunctions | IHookFunctions | ILoadOptionsFunctions;

export interface ApiRequest {
	method: IHttpRequestMethods;
	/** From the server's root, e.g. `/api/v2/lead-lists`. */
	path: string;
	query?: IDataObject;
	body?: IDataObject;
	/** Whether it costs nothing and may be carried out twice: then it is sent again after a server error, as a GET is. */
	harmlessTwice?: boolean;
	/** What an error should tell the user about the request. */
	facts?: RequestFacts;
	/** Longest wait for a rate limit, in milliseconds: short where somebody looks at a spinner. */
	longestWaitMs?: number;
}

/** Long enough for 250 contacts on a slow line, short enough to notice a dead one. */
const TIMEOUT_MS = 60_000;
/** An answer under way is worth this much waiting past a deadline. */
const SHORTEST_TIMEOUT_MS = 2_000;

/** Sends a request and gives its JSON body; every failure is one NodeApiError (see helpers/errors.ts). */
export async function request<T extends object = IDataObject>(
	context: RequestContext,
	service: Service,
	apiRequest: ApiRequest,
): Promise<T> {
	const outcome = await send(context, service, apiRequest);
	const body = bodyOf(outcome);
	if (body === null) throw outcomeError(context.getNode(), service, outcome, apiRequest.facts);
	return body as T;
}

/** Sends a request, again where that is safe, and says what became of it. Rejects only without usable credentials. */
export async function send(
	context: RequestContext,
	service: Service,
	apiRequest: ApiRequest,
): Promise<Outcome> {
	const outcome = await sendBefore(context, service, apiRequest, deadlineOf(context));
	return outcome ?? { kind: 'late' };
}

/** Like `send`, but not after `deadline` (milliseconds since the epoch); null when its turn would come only then. */
export async function sendBefore(
	context: RequestContext,
	service: Service,
	apiRequest: ApiRequest,
	deadline: number,
): Promise<Outcome | null> {
	const server = await connect(context, service);
	const cancelled = isExecution(context) ? context.getExecutionCancelSignal() : undefined;
	let outcome: Outcome | null = null;
	for (let attempt = 0; ; attempt++) {
		const turn = server.allowance ? takeTurn(server.allowance, now(), deadline) : now();
		if (turn === null) return outcome;
		if (turn > now()) await pause(turn - now(), cancelled);
		outcome = await sendOnce(context, service, server.url + apiRequest.path, apiRequest, deadline);
		if (outcome.kind === 'answered' && outcome.response.status < 400) return outcome;
		const wait = retryDelay(apiRequest, outcome, attempt, apiRequest.longestWaitMs);
		if (wait === null || now() + wait > deadline) return outcome;
		await pause(wait, cancelled);
	}
}

/** The JSON of a 2xx, `{}` for 204; null for every other outcome, such as a proxy's HTML page. */
export function bodyOf(outcome: Outcome): object | null {
	if (outcome.kind !== 'answered') return null;
	const { status, body } = outcome.response;
	if (status < 200 || status >= 300) return null;
	if (status === 204) return {};
	return typeof body === 'object' ? (body as object | null) : null;
}

async function sendOnce(
	context: RequestContext,
	service: Service,
	url: string,
	{ method, query, body }: ApiRequest,
	deadline: number,
): Promise<Outcome> {
	try {
		const response = (await context.helpers.httpRequestWithAuthentication.call(context, service.credential, {
			method,
			url,
			...(query && { qs: query, arrayFormat: 'repeat' as const }),
			...(body && { body }),
			json: true,
			timeout: Math.max(SHORTEST_TIMEOUT_MS, Math.min(TIMEOUT_MS, deadline - now())),
			returnFullResponse: true,
			// The raw answer is needed: n8n's own error for a bad status drops what the body says.
			ignoreHttpStatusErrors: true,
			// A redirect would turn a POST into a GET, or carry the key to another host.
			disableFollowRedirect: true,
		})) as IN8nHttpFullResponse;
		return answered(response, now());
	} catch (error) {
		return unreachable(error as Error);
	}
}

/** The server's address, and how many requests a run may send it; a look-up of the editor is not held back. */
async function connect(
	context: RequestContext,
	service: Service,
): Promise<{ url: string; allowance: Allowance | null }> {
	const credentials = await context.getCredentials(service.credential);
	const url = String(credentials[service.urlField] ?? '')
		.trim()
		.replace(/\/+$/, '');
	if (!/^https?:\/\/[^/\s]+/i.test(url)) {
		throw new NodeOperationError(context.getNode(), `The credential holds no usable address: "${url}"`, {
			description: `Open the credential and enter a URL that begins with https:// or http://.`,
		});
	}
	// 0 stands for no limit; what is no number (an expression may give anything) for the vendor's.
	const wished = Math.ceil(numberOf(credentials.requestsPerMinute));
	const perMinute = wished >= 0 ? wished : REQUESTS_PER_MINUTE;
	const limited = service.credential === 'cleanlistApi' && perMinute !== 0 && isExecution(context);
	return {
		url,
		allowance: limited ? { server: url, key: String(credentials.apiKey).trim(), perMinute } : null,
	};
}
