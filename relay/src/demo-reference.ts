import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { KEYS_PREFIX, LEGACY_PREFIX, V2_PREFIX } from './contract/common.ts';
import { REFERENCE_FILE } from './data-folder.ts';
import type { Keys } from './data-folder.ts';
import { REFERENCE_DOCS_PREFIX } from './http/docs/routes.ts';
import type { LateRoutes } from './http/late-routes.ts';
import type { Ids } from './ids.ts';
import type { Logger } from './log.ts';
import { openDatabaseFile } from './open-database.ts';
import { openedOnce } from './opened-once.ts';
import type { Reference } from './reference/index.ts';
import { CONTROL_PREFIX, DOWNLOADS_PREFIX } from './reference/prefixes.ts';

/** Credits of the demo account: enough for 10,000 contacts at once, each with an e-mail and a phone number (11). */
const DEMO_CREDITS = 120_000;

/** The reference API in the relay's process. */
export interface DemoReference {
	routes: LateRoutes;
	/** Does what is due from now on. */
	start(): void;
	stop(): Promise<void>;
}

/**
 * The reference API with a demo account, in the data folder. It is opened, its modules loaded, when it is first asked for or
 * when its database has something left to do from before: an idle relay that nobody asks has 20 MiB less to hold.
 *
 * @throws DataFolderError when there is a database and it can't be used
 */
export async function createDemoReference(options: {
	config: Config;
	keys: Keys;
	clock: Clock;
	ids: Ids;
	log: Logger;
}): Promise<DemoReference> {
	const { config, keys, clock, ids, log } = options;
	const { completionMs, limits, control } = config.reference;
	const path = join(config.dataFolder, REFERENCE_FILE);
	let isStarted = false;

	async function open(): Promise<Reference> {
		const { openReference } = await import('./reference/index.ts');
		const reference = await openDatabaseFile(path, () =>
			openReference({
				...{ path, clock, ids, log },
				docsPrefix: REFERENCE_DOCS_PREFIX,
				...(completionMs !== null && { completionMs }),
				...(limits !== null && { limits }),
				populate: async ({ createAccount }) => {
					await createAccount({ name: 'Demo', key: keys.demoKey, tier: 'pro', credits: DEMO_CREDITS });
				},
			}),
		);
		if (isStarted) reference.start();
		return reference;
	}

	const opened = openedOnce(open);
	const isWorkLeft = async () => {
		const { isWorkLeft: isLeftIn } = await import('./reference/work-left.ts');
		return openDatabaseFile(path, () => isLeftIn(path));
	};
	if (existsSync(path) && (await isWorkLeft())) await opened.get();

	return {
		routes: {
			prefixes: [
				...[V2_PREFIX, LEGACY_PREFIX, KEYS_PREFIX, DOWNLOADS_PREFIX, REFERENCE_DOCS_PREFIX],
				...(control === 'off' ? [] : [CONTROL_PREFIX]),
			],
			async open() {
				const reference = await opened.get();
				return async (app) => {
					await app.register(reference.routes);
					if (control !== 'off') await app.register(reference.controlRoutes(control));
				};
			},
		},
		start() {
			isStarted = true;
			void opened.current().then((reference) => reference?.start());
		},
		async stop() {
			await (await opened.current())?.stop();
		},
	};
}
