import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type IN8nHttpFullResponse,
} from 'n8n-workflow';
import { outcomeError } from '../helpers/errors';
import type { RequestFacts } from '../helpers/words';
import { now } from './clock';
import { answered, unreachable, type Outcome } from './outcome';
import { deadlineOf } from './patience';
import { pause } from './pause';
import { retryDelay } from './retry';
import { CLEANLIST } from './service';

export interface DownloadedFile {
	content: Buffer;
	/** As the server calls it; null when it does not. */
	fileName: string | null;
	mimeType: string | null;
}

const TIMEOUT_MS = 120_000;

/**
 * Fetches a file from a signed link. The link itself says who may, and it may lead to another host: the key is not
 * sent along.
 */
export async function download(
	context: IExecuteFunctions,
	url: string,
	facts: RequestFacts,
): Promise<DownloadedFile> {
	if (!/^https?:\/\/[^/\s]+/i.test(url)) {
		throw new NodeOperationError(context.getNode(), 'Cleanlist gave no link to the file', {
			description: 'Run the node again; if it stays like this, export the list in the Cleanlist portal.',
			itemIndex: facts.itemIndex,
		});
	}
	const deadline = deadlineOf(context);
	for (let attempt = 0; ; attempt++) {
		const { outcome, file } = await fetchOnce(context, url, deadline);
		if (file) return file;
		const wait = retryDelay({ method: 'GET' }, outcome, attempt);
		if (wait === null || now() + wait > deadline) throw downloadError(context, outcome, facts);
		await pause(wait, context.getExecutionCancelSignal());
	}
}

async function fetchOnce(
	context: IExecuteFunctions,
	url: string,
	deadline: number,
): Promise<{ outcome: Outcome; file?: DownloadedFile }> {
	try {
		const response = (await context.helpers.httpRequest({
			method: 'GET',
			url,
			encoding: 'arraybuffer',
			timeout: Math.max(1_000, Math.min(TIMEOUT_MS, deadline - now())),
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			abortSignal: context.getExecutionCancelSignal(),
		})) as IN8nHttpFullResponse;
		const content = Buffer.from(response.body as ArrayBuffer);
		if (response.statusCode === 200) {
			return { outcome: answered(response, now()), file: { content, ...nameAndType(response.headers) } };
		}
		return { outcome: answered({ ...response, body: parsed(content) }, now()) };
	} catch (error) {
		return { outcome: unreachable(error as Error) };
	}
}

function downloadError(context: IExecuteFunctions, outcome: Outcome, facts: RequestFacts) {
	const error = outcomeError(context.getNode(), CLEANLIST, outcome, {
		...facts,
		postscript:
			'This was the download of the file that Cleanlist had made; a new run makes a new one, free of charge.',
	});
	error.message = `The exported file could not be downloaded: ${error.message}`;
	return error;
}

function nameAndType(headers: IDataObject): Pick<DownloadedFile, 'fileName' | 'mimeType'> {
	const [, name = null] = /filename="?([^";]+)"?/i.exec(String(headers['content-disposition'] ?? '')) ?? [];
	const [type = ''] = String(headers['content-type'] ?? '').split(';');
	return {
		// A name is no path.
		fileName: name?.split(/[\\/]/).at(-1)?.trim() || null,
		mimeType: type.trim() || null,
	};
}

/** An error answer's body, which comes as bytes here. */
function parsed(content: Buffer): unknown {
	const text = content.toString();
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
