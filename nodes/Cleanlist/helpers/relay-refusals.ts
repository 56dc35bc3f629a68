import type { ApiResponse } from '../transport/outcome';
import { readErrorBody } from './error-body';
import { sentences, type Words } from './words';

/** What a 4xx or 5xx of the relay means. Its problem documents already say what to do. */
export function relayRefusal({ status, body }: ApiResponse): Words {
	const read = readErrorBody(body);
	const [issue] = read.issues;
	const detail = sentences(read.problem, issue && `${issue.path.join('.')}: ${issue.message}.`);
	if (status === 401) {
		return {
			message: 'The relay does not accept the token',
			description: sentences(
				read.fix ??
					'Open the credential "Cleanlist Relay API" and paste the token, starting with crt_, that the relay showed on its first start.',
			),
		};
	}
	if (status === 403) {
		return {
			message: 'The relay token may not do this',
			description: sentences(detail, read.fix ?? 'Use a token with the scope "subscribe".'),
		};
	}
	if (status === 404 && read.code === null) {
		return {
			message: 'There is no relay at this address',
			description:
				'Check the URL in the credential "Cleanlist Relay API": it is the address that the relay showed when it started, without any path.',
		};
	}
	return {
		message: read.problem ?? `The relay answered with HTTP ${status}`,
		description: sentences(
			issue && `${issue.path.join('.')}: ${issue.message}.`,
			read.fix ??
				(status >= 500
					? 'Look at the log of the relay, then try again.'
					: 'Check the parameters of the node.'),
		),
	};
}
