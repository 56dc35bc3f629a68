import { createHash } from 'node:crypto';
import type { AgentType } from '../../contract/smart-agents.ts';
import { describeCompany } from './company.ts';
import { text } from './contact.ts';

/** What an agent knows of a lead. */
export interface AgentLead {
	identity: string;
	firstName: string | null;
	lastName: string | null;
	title: string | null;
	company: string | null;
	companyDomain: string | null;
}

/** One lead's cell: either is null. */
export interface AgentAnswer {
	value: string | null;
	error: string | null;
}

/** What text begins with that no model has written, so that nobody takes it for more than it is. */
export const SYNTHETIC = '[Synthetic]';

/** How much of a prompt is quoted back, in characters. */
const PROMPT_QUOTE = 120;

const PAINS = [
	'spends more time chasing data than using it',
	'sees good leads go cold between two tools',
	'has to explain the numbers before there are any',
	'grows faster than the process around the team',
	'pays for five tools that each do half the job',
] as const;

const OPENINGS = [
	'I came across your work',
	'Your team’s growth caught my eye',
	'A short note, because it may be timely',
	'Congratulations on what you are building',
] as const;

const QUESTIONS = [
	'Would a quarter of an hour next week be worth it?',
	'Is that on your list this quarter?',
	'Whom should I talk to about it?',
] as const;

/**
 * Writes a lead's cell from a template: a pure function of the seed, the agent, the prompt and the lead. Prose
 * says in its first word that it is synthetic; a normalized title is computed and not made up, so it does not.
 */
export function answer(
	seed: string,
	{ type, prompt }: { type: AgentType; prompt: string | null },
	lead: AgentLead,
): AgentAnswer {
	const digest = (question: string) =>
		createHash('sha256').update(`${seed}\0agent\0${type}\0${lead.identity}\0${question}`).digest();
	const pick = <T>(question: string, from: readonly T[]): T =>
		from[digest(question).readUIntBE(0, 6) % from.length] as T;
	const firstName = text(lead.firstName);
	const company = text(lead.company) ?? text(lead.companyDomain);
	const title = text(lead.title);
	const who = [[firstName, text(lead.lastName)].filter(Boolean).join(' ') || 'this lead', title, company]
		.filter(Boolean)
		.join(', ');

	switch (type) {
		case 'custom_ai':
			return prose(`About ${who}, in answer to “${quoted(prompt ?? '')}”.`);
		case 'cold_intro_email':
			if (!firstName) return failed('The lead has no first name to address.');
			return prose(
				`Hi ${firstName}, ${pick('opening', OPENINGS)}${company ? ` at ${company}` : ''}. ${pick('question', QUESTIONS)}`,
			);
		case 'title_normalizer':
			return title ? { value: normalizeTitle(title), error: null } : failed('The lead has no title.');
		case 'company_intel': {
			const known = describeCompany(seed, { domain: lead.companyDomain, company_name: lead.company });
			if (!company) return failed('The lead names no company.');
			if (!known) return failed('Nothing is known about the company.');
			return prose(
				`${known.name} (${known.industry}, ${known.employee_count_range} employees, ${known.hq_location}): ${known.funding_stage}, revenue ${known.revenue_range}.`,
			);
		}
		case 'pain_point_hypothesis':
			if (!title && !company) return failed('The lead has neither title nor company.');
			return prose(
				`${title ? `As ${title}` : 'In their role'}${company ? ` at ${company}` : ''}, ${firstName ?? 'this lead'} probably ${pick('pain', PAINS)}.`,
			);
	}
}

const prose = (value: string): AgentAnswer => ({ value: `${SYNTHETIC} ${value}`, error: null });
const failed = (error: string): AgentAnswer => ({ value: null, error });

function quoted(prompt: string): string {
	const characters = [...prompt.trim().replace(/\s+/g, ' ')];
	return characters.length > PROMPT_QUOTE
		? `${characters.slice(0, PROMPT_QUOTE).join('')}…`
		: characters.join('');
}

/** Short forms of titles, by the word in lower case without its dots. */
const TITLE_WORDS: Record<string, string> = {
	ceo: 'Chief Executive Officer',
	cfo: 'Chief Financial Officer',
	cmo: 'Chief Marketing Officer',
	coo: 'Chief Operating Officer',
	cto: 'Chief Technology Officer',
	vp: 'Vice President',
	svp: 'Senior Vice President',
	evp: 'Executive Vice President',
	sr: 'Senior',
	jr: 'Junior',
	dir: 'Director',
	mgr: 'Manager',
	eng: 'Engineer',
	hr: 'HR',
	it: 'IT',
	of: 'of',
	and: 'and',
	the: 'the',
	'&': 'and',
};

const normalizeTitle = (title: string): string =>
	title
		.split(/[\s,/|]+/)
		.filter(Boolean)
		.map((word) => {
			const key = word.toLowerCase().replaceAll('.', '');
			if (Object.hasOwn(TITLE_WORDS, key)) return TITLE_WORDS[key];
			const [first = '', ...rest] = word.toLowerCase();
			return first.toUpperCase() + rest.join('');
		})
		.join(' ');
