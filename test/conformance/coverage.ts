import type { ReferenceApi } from '../../relay/src/reference/description/openapi.ts';
import { ENDPOINTS, PREFIXES, prefixOf, scopeOf } from './contract.ts';
import type { Endpoint, Prefix } from './contract.ts';
import type { Produced } from './record.ts';

/** Declared, and yet nothing that is sent to the reference API brings it about: why, and where. */
const UNPRODUCED: { status: number; why: string; operations: string[] }[] = [
	{
		status: 400,
		why: 'whatever can be wrong with such a request is a 404 or a 422',
		operations: [
			'webhook_deliveries',
			'usage_report',
			'create_list',
			'get_list',
			'update_list',
			'delete_list',
			'add_leads_to_list',
			'remove_leads_from_list',
			'enrichment_status',
			'list_smart_agents',
			'get_smart_agent_results',
		],
	},
	{
		status: 402,
		why: 'reading costs nothing',
		operations: ['enrich_status_legacy', 'webhook_deliveries'],
	},
	{ status: 404, why: 'it names nothing that could be missing', operations: ['enrich_bulk_contacts'] },
	{
		status: 422,
		why: 'any text is an id, and nothing else is taken',
		operations: ['get_list', 'enrichment_status', 'get_smart_agent_results'],
	},
	{
		status: 500,
		why: 'a defect; its form is tested apart, in `test/reference/http.test.ts`',
		operations: ['enrich_bulk_contacts', 'enrich_status_legacy', 'webhook_deliveries'],
	},
	{
		status: 503,
		why: 'a database that is full or busy; its form is tested apart, in `test/reference/http.test.ts`',
		operations: ['enrich_bulk_contacts', 'enrich_status_legacy', 'webhook_deliveries'],
	},
];

/** What is worth knowing of an operation beside its statuses. */
const NOTES: Record<string, string> = {
	credits_balance: 'Without the envelope on `/api/v1/public`',
	enrich_bulk_contacts: '`prospecting_only` is refused (422)',
	enrich_company: 'Synchronous',
	run_smart_agent: 'Text from templates, said to be synthetic',
	get_smart_agent_results: 'Text from templates, said to be synthetic',
	export_csv: 'The link downloads, and expires after 24 h',
};

export interface Coverage {
	/** docs/reference-coverage.md */
	markdown: string;
	/** Operations without a test, and statuses that nothing produced and nothing explains. */
	gaps: string[];
}

export function coverageOf(produced: Produced[], document: ReferenceApi): Coverage {
	const rows = ENDPOINTS.map((endpoint) => rowOf(endpoint, produced, document));
	const cases = produced.reduce((sum, one) => sum + one.cases, 0);
	return {
		markdown: markdownOf(rows, cases, document),
		gaps: rows.flatMap(({ gaps }) => gaps),
	};
}

interface Row {
	cells: string[];
	gaps: string[];
}

function rowOf(endpoint: Endpoint, produced: Produced[], document: ReferenceApi): Row {
	const { name, method, paths, statuses } = endpoint;
	const gaps: string[] = [];
	const declared = Object.keys(statuses).map(Number);
	const onPrefix = new Map<Prefix, number[]>();
	for (const path of paths) {
		const prefix = prefixOf(path);
		const found = produced.find((one) => one.operation === name && one.prefix === prefix)?.statuses ?? [];
		onPrefix.set(prefix, found);
		const isServed = document.paths[path]?.[method.toLowerCase()]?.['x-contract-operation'] === name;
		if (!isServed) gaps.push(`${method} ${path} is not served`);
		if (!found.some((status) => status < 300)) gaps.push(`${method} ${path} has no test of its success`);
	}

	// What only one prefix produced is a gap of the other.
	const everywhere = declared.filter((status) => [...onPrefix.values()].every((all) => all.includes(status)));
	const missing = declared.filter((status) => !everywhere.includes(status));
	const explained = UNPRODUCED.filter(({ operations }) => operations.includes(name)).map(
		({ status }) => status,
	);
	for (const status of missing) {
		if (!explained.includes(status)) gaps.push(`${name} ${status} was not produced on every prefix`);
	}
	for (const status of explained) {
		if (!missing.includes(status)) gaps.push(`${name} ${status} was produced, and is said not to be`);
	}
	const beyond = [...new Set([...onPrefix.values()].flat())].filter((status) => !declared.includes(status));

	const on = (prefix: Prefix) => (onPrefix.has(prefix) ? 'yes' : '–');
	const path = paths[0]!.slice(prefixOf(paths[0]!).length);
	return {
		gaps,
		cells: [
			`\`${name}\``,
			`\`${method} ${path}\``,
			...PREFIXES.map(on),
			scopeOf(endpoint) ? `\`${scopeOf(endpoint)}\`` : 'none',
			everywhere.join(' '),
			missing.length > 0 ? missing.join(' ') : '–',
			[
				...(NOTES[name] ? [NOTES[name]] : []),
				...(beyond.length > 0 ? [`Also ${beyond.join(', ')}, which the data leaves out`] : []),
			].join('. '),
		],
	};
}

const HEAD = [
	'Operation',
	'Request',
	...PREFIXES.map((prefix) => `\`${prefix}\``),
	'Scope',
	'Produced by a test',
	'Not produced',
	'Notes',
];

function markdownOf(rows: Row[], cases: number, document: ReferenceApi): string {
	const notServed = document['x-not-served'].map(({ path, operation, scope }) => [
		`\`${path}\``,
		operation,
		`\`${scope}\``,
		'501',
	]);
	return `# What the reference API covers

Written by \`npm run docs:coverage\` from the contract data, the routes that are served, and what the conformance suite got over HTTP when it last ran; do not edit. A test fails when this file is stale, when an operation has no test, and when a status that the contract declares was produced by nothing and nothing says why.

${rows.length} operations, ${ENDPOINTS.flatMap(({ paths }) => paths).length} paths, ${cases} cases. Statuses are those got on every prefix.

${table(
	HEAD,
	rows.map(({ cells }) => cells),
)}

Not produced, although the contract declares them:

${UNPRODUCED.map(({ status, why, operations }) => `- **${status}**, ${why}: ${operations.map((name) => `\`${name}\``).join(', ')}`).join('\n')}

## Known to exist, not served

Cleanlist has these operations, but publishes neither their requests nor their answers. On both prefixes and with any method they answer 501 with a clear error.

${table(['Path', 'Operation', 'Scope', 'Status'], notServed)}
`;
}

/** Columns padded as prettier pads them. */
function table(head: string[], rows: string[][]): string {
	const widths = head.map((_, column) =>
		Math.max(3, ...[head, ...rows].map((row) => [...row[column]!].length)),
	);
	const line = (row: string[]) => `| ${row.map((cell, n) => cell.padEnd(widths[n]!)).join(' | ')} |`;
	return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join(
		'\n',
	);
}
