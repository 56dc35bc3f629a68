import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createN8nClient } from './n8n-client.ts';
import type { N8nClient } from './n8n-client.ts';
import { freePorts } from './ports.ts';
import { until } from './until.ts';

export interface N8nOptions {
	/** What `npm pack` made. It is installed the way n8n installs a community package. */
	packageTarball: string;
	/** Where n8n itself is installed: what `installN8n` returned. */
	n8nFolder: string;
}

/** A real n8n with the package in it, on a folder, ports and an owner of its own. */
export interface RealN8n {
	/** Base URL, e.g. `http://127.0.0.1:20123`; the same after a restart. */
	readonly url: string;
	readonly client: N8nClient;
	/** Everything n8n printed so far. */
	log(): string;
	/** SIGTERM, as an operator or a container would; workflows and executions stay in the folder. */
	stop(): Promise<void>;
	/** Starts it again on the same folder and ports. */
	start(): Promise<void>;
	/** Ends n8n and removes the folder. */
	dispose(): Promise<void>;
}

const PACKAGE = 'n8n-nodes-cleanlist';
/** Beside these, n8n loads 400 nodes that no test uses. */
const NODES = [
	'n8n-nodes-base.manualTrigger',
	'n8n-nodes-base.set',
	'n8n-nodes-base.noOp',
	`${PACKAGE}.cleanlist`,
	`${PACKAGE}.cleanlistTrigger`,
	// Those of the example workflows.
	...['googleDrive', 'googleSheets', 'if', 'scheduleTrigger', 'slack', 'stickyNote', 'stopAndError'].map(
		(name) => `n8n-nodes-base.${name}`,
	),
	...['agent', 'chatTrigger', 'lmChatOpenAi'].map((name) => `@n8n/n8n-nodes-langchain.${name}`),
];
/** Modules the tests don't need; some of them call servers of n8n's maker. */
const DISABLED_MODULES =
	'mcp-registry,mcp,instance-ai,agents,chat-hub,workflow-builder,insights,external-secrets,source-control,dynamic-credentials,sso-oidc,sso-saml,ldap,log-streaming,quick-connect,otel,token-exchange,oauth-jwe';
/** How long n8n may take to end before it is killed. */
const STOP_WITHIN_MS = 20_000;

/** Starts a real n8n and sets up its owner. Rejects with what n8n printed when it does not come up. */
export async function startN8n({ packageTarball, n8nFolder }: N8nOptions): Promise<RealN8n> {
	const home = mkdtempSync(join(tmpdir(), 'real-n8n-'));
	const [port, brokerPort] = (await freePorts(2)) as [number, number];
	const url = `http://127.0.0.1:${port}`;
	const env = environment({ home, port, brokerPort, url, n8nFolder });
	let output = '';
	let child: ChildProcess | null = null;

	async function start(): Promise<void> {
		const started = spawn(process.execPath, [join(n8nFolder, 'node_modules/n8n/bin/n8n'), 'start'], {
			cwd: home,
			env,
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		child = started;
		for (const stream of [started.stdout, started.stderr]) {
			stream.setEncoding('utf8').on('data', (text: string) => (output += text));
		}
		let failure: Error | null = null;
		started.once('error', (error) => (failure = error));
		await until(
			'n8n to start',
			async () => {
				if (failure) throw failure;
				if (ended(started)) throw new Error(`n8n ended (${started.exitCode}) while it started.`);
				return (await isReady(url)) ? true : undefined;
			},
			{ withinMs: 120_000 },
		).catch((error: unknown) => {
			throw new Error(`${String(error)}\n${lastLines(output, 40)}`, { cause: error });
		});
	}
	async function stop(): Promise<void> {
		const stopping = child;
		if (!stopping || ended(stopping)) return;
		const exited = new Promise((resolve) => stopping.once('close', resolve));
		stopping.kill('SIGTERM');
		const killer = setTimeout(() => stopping.kill('SIGKILL'), STOP_WITHIN_MS);
		await exited;
		clearTimeout(killer);
	}
	async function dispose(): Promise<void> {
		await stop();
		rmSync(home, { recursive: true, force: true });
	}

	try {
		unpack(packageTarball, join(home, '.n8n', 'nodes', 'node_modules', PACKAGE));
		await start();
		const client = await createN8nClient(url);
		return { url, client, log: () => output, stop, start, dispose };
	} catch (error) {
		await dispose();
		throw error;
	}
}

function environment(options: {
	home: string;
	port: number;
	brokerPort: number;
	url: string;
	n8nFolder: string;
}): NodeJS.ProcessEnv {
	const { home, port, brokerPort, url, n8nFolder } = options;
	const temporary = join(home, 'tmp');
	mkdirSync(temporary);
	const off = [
		'N8N_DIAGNOSTICS_ENABLED',
		'N8N_VERSION_NOTIFICATIONS_ENABLED',
		'N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED',
		'N8N_TEMPLATES_ENABLED',
		'N8N_PERSONALIZATION_ENABLED',
		'N8N_HIRING_BANNER_ENABLED',
		'N8N_DYNAMIC_BANNERS_ENABLED',
		'N8N_LICENSE_AUTO_RENEW_ENABLED',
		'N8N_VERIFIED_PACKAGES_ENABLED',
		'N8N_PYTHON_ENABLED',
		// The tests speak plain HTTP, where a secure cookie would not come back.
		'N8N_SECURE_COOKIE',
	];
	return {
		// Nothing of the caller's environment but what any process needs: an N8N_… set there would change the tests.
		PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
		HOME: home,
		TMPDIR: temporary,
		NODE_COMPILE_CACHE: join(n8nFolder, 'compile-cache'),
		N8N_USER_FOLDER: home,
		N8N_ENCRYPTION_KEY: 'only for tests',
		N8N_LISTEN_ADDRESS: '127.0.0.1',
		N8N_HOST: '127.0.0.1',
		N8N_PORT: String(port),
		N8N_WEBHOOK_URL: `${url}/`,
		// Without Code nodes there is nothing to run, and the inner runner would be a second process.
		N8N_RUNNERS_MODE: 'external',
		N8N_RUNNERS_AUTH_TOKEN: 'only for tests',
		N8N_RUNNERS_BROKER_LISTEN_ADDRESS: '127.0.0.1',
		N8N_RUNNERS_BROKER_PORT: String(brokerPort),
		N8N_DISABLED_MODULES: DISABLED_MODULES,
		NODES_INCLUDE: JSON.stringify(NODES),
		...Object.fromEntries(off.map((name) => [name, 'false'])),
	};
}

/** Answers 200 to its probes, and 401 to a caller without a session once its routes are there. */
async function isReady(url: string): Promise<boolean> {
	const status = async (path: string) => {
		try {
			const response = await fetch(`${url}${path}`);
			await response.arrayBuffer();
			return response.status;
		} catch {
			return null;
		}
	};
	return (
		(await status('/healthz')) === 200 &&
		(await status('/healthz/readiness')) === 200 &&
		(await status('/rest/login')) === 401
	);
}

function ended(child: ChildProcess): boolean {
	return child.exitCode !== null || child.signalCode !== null;
}

function lastLines(text: string, count: number): string {
	return text.split('\n').slice(-count).join('\n');
}

function unpack(tarball: string, folder: string): void {
	mkdirSync(folder, { recursive: true });
	execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', folder]);
}
