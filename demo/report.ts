import type { Enriched, Submission } from './session.ts';
import { paint } from './screen.ts';
import { printable, table, widthOf } from './table.ts';
import { STEPS } from './timeline.ts';
import type { Step, Timeline } from './timeline.ts';

/** More rows than this are cut short on a screen. */
const SHOWN_ROWS = 100;
const NOTHING = '–';

const EMAIL_COLOURS: Record<string, 'green' | 'yellow' | 'red'> = {
	verified: 'green',
	likely_valid: 'green',
	risky: 'yellow',
	invalid: 'red',
};

type Sent = Extract<Submission, { state: 'sent' }>;

const number = (value: number) => value.toLocaleString('en');
const count = (value: number, noun: string) => `${number(value)} ${noun}${value === 1 ? '' : 's'}`;
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : NOTHING);

/** The contacts that were sent, with what was found for each. */
export function resultLines(sent: Sent[], enriched: ReadonlyMap<string, Enriched>): string[] {
	const shown = sent.slice(0, SHOWN_ROWS);
	const rows = shown.map((contact) => {
		const found = enriched.get(contact.taskId)?.item;
		const name = `${contact.first_name} ${contact.last_name}`.trim();
		return [
			String(contact.row),
			text(found?.full_name ?? name),
			text(found?.company_name ?? contact.company_name),
			text(found?.email),
			found ? text(found.email_status) : 'not back',
			text(found?.phone),
		];
	});
	const lines = table(
		[
			{ title: 'Row', align: 'right' },
			{ title: 'Name', max: 28 },
			{ title: 'Company', max: 28 },
			{ title: 'E-mail', max: 44 },
			{ title: 'E-mail status' },
			{ title: 'Phone' },
		],
		rows,
		(cell, { row, column }) => {
			if (row < 0) return paint('bold', cell);
			const value = cell.trim();
			if (value === NOTHING || column === 0) return paint('dim', cell);
			const colour = column === 4 ? EMAIL_COLOURS[value] : undefined;
			return colour ? paint(colour, cell) : cell;
		},
	);
	const more = sent.length - shown.length;
	return more > 0 ? [...lines, `… and ${count(more, 'more row')}`] : lines;
}

/** How much was found, and what it cost. */
export function summaryLines(
	sent: Sent[],
	enriched: ReadonlyMap<string, Enriched>,
	credits: { before: number; after: number },
): string[] {
	const items = [...enriched.values()].map(({ item }) => item);
	const emails = items.filter(({ email }) => email).length;
	const phones = items.filter(({ phone }) => phone).length;
	return [
		`${count(sent.length, 'contact')} looked up: ${count(emails, 'e-mail')} and ${count(phones, 'phone number')} found`,
		`${count(credits.before - credits.after, 'credit')} used: ${number(credits.before)} before, ${number(credits.after)} after (1 an e-mail, 10 a phone number, misses are free)`,
	];
}

/** The rows that could not be enriched, each with its reason; empty when there are none. */
export function leftOutLines(submissions: Submission[], enriched: ReadonlyMap<string, Enriched>): string[] {
	const reasons = submissions.flatMap((submission) => {
		const { row } = submission;
		if (submission.state !== 'sent') {
			return [
				`Row ${row} was ${submission.state === 'not_sent' ? 'not sent' : 'refused'}. ${submission.reason}`,
			];
		}
		return enriched.has(submission.taskId) ? [] : [`Row ${row} was sent, but did not come back.`];
	});
	const shown = reasons.slice(0, SHOWN_ROWS);
	const lines = shown.flatMap((reason) => wrap(printable(reason))).map((line) => paint('yellow', line));
	const more = reasons.length - shown.length;
	return more > 0 ? [...lines, `… and ${count(more, 'more row')}`] : lines;
}

/** Breaks a sentence between words; the lines after the first are indented. */
function wrap(sentence: string, width = 100): string[] {
	const lines: string[] = [];
	for (const word of sentence.split(' ')) {
		const last = lines.at(-1);
		if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width)
			lines.splice(-1, 1, `${last} ${word}`);
		else lines.push(lines.length === 0 ? word : `  ${word}`);
	}
	return lines;
}

/** When each request passed each step. */
export function timelineLines(timelines: Timeline[]): string[] {
	const [only] = timelines;
	return timelines.length === 1 && only ? oneRequest(only) : severalRequests(timelines);
}

function oneRequest({ at }: Timeline): string[] {
	// By time, because n8n emits at once and the relay reads n8n's answer about as fast.
	const steps = (Object.keys(STEPS) as Step[]).sort((a, b) => (at[a] ?? Infinity) - (at[b] ?? Infinity));
	const start = at.submitted ?? 0;
	let before = start;
	const rows = steps.map((step) => {
		const time = at[step];
		if (time === null) return [STEPS[step], NOTHING, ''];
		const row = [
			STEPS[step],
			milliseconds(time - start),
			step === 'submitted' ? '' : `+${milliseconds(time - before)}`,
		];
		before = time;
		return row;
	});
	return table(
		[{ title: 'Timeline' }, { title: 'ms', align: 'right' }, { title: 'step', align: 'right' }],
		rows,
		(cell, { row, column }) => (row < 0 ? paint('bold', cell) : column === 2 ? paint('dim', cell) : cell),
	);
}

function severalRequests(timelines: Timeline[]): string[] {
	const first = Math.min(...timelines.map(({ at }) => at.submitted ?? Infinity));
	const since = (time: number | null, start: number | null) =>
		time === null || start === null ? NOTHING : milliseconds(time - start);
	const rows = timelines.map(({ contacts, at }, index) => [
		String(index + 1),
		number(contacts),
		since(at.submitted, first),
		...(['completed', 'received', 'stored', 'delivered', 'emitted'] as const).map((step) =>
			since(at[step], at.submitted),
		),
	]);
	const titles = ['Contacts', 'Submitted', 'Completed', 'Received', 'On disk', 'Delivered', 'Emitted'];
	return [
		'Timeline: ms since the first submission, then since the own one',
		...table(
			['Request', ...titles].map((title) => ({ title, align: 'right' as const })),
			rows,
			(cell, { row }) => (row < 0 ? paint('bold', cell) : cell),
		),
	];
}

/** Whole milliseconds: the API's own times have no more. */
const milliseconds = (ms: number) => number(Math.round(ms));
