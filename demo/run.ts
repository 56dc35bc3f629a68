import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildNodes, loadBuiltNodes } from '../test/support/n8n-built-nodes.ts';
import { CsvFileError, readContacts } from './csv.ts';
import { leftOutLines, resultLines, summaryLines, timelineLines } from './report.ts';
import { createScreen } from './screen.ts';
import type { Screen } from './screen.ts';
import { DemoError, withSession } from './session.ts';
import type { Session } from './session.ts';
import { timelineOf } from './timeline.ts';

const HELP = `Usage: npm run demo [-- contacts.csv]

Enriches the contacts of a CSV file in an n8n workflow, with invented results: everything runs on this machine,
no account is needed and nothing leaves it. Without a file it takes demo/contacts.csv.

Columns it knows, in any order: First Name, Last Name (or Name), Company, Domain (or Website), LinkedIn URL, E-mail.
`;

/** Ctrl-C, a polite kill, and a terminal that is closed. */
const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

process.exitCode = await main(process.argv.slice(2));

/** @returns the exit code: 0 when everything that could be sent came back, 130 when it was ended from outside */
async function main(args: string[]): Promise<number> {
	const screen = createScreen(process.stdout);
	const stop = new AbortController();
	const onEnd = () => stop.abort();
	for (const signal of ENDINGS) process.on(signal, onEnd);
	// Whoever read the output (`| head`) is gone. The relay must not be left running because of that.
	process.stdout.on('error', onEnd);
	try {
		const path = readArguments(args);
		if (path === null) {
			screen.print([HELP.trimEnd()]);
			return 0;
		}
		return await demo(path, screen, stop.signal);
	} catch (error) {
		screen.clear();
		if (stop.signal.aborted) return 130;
		if (!(error instanceof CsvFileError || error instanceof DemoError)) throw error;
		process.stderr.write(`${error.message}\n`);
		return 1;
	}
}

/** The file to take; null when help is wanted. */
function readArguments(args: string[]): string | null {
	try {
		const { values, positionals } = parseArgs({
			args,
			allowPositionals: true,
			options: { help: { type: 'boolean', short: 'h' } },
		});
		if (values.help) return null;
		if (positionals.length > 1)
			throw new DemoError('The demo takes one CSV file; see npm run demo -- --help.');
		return positionals[0] ?? relative(process.cwd(), `${import.meta.dirname}/contacts.csv`);
	} catch (error) {
		if (error instanceof DemoError) throw error;
		throw new DemoError(`${(error as Error).message.split('. ')[0]}; see npm run demo -- --help.`);
	}
}

async function demo(path: string, screen: Screen, signal: AbortSignal): Promise<number> {
	const rows = readContacts(path);
	screen.done(`${rows.length.toLocaleString('en')} rows read from ${path}`);
	screen.doing('Building the n8n nodes');
	await buildNodes().catch((error: Error) => {
		throw new DemoError(error.message);
	});
	signal.throwIfAborted();
	const nodes = loadBuiltNodes();
	screen.doing('Starting the relay');
	return withSession(
		nodes,
		signal,
		(what) => screen.done(what),
		(session) => enrich(session, rows, screen),
	);
}

async function enrich(
	session: Session,
	rows: ReturnType<typeof readContacts>,
	screen: Screen,
): Promise<number> {
	const before = await session.credits();
	screen.doing('Submitting the contacts');
	const submissions = await session.submit(rows);
	const sent = submissions.filter((submission) => submission.state === 'sent');
	if (sent.length === 0) {
		screen.clear();
		throw new DemoError(
			['None of the rows can be enriched.', ...leftOutLines(submissions, new Map())].join('\n'),
		);
	}
	const workflowIds = [...new Set(sent.map(({ workflowId }) => workflowId))];
	const requests = workflowIds.length === 1 ? '1 request' : `${workflowIds.length} requests`;
	screen.done(`${sent.length.toLocaleString('en')} contacts submitted in ${requests}`);

	const waiting = (back: number) =>
		screen.doing(
			`Waiting for the results: ${back.toLocaleString('en')} of ${sent.length.toLocaleString('en')} are back`,
		);
	waiting(0);
	const enriched = await session.collect(
		sent.map(({ taskId }) => taskId),
		waiting,
	);
	screen.done(
		`${enriched.size.toLocaleString('en')} of ${sent.length.toLocaleString('en')} contacts came out of the trigger`,
	);
	const after = await session.credits();

	screen.print(['', ...resultLines(sent, enriched), '', ...summaryLines(sent, enriched, { before, after })]);
	const leftOut = leftOutLines(submissions, enriched);
	if (leftOut.length > 0) screen.print(['', ...leftOut]);

	const timelines = [];
	for (const workflowId of workflowIds) {
		const back = sent.flatMap((contact) =>
			contact.workflowId === workflowId ? (enriched.get(contact.taskId) ?? []) : [],
		);
		if (back.length > 0) timelines.push(await timelineOf(session.relay, workflowId, back));
	}
	if (timelines.length > 0) screen.print(['', ...timelineLines(timelines)]);

	const complete = enriched.size === sent.length && submissions.every(({ state }) => state !== 'refused');
	return complete ? 0 : 1;
}
