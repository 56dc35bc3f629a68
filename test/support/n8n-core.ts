import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Core from 'n8n-core';
import type * as NodeWorkflow from 'n8n-workflow';

export interface N8nModules {
	core: typeof Core;
	workflow: typeof NodeWorkflow;
	/** Loads CommonJS modules (nodes) so that they share n8n's own copy of n8n-workflow. */
	require: NodeJS.Require;
	/** Where n8n keeps its settings; removed again once they were read. */
	settingsFolder: string;
}

let loaded: N8nModules | undefined;

/**
 * n8n's engine, loaded once. By `require`, because plain Node can't import n8n-workflow as an ES module, and
 * because nodes load it that way too: engine and nodes must share one copy or `instanceof` fails on errors.
 *
 * n8n-core reads its user folder (the home folder, unless told otherwise) when it is first used, and writes a
 * settings file there. It gets a temporary one, which is gone again as soon as the settings are in memory.
 */
export function n8n(): N8nModules {
	if (loaded) return loaded;
	const require = createRequire(import.meta.url);
	const folder = mkdtempSync(join(tmpdir(), 'n8n-user-'));
	const restore = setEnv({
		N8N_USER_FOLDER: folder,
		N8N_ENCRYPTION_KEY: 'the engine of these tests encrypts nothing',
		N8N_LOG_LEVEL: 'silent',
	});
	try {
		require('reflect-metadata');
		const core = require('n8n-core') as typeof Core;
		const workflow = require('n8n-workflow') as typeof NodeWorkflow;
		// n8n-core's own copy: another package may bring a second one, which knows none of its services.
		const coreRequire = createRequire(require.resolve('n8n-core'));
		const { Container } = coreRequire('@n8n/di') as {
			Container: { get(token: unknown): Core.InstanceSettings };
		};
		const settingsFolder = Container.get(core.InstanceSettings).n8nFolder;
		loaded = { core, workflow, require, settingsFolder };
		return loaded;
	} finally {
		restore();
		rmSync(folder, { recursive: true, force: true });
	}
}

function setEnv(values: Record<string, string>): () => void {
	const before = Object.keys(values).map((name) => [name, process.env[name]] as const);
	Object.assign(process.env, values);
	return () => {
		for (const [name, value] of before) {
			if (value === undefined) delete process.env[name];
			else process.env[name] = value;
		}
	};
}
