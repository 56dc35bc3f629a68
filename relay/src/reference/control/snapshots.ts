/** Snapshots at a time. */
export const MAX_SNAPSHOTS = 10;
/** Bytes that all of them may take, in memory. */
const MAX_BYTES = 512 * 1024 * 1024;
/** Of what is put back when starting over fails. */
const SAFETY = 0;

/** Why there is no snapshot; the message is a sentence, and `fix` another. */
export class SnapshotRefused extends Error {
	override readonly name = 'SnapshotRefused';
	readonly fix: string;
	constructor(message: string, fix: string) {
		super(message);
		this.fix = fix;
	}
}

interface Copies {
	save(id: number): void;
	restore(id: number): void;
	drop(id: number): void;
	sizes(): { data: number; kept: number };
}

/** Snapshots by name, each all of the data and what goes with them. They live as long as the process. */
export function createSnapshots<Saved>({ db, now }: { db: Copies; now: () => number }) {
	const kept = new Map<string, { id: number; saved: Saved; madeAt: number; bytes: number }>();
	let lastId = SAFETY;

	const view = (name: string, { madeAt, bytes }: { madeAt: number; bytes: number }) => ({
		name,
		made_at: new Date(madeAt).toISOString(),
		bytes,
	});

	return {
		/** In place of one of the same name. @throws SnapshotRefused when it would be too many, or too much */
		save(name: string, saved: Saved) {
			const old = kept.get(name);
			const { data, kept: taken } = db.sizes();
			if (!old && kept.size >= MAX_SNAPSHOTS) {
				throw new SnapshotRefused(
					`There are ${MAX_SNAPSHOTS} snapshots, which is as many as are kept.`,
					`Use one of their names again: ${[...kept.keys()].join(', ')}.`,
				);
			}
			if (taken - (old?.bytes ?? 0) + data > MAX_BYTES) {
				throw new SnapshotRefused(
					`With this one the snapshots would take more than ${MAX_BYTES / 2 ** 20} MiB of memory.`,
					'Use the name of one that is not needed any more, or work with less data.',
				);
			}
			const id = ++lastId;
			db.save(id);
			if (old) db.drop(old.id);
			const snapshot = { id, saved: structuredClone(saved), madeAt: now(), bytes: data };
			kept.set(name, snapshot);
			return view(name, snapshot);
		},

		has: (name: string): boolean => kept.has(name),

		/** Puts the data back. @returns what goes with them */
		restore(name: string): Saved {
			const { id, saved } = kept.get(name)!;
			db.restore(id);
			return structuredClone(saved);
		},

		list: () => [...kept].map(([name, snapshot]) => view(name, snapshot)),

		/** Keeps the data for a moment, until they are put back or let go. */
		keep: (): void => db.save(SAFETY),
		putBack: (): void => db.restore(SAFETY),
		letGo: (): void => db.drop(SAFETY),
	};
}
