import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FileOnDisk } from './file-on-disk.ts';
import type { Survival } from './file-on-disk.ts';
import { FolderOnDisk } from './folder-on-disk.ts';
import type { TraceRecord } from './trace.ts';

/** SQLite's index of the WAL: memory shared by processes, rebuilt by the first to open the database. */
const SHARED_MEMORY = /-shm$/;

/** Files and folders by path, relative to the watched folder; a folder has no content. */
export type Tree = Map<string, { mode: number; content: Buffer | null }>;

/**
 * A disk under the watched folder, as strict as POSIX lets it be: a write is safe once a sync of its file that began
 * after it has ended, a name once its folder was synced. Nothing else is: what was not synced may be there or not,
 * in any order, in part (sectors of 512 bytes), with a length but without its bytes.
 */
export class Disk {
	private readonly root = new FolderOnDisk(0o700);
	private readonly byInode = new Map<number, FileOnDisk | FolderOnDisk>();
	private readonly syncBegan = new Map<number, number>();
	private order = 0;

	/** @param start what is below the watched folder before the process starts: all of it safely on disk */
	constructor(start: Tree) {
		for (const [path, { mode, content }] of start) {
			const { folder, name } = this.locate(path);
			// A copy: the file changes in place.
			const node = content === null ? new FolderOnDisk(mode) : new FileOnDisk(mode, Buffer.from(content));
			folder.change(-1, { link: name, node });
			folder.synced(0);
		}
	}

	apply(record: TraceRecord): void {
		const order = this.order++;
		switch (record.kind) {
			case 'created':
			case 'folder': {
				const made = record.kind === 'folder' ? new FolderOnDisk(record.mode) : new FileOnDisk(record.mode);
				this.byInode.set(record.inode, made);
				const { folder, name } = this.locate(record.path);
				folder.change(order, { link: name, node: made });
				break;
			}
			case 'opened':
				this.byInode.set(record.inode, this.find(record.path));
				break;
			case 'write':
				this.file(record.inode).change(order, { at: record.at, data: record.data });
				break;
			case 'truncate':
				this.file(record.inode).change(order, { length: record.length });
				break;
			case 'sync begins':
				this.syncBegan.set(record.number, order);
				break;
			case 'sync ends':
				this.node(record.inode).synced(this.syncBegan.get(record.number) ?? 0);
				break;
			case 'rename': {
				const from = this.locate(record.path);
				const to = this.locate(record.to);
				if (from.folder !== to.folder) throw new Error('A move between folders is not modelled.');
				from.folder.change(order, { from: from.name, to: to.name, node: this.find(record.path) });
				break;
			}
			case 'unlink': {
				const { folder, name } = this.locate(record.path);
				folder.change(order, { unlink: name });
				break;
			}
			case 'told':
				break;
		}
	}

	/** What the running process sees. */
	now(): Tree {
		return this.walk(
			(folder) => folder.now(),
			(file) => file.now(),
		);
	}

	/** What may be found when power comes back. */
	after(random: () => number, survival: Survival): Tree {
		return this.walk(
			(folder) => folder.after(random, survival),
			(file) => file.after(random, survival),
		);
	}

	private walk(
		names: (folder: FolderOnDisk) => ReadonlyMap<string, FileOnDisk | FolderOnDisk>,
		content: (file: FileOnDisk) => Buffer,
	): Tree {
		const tree: Tree = new Map();
		const visit = (folder: FolderOnDisk, path: string) => {
			for (const [name, node] of names(folder)) {
				const at = join(path, name);
				if (node instanceof FolderOnDisk) {
					tree.set(at, { mode: node.mode, content: null });
					visit(node, at);
				} else if (!SHARED_MEMORY.test(name)) tree.set(at, { mode: node.mode, content: content(node) });
			}
		};
		visit(this.root, '');
		return tree;
	}

	private find(path: string): FileOnDisk | FolderOnDisk {
		let node: FileOnDisk | FolderOnDisk | undefined = this.root;
		for (const name of path.split('/').filter(Boolean)) {
			node = node instanceof FolderOnDisk ? node.now().get(name) : undefined;
		}
		if (!node) throw new Error(`The trace names ${path}, which the model has never seen.`);
		return node;
	}

	private locate(path: string): { folder: FolderOnDisk; name: string } {
		const folder = this.find(dirname(path) === '.' ? '' : dirname(path));
		if (!(folder instanceof FolderOnDisk)) throw new Error(`${dirname(path)} is a file.`);
		return { folder, name: path.slice(path.lastIndexOf('/') + 1) };
	}

	private node(inode: number): FileOnDisk | FolderOnDisk {
		const node = this.byInode.get(inode);
		if (!node) throw new Error(`The trace has inode ${inode}, which the model has never seen.`);
		return node;
	}

	private file(inode: number): FileOnDisk {
		const node = this.node(inode);
		if (!(node instanceof FileOnDisk)) throw new Error(`Inode ${inode} is a folder.`);
		return node;
	}
}

/** The tree below a real folder. */
export function readTree(folder: string): Tree {
	const tree: Tree = new Map();
	const visit = (path: string) => {
		for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
			const at = join(path, entry.name);
			const mode = statSync(join(folder, at)).mode & 0o7777;
			if (entry.isDirectory()) {
				tree.set(at, { mode, content: null });
				visit(at);
			} else if (!SHARED_MEMORY.test(entry.name)) {
				tree.set(at, { mode, content: readFileSync(join(folder, at)) });
			}
		}
	};
	visit('');
	return tree;
}

/** Puts a tree into an empty folder. */
export function writeTree(tree: Tree, folder: string): void {
	for (const [path, { mode, content }] of tree) {
		if (content === null) mkdirSync(join(folder, path), { mode });
		else writeFileSync(join(folder, path), content, { mode });
	}
}

/** How two trees differ, a line for each path that does; empty when they are the same. */
export function differences(expected: Tree, actual: Tree): string[] {
	return [...new Set([...expected.keys(), ...actual.keys()])].sort().flatMap((path) => {
		const [a, b] = [expected.get(path), actual.get(path)];
		if (!a || !b) return [`${path}: only in ${a ? 'the first' : 'the second'}`];
		const same = a.content === null ? b.content === null : b.content !== null && a.content.equals(b.content);
		return same ? [] : [`${path}: other content (${a.content?.length} and ${b.content?.length} bytes)`];
	});
}
