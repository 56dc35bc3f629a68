import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type INode,
	type INodeExecutionData,
	type JsonObject,
} from 'n8n-workflow';
import type { ApiResponse, Outcome } from '../transport/outcome';
import type { Service } from '../transport/service';
import { readErrorBody } from './error-body';
import { refusal } from './refusals';
import { relayRefusal } from './relay-refusals';
import { sentences, type PaidWork, type RequestFacts, type Words } from './words';

/** Where to look whether a request without an answer was carried out. */
const FIND_THE_WORKFLOW =
	'Before you run it again, look in the Cleanlist portal whether the list "Extension Leads" (older accounts: "DEFAULT") holds these contacts, or, if you use the relay, whether its events (GET /relay/v1/events) show a workflow ID that this run did not report. If so, it was carried out, and sending it again would be charged again.';

/** The one place where an unsuccessful request becomes the error that the user reads. */
export function outcomeError(
	node: INode,
	service: Service,
	outcome: Outcome,
	facts: RequestFacts = {},
): NodeApiError {
	if (outcome.kind === 'late') return lateError(node, service, facts);
	return outcome.kind === 'unreachable'
		? unreachableError(node, service, outcome, facts)
		: answerError(node, service, outcome.response, facts);
}

function answerError(
	node: INode,
	service: Service,
	response: ApiResponse,
	facts: RequestFacts,
): NodeApiError {
	const body = readErrorBody(response.body);
	const words = answerWords(service, response, facts);
	const description = sentences(
		words.description,
		body.requestId && `Cleanlist's request ID, for its support: ${body.requestId}.`,
		facts.postscript,
	);
	return nodeApiError(node, { ...words, description }, response.body, {
		itemIndex: words.itemIndex ?? facts.itemIndex,
		httpStatus: response.status,
		code: body.code,
		requestId: body.requestId,
		parameter: words.parameter,
	});
}

function answerWords(service: Service, response: ApiResponse, facts: RequestFacts): Words {
	const { status, location } = response;
	const paid = paidWork(facts);
	if (status < 300) {
		return {
			message: `${service.title} answered with something that is not JSON`,
			description: sentences(
				'Check the address in the credential: a proxy or another server seems to answer there.',
				paid && `Whether ${paid.what} accepted is unknown. ${paid.whereToLook}`,
			),
		};
	}
	if (status < 400) {
		return {
			message: `${service.title} wants to redirect the request, which is not followed`,
			description: `Put the right address into the credential${location ? `: the redirect points to ${location}` : ''}.`,
		};
	}
	const words = service.title === 'Cleanlist' ? refusal(response, facts) : relayRefusal(response);
	if (status < 500 || !paid) return words;
	return {
		...words,
		description: sentences(
			words.description,
			`Whether ${paid.what} accepted is unknown, so the request was not repeated.`,
			paid.whereToLook,
		),
	};
}

function unreachableError(
	node: INode,
	service: Service,
	{ cause, code, neverSent, mayPass }: Extract<Outcome, { kind: 'unreachable' }>,
	facts: RequestFacts,
): NodeApiError {
	const advice = mayPass
		? 'Check the address in the credential, and whether the server runs and this n8n can reach it.'
		: 'Check the address in the credential, and the certificate of the server.';
	const paid = paidWork(facts);
	const charge = neverSent
		? 'The request was never sent, so nothing was charged; running it again is safe.'
		: `The connection broke after the request was sent, so whether ${paid?.what} accepted, and will be charged, is unknown. It was not repeated. ${paid?.whereToLook}`;
	return nodeApiError(
		node,
		{
			message: neverSent
				? `${service.title} could not be reached`
				: `${service.title} did not answer: the connection broke or timed out`,
			description: sentences(`Reason: ${code ?? cause.message}.`, advice, paid && charge, facts.postscript),
		},
		{ cause: cause.message },
		{ itemIndex: facts.itemIndex, code },
	);
}

function lateError(node: INode, service: Service, { itemIndex, postscript }: RequestFacts): NodeApiError {
	return nodeApiError(
		node,
		{
			message: `${service.title} takes no further request within the minute that a tool may take`,
			description: sentences(
				'The requests that a minute allows for this API key are used up. This one was not sent, so nothing was charged. Try again in a minute.',
				postscript,
			),
		},
		null,
		{ itemIndex },
	);
}

function paidWork({ paid, paidContacts }: RequestFacts): PaidWork | undefined {
	if (!paidContacts) return paid;
	return { what: `the ${paidContacts} contacts were`, whereToLook: FIND_THE_WORKFLOW };
}

interface Details {
	itemIndex?: number;
	httpStatus?: number;
	code?: string | null;
	requestId?: string | null;
	parameter?: string;
}

function nodeApiError(
	node: INode,
	{ message, description }: Words,
	body: unknown,
	{ itemIndex, httpStatus, code, requestId, parameter }: Details,
): NodeApiError {
	const error = new NodeApiError(node, { body } as JsonObject, {
		message,
		description,
		itemIndex,
		...(httpStatus !== undefined && { httpCode: String(httpStatus) }),
	});
	// The constructor swaps a text for a stock one when it finds an error code such as EPERM anywhere in it.
	error.message = message;
	error.description = description;
	if (typeof body === 'object' && body !== null) error.context.data = body as IDataObject;
	error.context.cleanlist = compact({
		http_status: httpStatus,
		code,
		request_id: requestId,
		parameter,
	});
	return error;
}

/** A complaint about a parameter that was found before anything was sent. */
export function parameterError(
	node: INode,
	parameter: string,
	itemIndex: number,
	message: string,
	description: string,
): NodeOperationError {
	const error = new NodeOperationError(node, message, { description, itemIndex });
	error.message = message;
	error.context.cleanlist = { parameter };
	return error;
}

/** Any failure as an error of n8n that names its item. */
export function asNodeError(
	node: INode,
	error: unknown,
	itemIndex: number,
): NodeApiError | NodeOperationError {
	if (error instanceof NodeApiError || error instanceof NodeOperationError) {
		error.context.itemIndex ??= itemIndex;
		return error;
	}
	return new NodeOperationError(node, error as Error, { itemIndex });
}

/**
 * The one item that stands for a failed input item when the node continues on failure.
 *
 * It carries no `error` of its own, because n8n then reduces its json to the message. Without one, all but
 * the latest n8n versions send it to the error output only if `error` and `message` are its only keys.
 */
export function errorItem(
	node: INode,
	error: NodeApiError | NodeOperationError,
	itemIndex: number,
): INodeExecutionData {
	const details = error.context.cleanlist as IDataObject | undefined;
	return {
		json: {
			error: error.message,
			...(error.description && { message: error.description }),
			...(details && node.onError !== 'continueErrorOutput' && { details }),
		},
		pairedItem: { item: itemIndex },
	};
}

function compact(record: Record<string, unknown>): IDataObject {
	return Object.fromEntries(
		Object.entries(record).filter(([, value]) => value !== undefined && value !== null),
	) as IDataObject;
}
