import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, mustEqual, percentile, ratioText, start, table, thousands } from './support.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');
const PAGE = 100;
/** Contacts in one request, as many as the API takes. */
const BULK = 250;
/** A run is looked at in so many parts, which show how far its ratio can be trusted. */
const PARTS = 10;
const SEED = `
organizations: [{ name: Bench, credits: 100000000 }]
users: [{ email: bench@bench.example, organization: Bench }]
`;

type Call = <T>(method: string, path: string, body?: object) => Promise<T>;

/** The reference API on a file, in a process of its own, with so much in it. */
interface Server {
	call: Call;
	/** The list that all contacts of enrich/bulk go to. */
	listId: string;
	/** Where the last full page begins. */
	lastCursor: string;
	stop(): Promise<void>;
}

interface Bulk {
	workflow_id: string;
}
interface Page {
	leads: { lead_id: string }[];
	cursor: string | null;
}

/** @param leads in one list; a whole number of pages, and of requests */
async function serve(folder: string, leads: number): Promise<Server> {
	const seed = join(folder, 'seed.yaml');
	await writeFile(seed, SEED);
	const server = start(MAIN, [
		...['reference', '--port', '0', '--data', join(folder, `${leads}.sqlite`), '--limits', 'off'],
		...['--seed-file', seed],
	]);
	const { url, keys } = JSON.parse(await server.line()) as { url: string; keys: Record<string, string> };
	const headers = {
		authorization: `Bearer ${keys['bench@bench.example']}`,
		'content-type': 'application/json',
	};
	const call: Call = async <T>(method: string, path: string, body?: object) => {
		const response = await fetch(url + path, {
			method,
			headers,
			...(body && { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
		return JSON.parse(text) as T;
	};

	const workflowId = await fill(call, leads);
	const { lead_list_id: listId } = await call<{ lead_list_id: string }>(
		'GET',
		`/api/v1/public/enrich/status?workflow_id=${workflowId}`,
	);
	const seen = new Set<string>();
	let lastCursor = '';
	for (let cursor: string | null = ''; cursor !== null;) {
		const page: Page = await call('GET', pagePath(listId, cursor));
		for (const { lead_id } of page.leads) seen.add(lead_id);
		if (page.cursor !== null) lastCursor = page.cursor;
		cursor = page.cursor;
	}
	mustEqual('leads found page by page', seen.size, leads);
	return { call, listId, lastCursor, stop: () => server.kill() };
}

/** @returns the last workflow; from here on, the answer to a request comes when its work is done */
async function fill(call: Call, leads: number): Promise<string> {
	await call('POST', '/reference/completion', { mode: 'instant' });
	let workflowId = '';
	for (let from = 0; from < leads; from += BULK) {
		({ workflow_id: workflowId } = await enrich(call, 'none', from));
	}
	return workflowId;
}

const enrich = (call: Call, type: string, from: number) =>
	call<Bulk>('POST', '/api/v1/public/enrich/bulk', {
		enrichment_type: type,
		contacts: Array.from({ length: BULK }, (_, n) => ({
			first_name: `First${from + n}`,
			last_name: 'Last',
			company_name: `Company ${(from + n) % 5_000}`,
		})),
	});

const pagePath = (listId: string, cursor: string) =>
	`/api/v2/lead-lists/${listId}/leads?limit=${PAGE}${cursor && `&cursor=${cursor}`}`;

const mean = (values: readonly number[]): number =>
	values.reduce((sum, value) => sum + value, 0) / values.length;

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
	const began = performance.now();
	await work();
	return performance.now() - began;
}

/** How long each of two ways of work took, in ms. */
interface Times {
	one: number[];
	other: number[];
}

/** Two ways of work in turn, so that a machine that slows down slows both; the first rounds only warm up. */
async function inTurn(
	rounds: number,
	one: (n: number) => Promise<unknown>,
	other: (n: number) => Promise<unknown>,
): Promise<Times> {
	const times: Times = { one: [], other: [] };
	const warmUp = Math.ceil(rounds / 5);
	for (let n = 0; n < warmUp + rounds; n++) {
		const [a, b] = [await milliseconds(() => one(n)), await milliseconds(() => other(n))];
		if (n < warmUp) continue;
		times.one.push(a);
		times.other.push(b);
	}
	return times;
}

/**
 * Enriches new contacts beside few leads and beside many. What is enriched stays: before each part of the run, the few
 * are few again.
 */
async function enrichments(small: Server, few: number, large: Server, rounds: number): Promise<Times> {
	const times: Times = { one: [], other: [] };
	for (let part = 0; part < PARTS; part++) {
		await small.call('POST', '/reference/reset');
		await fill(small.call, few);
		const first = 1_000_000 * (part + 1);
		const { one, other } = await inTurn(
			rounds / PARTS,
			(n) => enrich(small.call, 'full', first + n * BULK),
			(n) => enrich(large.call, 'full', first + n * BULK),
		);
		times.one.push(...one);
		times.other.push(...other);
	}
	return times;
}

/** Deletes a list of all the leads; `others` are other requests while what was in it is cleared away. */
async function deletion({ call, listId }: Server) {
	const others: number[] = [];
	// A copy: the list that the contacts are in is protected.
	const { list_id } = await call<{ list_id: string }>('POST', '/api/v2/lead-lists', {
		name: 'To be deleted',
	});
	for (let cursor: string | null = ''; cursor !== null;) {
		const path = `/api/v2/lead-lists/${listId}/leads?limit=500${cursor && `&cursor=${cursor}`}`;
		const page: Page = await call('GET', path);
		const lead_ids = page.leads.map(({ lead_id }) => lead_id);
		await call('POST', `/api/v2/lead-lists/${list_id}/leads`, { lead_ids });
		cursor = page.cursor;
	}
	const deleted = await milliseconds(() => call('DELETE', `/api/v2/lead-lists/${list_id}`));
	const end = performance.now() + 5_000;
	while (performance.now() < end) others.push(await milliseconds(() => call('GET', '/api/v2/whoami')));
	return { deleted, others };
}

/** Reading, creating and enriching with little and with a lot of data; and deleting a lot of it. */
export async function benchReference(quick: boolean): Promise<string> {
	const [few, many] = quick ? [1_000, 10_000] : [1_000, 100_000];
	const rounds = quick ? 20 : 200;
	const bulks = quick ? 20 : 200;
	const folder = await mkdtemp(join(tmpdir(), 'reference-bench-'));
	try {
		const small = await serve(folder, few);
		const large = await serve(folder, many);
		const page = ({ call, listId }: Server, cursor: string) => call('GET', pagePath(listId, cursor));
		const create = ({ call }: Server, n: number) => call('POST', '/api/v2/lead-lists', { name: `List ${n}` });

		const pages = await inTurn(
			rounds,
			() => page(large, ''),
			() => page(large, large.lastCursor),
		);
		const first = await inTurn(
			rounds,
			() => page(small, ''),
			() => page(large, ''),
		);
		const lists = await inTurn(
			rounds,
			(n) => create(small, n),
			(n) => create(large, n),
		);
		const bulk = await enrichments(small, few, large, bulks);
		const { deleted, others } = await deletion(large);
		await Promise.all([small.stop(), large.stop()]);

		const row = (what: string, names: [string, string], { one, other }: Times) => [
			what,
			`${names[0]}: ${median(one).toFixed(2)}`,
			`${names[1]}: ${median(other).toFixed(2)}`,
			ratioText(ratiosOfParts(one, other)),
		];
		const [before, after] = [thousands(few), thousands(many)];
		return `## Reference API: ${after} leads in one list

The reference API as \`cleanlist-relay reference\` runs it, on a file, in a process of its own; one with ${before} leads in one
list and one with ${after}. Each pair of requests in turn, ${rounds} times${bulks === rounds ? '' : ` (bulk enrichments ${bulks} times)`}, after a warm-up; medians, and as ratio the
median and the range of those of ten parts of the run. All pages were walked first: each lead stands in them exactly once. An
enrichment of ${BULK} new contacts is measured until its results are stored; as they stay, what there was is put back to
${before} leads before each part.

${table(
	['', 'ms', 'ms', 'ratio (range)'],
	[
		row(`a page of ${PAGE} leads out of ${after}`, ['page 1', `page ${thousands(many / PAGE)}`], pages),
		row(`page 1`, [`of ${before}`, `of ${after}`], first),
		row('creating a list', [`beside ${before}`, `beside ${after}`], lists),
		row(`enriching ${BULK} contacts`, [`beside ${before}`, `beside ${after}`], bulk),
	],
)}

A ratio of 1 means that it takes as long however much there is. On average, with those that also copy the log back into the
database, an enrichment takes ${mean(bulk.one).toFixed(1)} ms and ${mean(bulk.other).toFixed(1)} ms. Deleting a list of all these leads was answered in ${deleted.toFixed(0)} ms; of
the ${thousands(others.length)} other requests in the 5 s after it, one after the other, half took up to ${median(others).toFixed(1)} ms, 99 % up to ${percentile(others, 0.99).toFixed(1)} ms, the slowest ${Math.max(...others).toFixed(1)} ms.`;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** The ratios of the medians in each tenth of a run: those of single requests would tell of the machine only. */
function ratiosOfParts(one: number[], other: number[]): number[] {
	const size = Math.max(1, Math.floor(one.length / PARTS));
	return Array.from({ length: Math.floor(one.length / size) }, (_, part) => {
		const of = (times: number[]) => median(times.slice(part * size, (part + 1) * size));
		return of(other) / of(one);
	});
}
