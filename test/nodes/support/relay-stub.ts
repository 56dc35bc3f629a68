import { CreateSubscriptionRequest } from '../../../relay/src/contract/index.ts';
import type { SubscriptionView } from '../../../relay/src/contract/index.ts';
import { json, startServer } from './scripted-server.ts';
import type { Answer, ScriptedServer } from './scripted-server.ts';

export interface RelayStub extends ScriptedServer {
	subscriptions: Map<string, SubscriptionView & { secret: string }>;
	/** The only subscription there is. */
	only(): SubscriptionView & { secret: string };
	/** Method and path of every request, without queries and ids. */
	calls(): string[];
}

export const RELAY_TOKEN = 'crt_test';

const problem = (status: number, code: string, detail: string, fix: string) =>
	json(status, { type: `/errors/${code}`, title: code, status, detail, code, fix });

/** The relay's management API in memory, as the contract describes it, so that tests can make it forget things. */
export async function startRelayStub(): Promise<RelayStub> {
	const subscriptions: RelayStub['subscriptions'] = new Map();
	let count = 0;
	const newSecret = () => `whsec_${Buffer.from(`secret number ${++count}`.padEnd(32)).toString('base64')}`;
	const withoutSecret = ({ secret: _, ...view }: SubscriptionView & { secret: string }) => view;

	const answer: Answer = (response, request, nth) => route()(response, request, nth);
	function route(): Answer {
		const { method, path, body, headers } = server.seen.at(-1)!;
		const url = new URL(path, server.url);
		const [, , , collection, id, part] = url.pathname.split('/');
		if (headers.authorization !== `Bearer ${RELAY_TOKEN}`) {
			return problem(401, 'unauthorized', 'The token is not known.', 'Use the token the relay showed.');
		}
		if (collection === 'sources') {
			const at = { created_at: '2026-01-05T09:00:00.000Z' };
			return json(200, {
				sources: [
					{ id: 'other', name: 'Other', ingest_url: `${server.url}/in/other`, ...at },
					{ id: 'default', name: 'Cleanlist', ingest_url: `${server.url}/in/t0ken`, ...at },
				],
			});
		}
		if (id === undefined && method === 'GET') {
			const wanted = url.searchParams.get('url');
			const all = [...subscriptions.values()].filter((entry) => wanted === null || entry.url === wanted);
			return json(200, { subscriptions: all.map(withoutSecret) });
		}
		if (id === undefined) {
			const parsed = CreateSubscriptionRequest.parse(body);
			if (
				[...subscriptions.values()].some((entry) => entry.url === parsed.url && entry.status === 'active')
			) {
				return problem(409, 'subscription_exists', 'There is one.', 'Use it.');
			}
			const created = {
				id: `sub_${++count}`,
				url: parsed.url,
				events: parsed.events,
				filter: parsed.filter as Record<string, string>,
				description: parsed.description ?? null,
				concurrency: parsed.concurrency,
				per_minute: parsed.per_minute,
				failures: 0,
				failing_since: null,
				next_probe_at: null,
				previous_secret_until: null,
				status: 'active' as const,
				created_at: '2026-01-05T09:00:00.000Z',
				secret: newSecret(),
			};
			subscriptions.set(created.id, created);
			return json(201, created);
		}
		const found = subscriptions.get(id);
		if (!found) return problem(404, 'subscription_not_found', 'No such subscription.', 'Check the id.');
		if (method === 'DELETE') {
			subscriptions.delete(id);
			return json(204, null);
		}
		if (method === 'PATCH') Object.assign(found, body as object);
		if (part === 'secret') return json(200, Object.assign(found, { secret: newSecret() }));
		return json(200, withoutSecret(found));
	}

	const server = await startServer(answer);
	return Object.assign(server, {
		subscriptions,
		only() {
			expect(subscriptions.size).toBe(1);
			return [...subscriptions.values()][0]!;
		},
		calls: () =>
			server.seen.map(({ method, path }) => {
				const parts = path.split('?')[0]!.split('/').slice(3);
				return `${method} ${parts.map((part) => part.replace(/^sub_.*/, '{id}')).join('/')}`;
			}),
	});
}
