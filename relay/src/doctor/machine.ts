import { freeBytes } from '../disk-space.ts';
import { USUAL_RESERVE_MIB } from '../config.ts';
import type { Config } from '../config.ts';
import { ok, problem, warning } from './finding.ts';
import type { Finding } from './finding.ts';

const MIB = 1024 * 1024;
/** Below this many times the reserve there is little room; without a reserve, as with the usual one. */
const LITTLE = 4;

/** Whether there is room for what comes. With PostgreSQL it goes elsewhere, and nothing is refused for want of room here. */
export function checkDisk(
	{ dataFolder, databaseUrl, diskReserveBytes }: Config,
	free: (folder: string) => number = freeBytes,
): Finding[] {
	if (databaseUrl !== null) return [];
	const left = free(dataFolder);
	const mib = (bytes: number) => `${Math.floor(bytes / MIB).toLocaleString('en')} MiB`;
	const reserve = diskReserveBytes > 0;
	if (left <= diskReserveBytes) {
		return [
			problem(
				'disk',
				reserve
					? `${mib(left)} are free, no more than the reserve of ${mib(diskReserveBytes)}: webhooks are answered 503.`
					: 'It is full: webhooks are answered 503, and deliveries may stop.',
				`Free space on the disk of ${dataFolder}, or move the folder to a larger one.`,
			),
		];
	}
	if (left < (reserve ? diskReserveBytes : USUAL_RESERVE_MIB * MIB) * LITTLE) {
		return [
			warning(
				'disk',
				reserve
					? `${mib(left)} are free; below ${mib(diskReserveBytes)} webhooks are answered 503.`
					: `${mib(left)} are free; once it is full webhooks are answered 503, and without a reserve deliveries may stop.`,
				`Free space on the disk of ${dataFolder} soon, or keep events for a shorter time.`,
			),
		];
	}
	return [ok('disk', `${mib(left)} are free.`)];
}

/** The trigger node, like every Standard Webhooks library, refuses a signature that is five minutes off. */
const REFUSED_MS = 5 * 60_000;
const SUSPECT_MS = 30_000;

/**
 * Whether this machine's clock agrees with those of others.
 *
 * @param told how far ahead of each it is, in ms; null for one that told no time
 */
export function checkClock(told: readonly (number | null)[]): Finding[] {
	const skews = told.filter((skew) => skew !== null);
	if (skews.length === 0) return [];
	// The middle one: a single server with a wrong clock says nothing of this one. Of two the one that is further off.
	const skew = skews.toSorted((a, b) => Math.abs(a) - Math.abs(b))[Math.floor(skews.length / 2)] ?? 0;
	const off = `This machine's clock is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead of' : 'behind'} the servers asked`;
	const remedy = 'Have the system set its clock from the network (for example systemd-timesyncd or chrony).';
	if (Math.abs(skew) >= REFUSED_MS) {
		return [problem('clock', `${off}: receivers refuse signatures that are five minutes off.`, remedy)];
	}
	if (Math.abs(skew) >= SUSPECT_MS) return [warning('clock', `${off}.`, remedy)];
	return [ok('clock', "This machine's clock agrees with those of the servers asked.")];
}
