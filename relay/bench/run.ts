/**
 * `npm run bench`: measures, compares within the same run, and writes its sections of docs/benchmarks.md.
 *
 *   npm run bench                                the full run
 *   npm run bench -- --only ingest,delivery      parts of it; the sections of the others stay
 *   npm run bench -- --quick                     short rounds, prints only: for trying things
 */
import { parseArgs } from 'node:util';
import { benchDelivery, benchRecovery } from './delivery.ts';
import { benchIngest } from './ingest.ts';
import { benchMemory } from './memory.ts';
import { writeSection } from './page.ts';
import { benchPostgresDelivery, benchPostgresIngest } from './postgres.ts';
import { benchReference } from './reference.ts';
import { benchLatency, benchSteady } from './steady.ts';
import { killAll, writtenBy } from './support.ts';

/** Each measures something and answers with its section, in Markdown: a heading and what follows. */
const BENCHES: Record<string, (quick: boolean) => Promise<string>> = {
	ingest: benchIngest,
	steady: benchSteady,
	delivery: benchDelivery,
	latency: benchLatency,
	recovery: benchRecovery,
	memory: benchMemory,
	'postgres-ingest': benchPostgresIngest,
	'postgres-delivery': benchPostgresDelivery,
	reference: benchReference,
};

const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean' } } });
const names = values.only?.split(',') ?? Object.keys(BENCHES);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
	console.error(`There is no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}.`);
	process.exit(1);
}

try {
	for (const name of names) {
		const command = `npm run bench -- --only ${name}`;
		const [heading, ...rest] = (await BENCHES[name]!(values.quick ?? false)).split('\n');
		const section = [heading, '', writtenBy(command), ...rest].join('\n');
		console.log(`\n${section}\n`);
		if (!values.quick) console.log(`Written to ${await writeSection(command, section)}`);
	}
} finally {
	await killAll();
}
