/** The record that shim.c keeps: what the process did to its files, and what it told the outside, in order. */
export type TraceRecord =
	| { kind: 'opened' | 'created' | 'folder'; path: string; inode: number; mode: number }
	| { kind: 'write'; inode: number; at: number; data: Buffer }
	| { kind: 'truncate'; inode: number; length: number }
	| { kind: 'sync begins' | 'sync ends'; inode: number; number: number }
	| { kind: 'rename'; path: string; to: string }
	| { kind: 'unlink'; path: string }
	/** The beginning of what was written to a socket, or (2) to standard error. */
	| { kind: 'told'; fd: number; data: Buffer };

/** Bytes of a record before its path and data; the layout is `struct record` of shim.c. */
const HEAD_BYTES = 32;

/**
 * Reads a trace. A last record that is cut off, because its writer was killed, is left out.
 *
 * @param bytes the trace file; the records' data are views of it
 * @param root the watched folder; paths become relative to it ('' is the folder itself)
 * @throws Error when the process did something the model does not know
 */
export function readTrace(bytes: Buffer, root: string): TraceRecord[] {
	const relative = (path: string) => path.slice(root.length + 1);
	const records: TraceRecord[] = [];
	for (let offset = 0; offset + HEAD_BYTES <= bytes.length;) {
		const kind = String.fromCharCode(bytes.readUInt8(offset));
		const pathEnd = offset + HEAD_BYTES + bytes.readUInt32LE(offset + 4);
		const end = pathEnd + bytes.readUInt32LE(offset + 8);
		if (end > bytes.length) break;
		const path = bytes.toString('utf8', offset + HEAD_BYTES, pathEnd);
		const data = bytes.subarray(pathEnd, end);
		const mode = bytes.readUInt32LE(offset + 12);
		const inode = Number(bytes.readBigUInt64LE(offset + 16));
		const at = Number(bytes.readBigUInt64LE(offset + 24));
		offset = end;
		switch (kind) {
			case 'O':
				records.push({ kind: 'opened', path: relative(path), inode, mode });
				break;
			case 'C':
				records.push({ kind: 'created', path: relative(path), inode, mode });
				break;
			case 'M':
				records.push({ kind: 'folder', path: relative(path), inode, mode });
				break;
			case 'W':
				records.push({ kind: 'write', inode, at, data });
				break;
			case 'T':
				records.push({ kind: 'truncate', inode, length: at });
				break;
			case 'B':
				records.push({ kind: 'sync begins', inode, number: at });
				break;
			case 'E':
				records.push({ kind: 'sync ends', inode, number: at });
				break;
			case 'R':
				records.push({ kind: 'rename', path: relative(path), to: relative(data.toString('utf8')) });
				break;
			case 'U':
				records.push({ kind: 'unlink', path: relative(path) });
				break;
			case 'A':
				records.push({ kind: 'told', fd: inode, data });
				break;
			default:
				throw new Error(`The process changed a file by ${path || kind}, which the model does not know.`);
		}
	}
	return records;
}
