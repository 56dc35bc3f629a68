import { isLoopbackUrl, localUrl } from '../config.ts';
import type { Config } from '../config.ts';
import { AddressRefused } from '../delivery/address-guard.ts';
import type { AddressGuard } from '../delivery/address-guard.ts';
import type { Subscription } from '../store/port.ts';
import { note, ok, problem, warning } from './finding.ts';
import type { Finding } from './finding.ts';
import type { Probe, Probed } from './probe.ts';

/** Whether a relay runs here, and takes in webhooks. */
export async function checkRelay(config: Config, probe: Probe): Promise<Finding> {
	if (config.port === 0) return note('relay', 'RELAY_PORT is 0, so where it runs is not known here.');
	const url = localUrl(config);
	const probed = await probe(`${url}/readyz`);
	if (!probed.reached) {
		return note('relay', `No relay runs on ${url} now (${probed.why}).`, 'Start it by cleanlist-relay.');
	}
	if (isReady(probed.text)) return ok('relay', `It runs on ${url} and takes webhooks in.`);
	const code = problemCode(probed.text);
	return code === null
		? problem(
				'relay',
				`What answers on ${url} is not a relay.`,
				'Stop it, or set RELAY_PORT to another port.',
			)
		: problem(
				'relay',
				`The relay on ${url} does not take webhooks in (${code}).`,
				'Look at its log for the cause.',
			);
}

/**
 * Whether the public URL leads to a relay. By asking for an ingest URL in a way that is refused without a token being
 * looked at: only `/in/` has to be public.
 */
export async function checkPublicUrl({ publicUrl }: Config, probe: Probe): Promise<Finding> {
	if (publicUrl === null) {
		const says = 'RELAY_PUBLIC_URL is not set: only what runs on this machine can post webhooks.';
		return note('public URL', says, 'Set it once Cleanlist itself is to reach the relay.');
	}
	const probed = await probe(`${publicUrl}/in/doctor`);
	if (!probed.reached) {
		return problem(
			'public URL',
			`${publicUrl} can't be reached from here (${probed.why}).`,
			'Check its DNS entry, the proxy in front and the firewall; Cleanlist has to reach it from the Internet.',
		);
	}
	const code = problemCode(probed.text);
	if (code === 'method_not_allowed') return ok('public URL', `${publicUrl} leads to a relay.`);
	const { pathname } = new URL(publicUrl);
	return code === null
		? problem(
				'public URL',
				`${publicUrl}/in/ was answered with ${probed.status}, but not by a relay.`,
				'Have the proxy pass /in/ on to the relay; docs/relay.md has an example.',
			)
		: problem(
				'public URL',
				`${publicUrl}/in/ leads to a relay, but to another path there (${code}).`,
				`Have the proxy pass /in/… on as it is${pathname === '/' ? '' : `: take ${pathname} away before it`}.`,
			);
}

/**
 * Whether deliveries can reach each n8n that wants some: by its health check, which starts no workflow. `probed` has
 * the answers that come from other machines.
 */
export async function checkReceivers(
	subscriptions: readonly Subscription[],
	guard: AddressGuard,
	probe: Probe,
): Promise<{ findings: Finding[]; probed: Probed[] }> {
	const active = subscriptions.filter(({ status }) => status === 'active');
	if (active.length === 0) {
		const says = 'No workflow wants events: there is no active subscription.';
		return { findings: [note('n8n', says, 'Activate a workflow with a Cleanlist Trigger.')], probed: [] };
	}
	const origins = Map.groupBy(active, ({ url }) => new URL(url).origin);
	const results = await Promise.all(
		[...origins].map(async ([origin, wanting]) => {
			const many = `${wanting.length} subscription${wanting.length === 1 ? '' : 's'}`;
			const refused = refusal(guard, origin);
			if (refused !== null) {
				const { message, fix } = refused;
				const remedy = fix ?? "Add n8n's network, address or host name to RELAY_ALLOW and restart the relay.";
				return {
					finding: problem('n8n', `Nothing is delivered to ${origin} (${many}): ${message}`, remedy),
					probed: null,
				};
			}
			const probed = await probe(`${origin}/healthz`, { guard });
			const finding = probed.reached
				? probed.status >= 500
					? warning(
							'n8n',
							`${origin} (${many}) answers ${probed.status}.`,
							"Look at n8n's log; a proxy without an n8n behind it answers so too.",
						)
					: ok('n8n', `${origin} (${many}) can be reached.`)
				: problem(
						'n8n',
						`${origin} (${many}) can't be reached (${probed.why}).`,
						'Start n8n, or set its WEBHOOK_URL to an address that the relay can reach and switch the workflow off and on.',
					);
			return { finding, probed: isLoopbackUrl(origin) ? null : probed };
		}),
	);
	return {
		findings: results.map(({ finding }) => finding),
		probed: results.flatMap(({ probed }) => (probed ? [probed] : [])),
	};
}

function refusal(guard: AddressGuard, url: string): AddressRefused | null {
	try {
		guard.checkUrl(url);
		return null;
	} catch (error) {
		if (error instanceof AddressRefused) return error;
		throw error;
	}
}

/** Whether a relay answers so that takes webhooks in: a 200 alone could be any server's. */
const isReady = (text: string): boolean => fieldsOf(text).status === 'ready';

/** The code of a relay's problem document; null for any other text. */
function problemCode(text: string): string | null {
	const { type, code } = fieldsOf(text);
	return typeof type === 'string' && type.startsWith('urn:cleanlist-relay:') && typeof code === 'string'
		? code
		: null;
}

/** The fields of a JSON object; none of any other text. */
function fieldsOf(text: string): Record<string, unknown> {
	try {
		return { ...(JSON.parse(text) as object | null) };
	} catch {
		return {};
	}
}
