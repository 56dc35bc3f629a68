import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { keyFingerprints } from '../crypto.ts';
import { DataFolderError, readDataFolder, sharedKeys } from '../data-folder.ts';
import type { Keys } from '../data-folder.ts';
import { createAddressGuard } from '../delivery/address-guard.ts';
import type { Ids } from '../ids.ts';
import { firstToken } from '../management-token.ts';
import { createSealer } from '../sealing.ts';
import type { Shared } from '../store/postgres/open.ts';
import { checkCleanlist } from './cleanlist.ts';
import { ok, problemOf } from './finding.ts';
import type { Finding } from './finding.ts';
import { checkClock, checkDisk } from './machine.ts';
import { seePostgres } from './postgres.ts';
import { skewOf } from './probe.ts';
import type { Probe } from './probe.ts';
import { checkPublicUrl, checkReceivers, checkRelay } from './reach.ts';
import { checkSettings } from './settings.ts';
import { seeSqlite } from './sqlite.ts';
import { checkContent } from './store.ts';
import { checkWritable } from './writable.ts';

export type { Finding } from './finding.ts';

/**
 * Looks at everything a relay depends on and changes nothing: settings, keys, database, disk, clock, and whether the
 * relay, its public URL, its receivers and Cleanlist can be reached. A relay may be running meanwhile.
 *
 * @param cleanlist the operator's key, null for none, and where the API is
 */
export async function diagnose(options: {
	config: Config;
	cleanlist: { key: string | null; baseUrl: string };
	probe: Probe;
	clock: Clock;
	ids: Ids;
}): Promise<Finding[]> {
	const { config, cleanlist, probe, clock, ids } = options;
	const folder = await readDataFolder(config.dataFolder).catch((error: unknown) => {
		if (error instanceof DataFolderError) return error;
		throw error;
	});
	const findings = checkSettings(config);
	if (folder instanceof DataFolderError) {
		findings.push(problemOf('data folder', folder, 'Set RELAY_DATA to a folder that can be used.'));
	} else {
		findings.push(
			ok('data folder', `${folder.path} and its keys are for this user alone.`),
			...checkWritable(config),
			...checkDisk(config),
		);
	}

	const seen =
		config.databaseUrl === null
			? { ...seeSqlite(config), skewMs: null }
			: await seePostgres({
					...{ url: config.databaseUrl, clock, ids },
					...(!(folder instanceof DataFolderError) && shared(folder.keys, config, clock)),
				});
	findings.push(...seen.findings);
	const sealingKeys =
		config.sealingKeys ?? (folder instanceof DataFolderError ? null : folder.keys.sealingKeys);
	if (seen.content && sealingKeys) {
		findings.push(...checkContent(seen.content, createSealer(sealingKeys), clock.now()));
	}

	const [relay, publicUrl, receivers, api] = await Promise.all([
		checkRelay(config, probe),
		checkPublicUrl(config, probe),
		checkReceivers(seen.content?.subscriptions ?? [], createAddressGuard({ allow: config.allow }), probe),
		checkCleanlist(cleanlist, probe),
	]);
	// The relay's own answers tell this machine's time.
	const others = [...receivers.probed, ...api.probed].map(skewOf);
	return [
		...findings,
		...checkClock([seen.skewMs, ...others]),
		relay,
		publicUrl,
		...receivers.findings,
		...api.findings,
	];
}

/** What a start compares with the database. RELAY_TOKEN is not: set, it replaces the first token. */
function shared(keys: Keys, config: Config, clock: Clock): Shared {
	return {
		fingerprints: keyFingerprints(sharedKeys(keys, config)),
		...(config.token === null && { firstToken: firstToken(keys.relayToken, clock.now()) }),
	};
}
