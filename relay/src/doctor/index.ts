import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { DataFolderError, readDataFolder } from '../data-folder.ts';
import { createAddressGuard } from '../delivery/address-guard.ts';
import { createSealer } from '../sealing.ts';
import { checkCleanlist } from './cleanlist.ts';
import { ok, problem } from './finding.ts';
import type { Finding } from './finding.ts';
import { checkClock, checkDisk } from './machine.ts';
import type { Probe } from './probe.ts';
import { checkPublicUrl, checkReceivers, checkRelay } from './reach.ts';
import { checkSettings } from './settings.ts';
import { seeSqlite } from './sqlite.ts';
import { checkContent } from './store.ts';

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
}): Promise<Finding[]> {
	const { config, cleanlist, probe, clock } = options;
	const folder = await readDataFolder(config.dataFolder).catch((error: unknown) => {
		if (error instanceof DataFolderError) return error;
		throw error;
	});
	const findings = checkSettings(config);
	if (folder instanceof DataFolderError) {
		findings.push(folderProblem(folder));
	} else {
		findings.push(
			ok('data folder', `${folder.path} and its keys are for this user alone.`),
			...checkDisk(config),
		);
	}

	const seen = seeSqlite(config);
	findings.push(...seen.findings);
	if (seen.content && !(folder instanceof DataFolderError)) {
		findings.push(...checkContent(seen.content, createSealer(folder.keys.sealingKeys), clock.now()));
	}

	const reached = await Promise.all([
		checkRelay(config, probe),
		checkPublicUrl(config, probe),
		checkReceivers(seen.content?.subscriptions ?? [], createAddressGuard({ allow: config.allow }), probe),
		checkCleanlist(cleanlist, probe),
	]);
	return [
		...findings,
		...checkClock(reached.flatMap(({ probed }) => probed)),
		...reached.flatMap((one) => one.findings),
	];
}

/** Its message is what is wrong, a colon, and what to do. */
function folderProblem({ message }: DataFolderError): Finding {
	const colon = message.lastIndexOf(': ');
	const remedy = message.slice(colon + 2);
	return problem(
		'data folder',
		`${message.slice(0, colon)}.`,
		`${remedy.charAt(0).toUpperCase()}${remedy.slice(1).replace(/\.$/, '')}.`,
	);
}
