import { join } from 'node:path';
import type { DataFolder } from './data-folder.ts';
import { VERSION } from './version.ts';

export interface WelcomeFacts {
	folder: DataFolder;
	/** Base URL of the relay. */
	url: string;
	/** Base URL of the reference API; null when it is off. */
	referenceUrl: string | null;
	/** Whether the management token is not the one of the key file. */
	hasOwnToken: boolean;
	/** Whether new keys may be shown. */
	showKeys: boolean;
}

/**
 * What a person sees once the relay is up: on the first start one screen with everything needed to set n8n up,
 * later a few lines without secrets.
 */
export function welcome(facts: WelcomeFacts): string {
	return facts.folder.created ? firstStart(facts) : laterStart(facts);
}

function firstStart({ folder, url, referenceUrl, hasOwnToken, showKeys }: WelcomeFacts): string {
	const newToken = showKeys ? folder.keys.relayToken : `(in ${join(folder.keysFolder, 'relay-token')})`;
	const token = hasOwnToken ? '(the value of RELAY_TOKEN)' : newToken;
	const demoKey = showKeys ? folder.keys.demoKey : `(in ${join(folder.keysFolder, 'demo-key')})`;
	const cleanlist = referenceUrl
		? [
				'1. Credential "Cleanlist API". This is the reference API of this process, a stand-in for',
				'   Cleanlist: no account needed, nothing is charged, the people in it are invented.',
				`     Base URL   ${referenceUrl}`,
				`     API Key    ${demoKey}`,
				'   For real results: Base URL https://api.cleanlist.ai and a key of yours.',
			]
		: [
				'1. Credential "Cleanlist API"',
				'     Base URL   https://api.cleanlist.ai',
				'     API Key    a key of yours, clapi_…',
			];
	return screen([
		`cleanlist-relay ${VERSION} is running on ${url}`,
		'',
		'Install the community node n8n-nodes-cleanlist in n8n, then paste:',
		'',
		...cleanlist,
		'',
		'2. Credential "Cleanlist Relay API"',
		`     URL        ${url}`,
		`     Token      ${token}`,
		'',
		'3. A workflow that starts with the node "Cleanlist Trigger" (credential 2): activate it.',
		'4. A workflow with the node "Cleanlist", resource Enrichment, operation Start, and Result',
		'   Delivery "Through the Relay" (credentials 1 and 2): run it. The trigger gets the results,',
		'   also when n8n was down while they came in.',
		'',
		showKeys
			? `Keys are shown this once, and kept in ${folder.keysFolder} (mode 0600).`
			: `Keys are kept in ${folder.keysFolder} (mode 0600).`,
		'n8n in a container can not reach 127.0.0.1 of this machine; see docs/relay.md, "n8n in a container".',
		'Stop with Ctrl-C. Nothing is lost: what is pending goes on after the next start.',
	]);
}

function laterStart({ folder, url, referenceUrl }: WelcomeFacts): string {
	return screen([
		`cleanlist-relay ${VERSION} is running on ${url}${referenceUrl ? ', with the reference API' : ''}`,
		`Keys and data are in ${folder.path}. Stop with Ctrl-C.`,
	]);
}

const screen = (lines: string[]) =>
	`\n${lines.map((line) => (line === '' ? '' : `  ${line}`)).join('\n')}\n\n`;
