import type { Client, Harness } from '../reference/harness.ts';
import { startReference } from '../reference/harness.ts';
import { SCOPES } from '../../relay/src/contract/common.ts';
import { send } from './client.ts';
import type { Persona, Target } from './world.ts';

/** The reference API, with somebody for every persona. */
export async function startTarget(): Promise<Target & { close(): Promise<void> }> {
	const open = await startReference();
	const limited = await startReference({ limits: { perKeyPerMinute: 0, perOrganizationPerMinute: 0 } });
	const clients = new Map<Persona, Promise<{ harness: Harness; client: Client }>>();

	const make = async (as: Persona): Promise<{ harness: Harness; client: Client }> => {
		if (as === 'rate limited') return { harness: limited, client: await limited.client() };
		const scope = /^without (.+)$/.exec(as)?.[1];
		const client = await open.client({
			email: 'ada@example.com',
			...(as === 'no plan' ? { tier: 'starter' as const } : {}),
			...(as === 'no credits' ? { credits: 0 } : {}),
			...(scope ? { scopes: SCOPES.filter((one) => one !== scope) } : {}),
		});
		return { harness: open, client };
	};

	return {
		async send(call, as) {
			if (as === 'nobody') return send(open.baseUrl, null, call);
			if (as === 'unknown key') return send(open.baseUrl, `clapi_${'x'.repeat(64)}`, call);
			if (!clients.has(as)) clients.set(as, make(as));
			const { harness, client } = await clients.get(as)!;
			return send(harness.baseUrl, client.key, call);
		},
		allow() {},
		async pass(ms) {
			for (let passed = 0; passed < ms; passed += 100) await open.clock.advance(100);
		},
		async broken(_what, during) {
			open.reference.behaviours.csvImport = false;
			try {
				return await during();
			} finally {
				open.reference.behaviours.csvImport = true;
			}
		},
		async close() {
			await open.close();
			await limited.close();
		},
	};
}
