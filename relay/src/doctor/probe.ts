import { Agent } from 'undici';
import type { Clock } from '../clock.ts';
import type { AddressGuard } from '../delivery/address-guard.ts';

/** What came back from a look at a URL. */
export type Probed =
	{ reached: true; status: number; text: string; skewMs: number | null } | { reached: false; why: string };

/** Looks at a URL by GET. Never rejects. */
export type Probe = (
	url: string,
	options?: {
		headers?: Record<string, string>;
		/** Connects only to where this guard lets deliveries go. */
		guard?: AddressGuard;
	},
) => Promise<Probed>;

export const skewOf = (probed: Probed): number | null => (probed.reached ? probed.skewMs : null);

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;

export function createProbe(clock: Clock): Probe {
	return async (url, { headers = {}, guard } = {}) => {
		const agent = new Agent({
			connectTimeout: TIMEOUT_MS,
			headersTimeout: TIMEOUT_MS,
			bodyTimeout: TIMEOUT_MS,
			...(guard && { connect: guard.connector }),
		});
		try {
			const { origin, pathname, search } = new URL(url);
			const asked = clock.now();
			const {
				statusCode,
				headers: got,
				body,
			} = await agent.request({
				origin,
				path: pathname + search,
				method: 'GET',
				headers: { accept: 'application/json', ...headers },
			});
			const middle = (asked + clock.now()) / 2;
			const text = await start(body);
			const date = typeof got.date === 'string' ? Date.parse(got.date) : NaN;
			// The header has whole seconds: on average it is half of one behind.
			const skewMs = Number.isNaN(date) ? null : Math.round(middle - (date + 500));
			return { reached: true, status: statusCode, text, skewMs };
		} catch (error) {
			return { reached: false, why: reason(error) };
		} finally {
			await agent.destroy();
		}
	};
}

async function start(body: AsyncIterable<Buffer>): Promise<string> {
	let text = '';
	for await (const chunk of body) {
		text += chunk.toString('latin1');
		if (text.length >= MAX_BYTES) break;
	}
	return text;
}

/** The cause in a few words, without addresses that a name stands for. */
function reason(error: unknown): string {
	const { code, message, errors } = error as { code?: string; message?: string; errors?: unknown[] };
	if (error instanceof AggregateError && errors?.length) return reason(errors[0]);
	switch (code) {
		case 'ENOTFOUND':
		case 'EAI_AGAIN':
			return 'its name is not known';
		case 'ECONNREFUSED':
			return 'nothing listens there';
		case 'UND_ERR_CONNECT_TIMEOUT':
		case 'UND_ERR_HEADERS_TIMEOUT':
		case 'UND_ERR_BODY_TIMEOUT':
		case 'ETIMEDOUT':
			return 'there was no answer within 5 s';
		default:
			return (message ?? 'unknown').replace(/\.$/, '');
	}
}
