import { between } from './random.ts';

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;

type Change = { at: number; data: Buffer } | { length: number };

/** How much of what was not synced a power cut leaves: a probability for a whole change, and for tearing it. */
export interface Survival {
	kept: number;
	torn: number;
}

/** One file: the content that is surely on disk, and the changes since that may or may not be. */
export class FileOnDisk {
	readonly mode: number;
	private readonly durable: Content;
	private pending: { order: number; change: Change }[] = [];

	constructor(mode: number, durable: Buffer = Buffer.alloc(0)) {
		this.mode = mode;
		this.durable = new Content(durable);
	}

	change(order: number, change: Change): void {
		this.pending.push({ order, change });
	}

	/** A sync that began at `order` has ended: what came before it is on disk; what came meanwhile may be or not. */
	synced(order: number): void {
		const since = this.pending.findIndex((entry) => entry.order >= order);
		const safe = since === -1 ? this.pending : this.pending.slice(0, since);
		this.pending = since === -1 ? [] : this.pending.slice(since);
		for (const { change } of safe) this.durable.apply(change);
	}

	/** The content as the running process sees it. */
	now(): Buffer {
		const content = this.durable.copy();
		for (const { change } of this.pending) content.apply(change);
		return content.bytes();
	}

	/** A content that the disk may have after the power failed: each unsynced change kept, dropped or torn. */
	after(random: () => number, survival: Survival): Buffer {
		const content = this.durable.copy();
		for (const { change } of this.pending) {
			if (random() < survival.torn && 'data' in change) tear(content, change, random);
			else if (random() < survival.kept) content.apply(change);
		}
		return content.bytes();
	}
}

/** Writes some sectors of a change. The length may be on disk before the bytes are: what was there before shows. */
function tear(content: Content, { at, data }: { at: number; data: Buffer }, random: () => number): void {
	const oldLength = content.length;
	const end = at + data.length;
	if (end > oldLength && random() < 0.5) {
		const rubbish = random() < 0.5 ? 0 : between(random, 1, 256);
		content.apply({ at: oldLength, data: Buffer.alloc(end - oldLength, rubbish) });
	}
	for (let from = at; from < end;) {
		const to = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES);
		if (random() < 0.5) content.apply({ at: from, data: data.subarray(from - at, to - at) });
		from = to;
	}
}

/** Bytes that grow, at a cost that does not grow with each write. Owns the buffer it is given. */
class Content {
	length: number;
	private buffer: Buffer;

	constructor(buffer: Buffer) {
		this.buffer = buffer;
		this.length = buffer.length;
	}

	copy(): Content {
		return new Content(Buffer.from(this.bytes()));
	}

	apply(change: Change): void {
		if ('length' in change) {
			this.reserve(change.length);
			this.buffer.fill(0, Math.min(change.length, this.length), this.buffer.length);
			this.length = change.length;
			return;
		}
		const end = change.at + change.data.length;
		this.reserve(end);
		change.data.copy(this.buffer, change.at);
		this.length = Math.max(this.length, end);
	}

	bytes(): Buffer {
		return this.buffer.subarray(0, this.length);
	}

	private reserve(bytes: number): void {
		if (bytes <= this.buffer.length) return;
		const larger = Buffer.alloc(Math.max(bytes, this.buffer.length * 2));
		this.buffer.copy(larger, 0, 0, this.length);
		this.buffer = larger;
	}
}
