import type { FileOnDisk, Survival } from './file-on-disk.ts';

type Node = FileOnDisk | FolderOnDisk;
type Change = { link: string; node: Node } | { unlink: string } | { from: string; to: string; node: Node };

/** One folder: the names that are surely on disk, and the changes since that may or may not be. */
export class FolderOnDisk {
	readonly mode: number;
	private durable = new Map<string, Node>();
	private current = new Map<string, Node>();
	private pending: { order: number; change: Change }[] = [];

	constructor(mode: number) {
		this.mode = mode;
	}

	change(order: number, change: Change): void {
		this.pending.push({ order, change });
		apply(this.current, change);
	}

	/** A sync of the folder that began at `order` has ended. */
	synced(order: number): void {
		for (const entry of this.pending) if (entry.order < order) apply(this.durable, entry.change);
		this.pending = this.pending.filter((entry) => entry.order >= order);
	}

	/** The names as the running process sees them. */
	now(): ReadonlyMap<string, Node> {
		return this.current;
	}

	/** Names that the disk may have after the power failed. A change of names happens whole or not at all. */
	after(random: () => number, { kept }: Survival): ReadonlyMap<string, Node> {
		const names = new Map(this.durable);
		for (const { change } of this.pending) if (random() < kept) apply(names, change);
		return names;
	}
}

function apply(names: Map<string, Node>, change: Change): void {
	if ('link' in change) names.set(change.link, change.node);
	else if ('unlink' in change) names.delete(change.unlink);
	else {
		names.delete(change.from);
		names.set(change.to, change.node);
	}
}
