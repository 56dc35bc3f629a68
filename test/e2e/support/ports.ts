import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Free ports of the loopback, for servers that can't choose their own: n8n must be told the port its webhook URLs
 * are under, and get the same one back after a restart.
 *
 * They are below the range that systems give to outgoing connections (32768 and up on Linux, 49152 and up
 * elsewhere): while the server is down, nothing but a server can take them.
 */
export async function freePorts(count: number): Promise<number[]> {
	const found = new Set<number>();
	while (found.size < count) {
		const port = randomInt(20_000, 30_000);
		if (await isFree(port)) found.add(port);
	}
	return [...found];
}

async function isFree(port: number): Promise<boolean> {
	const server = createServer();
	try {
		server.listen(port, '127.0.0.1');
		await once(server, 'listening');
		return true;
	} catch {
		return false;
	} finally {
		server.close();
	}
}
