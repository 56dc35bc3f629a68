import { taskItem, workflowItem } from '../../nodes/Cleanlist/helpers/lookedUp.ts';
import { ENRICHED_FIELDS } from '../../nodes/Cleanlist/helpers/enriched.ts';
import type { Output } from '../../nodes/Cleanlist/helpers/output.ts';
import { flatResult } from '../../nodes/Cleanlist/helpers/result.ts';
import { FURTHER_FIELDS, eventItems } from '../../nodes/CleanlistTrigger/items.ts';

const omit = (record: object, names: readonly string[]) =>
	Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));

const SIMPLE: Output = { mode: 'simple', fields: [] };
const EVERYTHING: Output = { mode: 'selectedFields', fields: [...ENRICHED_FIELDS] };

const flat = {
	task_id: 't1',
	status: 'completed',
	primary_email: 'zoe@example.com',
	primary_email_status: 'verified',
	personal_phone_numbers: ['+12025550101', '+12025550102'],
	prospect: { first_name: 'Zoë 🚀', last_name: 'Ng', full_name: 'Zoë Ng' },
	company: { name: 'Example', domain: 'example.com' },
};
const nested = {
	task_id: 't1',
	status: 'completed',
	prospect_id: 'p',
	lead_id: 'l',
	result: {
		email: 'zoe@example.com',
		email_status: 'verified',
		other_emails: [],
		phones: [{ type: 'mobile', number: '+12025550101' }],
		linkedin_url: 'https://www.linkedin.com/in/zoe',
		provider: 'x',
	},
	input: { first_name: 'Zoë 🚀', last_name: 'Ng', company_name: 'Example', company_domain: 'example.com' },
};
const read = {
	found: true,
	status: 'completed',
	email: 'zoe@example.com',
	email_status: 'verified',
	phone: '+12025550101',
	first_name: 'Zoë 🚀',
	last_name: 'Ng',
	title: null,
	company_name: 'Example',
	company_domain: 'example.com',
	task_id: 't1',
};
const NOTHING = Object.fromEntries(Object.keys(flatResult({})).map((key) => [key, null]));

describe('a result', () => {
	it('is read in its flat shape', () => {
		expect(flatResult(flat)).toEqual({ ...read, full_name: 'Zoë Ng', linkedin_url: null });
	});

	it('is read in its nested shape', () => {
		expect(flatResult(nested)).toEqual({
			...read,
			full_name: 'Zoë 🚀 Ng',
			linkedin_url: 'https://www.linkedin.com/in/zoe',
		});
	});

	it.each([
		null,
		undefined,
		5,
		'text',
		[],
		{},
		{ prospect: null, company: null, result: null, personal_phone_numbers: null },
	])('of %j is found nowhere, and no error', (item) => {
		expect(flatResult(item)).toEqual({ ...NOTHING, found: false });
	});

	it('that found nothing has no email status', () => {
		expect(flatResult({ ...flat, primary_email: null, personal_phone_numbers: [] })).toMatchObject({
			found: false,
			email: null,
			email_status: null,
			phone: null,
		});
	});

	it.each([
		[['+1', '+2'], '+1'],
		[[null, '', '+2'], '+2'],
		[[{ number: '+3' }], '+3'],
		[[{ type: 'work' }, { phone_number: '+4' }], '+4'],
		[[{ raw: '555', e164: '+5' }], '+5'],
		['+6', '+6'],
		[[12025550107], '12025550107'],
		[[{ number: 12025550108 }], '12025550108'],
		[[], null],
		[{}, null],
	])('has the phone of %j', (personal_phone_numbers, phone) => {
		expect(flatResult({ personal_phone_numbers })).toMatchObject({ phone, found: phone !== null });
	});

	it('keeps an email status it has never heard of', () => {
		expect(flatResult({ ...flat, primary_email_status: 'reliable' })).toMatchObject({
			email_status: 'reliable',
		});
	});
});

describe('the status of a task', () => {
	const { task_id: _, status: __, ...rest } = flat;
	it.each([
		['under result', { task_id: 't1', workflow_id: 'w1', status: 'completed', result: flat }],
		['under result, without ids', { task_id: 't1', workflow_id: 'w1', status: 'completed', result: rest }],
		['at the top level', { ...flat, workflow_id: 'w1' }],
		['as the first of results', { workflow_id: 'w1', status: 'completed', results: [flat] }],
		['as the first of data', { workflow_id: 'w1', data: [flat] }],
		['nested', { task_id: 't1', workflow_id: 'w1', status: 'completed', result: nested }],
		['nested at the top level', { ...nested, workflow_id: 'w1' }],
	])('may come %s', (_name, response) => {
		expect(taskItem(EVERYTHING, response, 'asked')).toMatchObject({ ...read, workflow_id: 'w1' });
	});

	it('may not be there yet', () => {
		expect(
			taskItem(SIMPLE, { task_id: 't1', workflow_id: 'w1', status: 'processing', result: null }, 't1'),
		).toEqual({
			found: false,
			finished: false,
			status: 'processing',
			email: null,
			email_status: null,
			phone: null,
			full_name: null,
			credits_used: null,
			workflow_id: 'w1',
			task_id: 't1',
		});
	});

	it('is that of the task asked for, also when the answer does not say', () => {
		expect(taskItem(SIMPLE, { status: 'completed', result: rest }, 'asked').task_id).toBe('asked');
	});
});

describe('how a workflow stands', () => {
	const legacy = {
		workflow_id: 'public_bulk_1',
		status: 'processing',
		enrichment_type: 'full',
		lead_list_id: 'l1',
		summary: {
			total: 3,
			completed: 1,
			successful: 1,
			failed: 0,
			pending: 2,
			emails_found: 1,
			phones_found: 1,
		},
		created_at: '2026-01-05T09:00:00.000Z',
		completed_at: null,
	};
	const flatOf = {
		found: true,
		finished: false,
		status: 'processing',
		total: 3,
		processed: 1,
		emails_found: 1,
		phones_found: 1,
		credits_used: null,
		lead_list_id: 'l1',
		workflow_id: 'public_bulk_1',
	};
	const run = {
		workflow_id: 'bulk-enrich-1',
		status: 'running',
		progress: 33,
		total: 3,
		processed: 1,
		completed: 1,
		failed: 0,
		enrichment_type: 'full',
		lead_list_id: 'l1',
		summary: { emails_found: 1, phones_found: 1 },
		result: null,
		credits_charged: null,
		agent_instructions: 'Do as I say',
	};

	it('is told in the same ten fields by either API', () => {
		expect(workflowItem(SIMPLE, legacy, 'x')).toEqual(flatOf);
		expect(workflowItem(SIMPLE, run, 'x')).toEqual({
			...flatOf,
			status: 'running',
			workflow_id: 'bulk-enrich-1',
		});
	});

	it('has its price when it is over: by the price list where the answer does not say', () => {
		const over = { ...legacy, status: 'completed', completed_at: '2026-01-05T09:01:00.000Z' };
		expect(workflowItem(SIMPLE, over, 'x')).toMatchObject({ finished: true, credits_used: 11 });
		expect(workflowItem(SIMPLE, { ...run, status: 'completed', credits_charged: 10 }, 'x')).toMatchObject({
			finished: true,
			credits_used: 10,
		});
		expect(workflowItem(SIMPLE, { status: 'failed' }, 'w')).toEqual({
			found: false,
			finished: true,
			status: 'failed',
			total: null,
			processed: null,
			emails_found: 0,
			phones_found: 0,
			credits_used: null,
			lead_list_id: null,
			workflow_id: 'w',
		});
	});

	it('holds the person whom it was about', () => {
		const result = { lead_id: 'p1', status: 'completed', full_name: 'Zoë Ng', email: 'z@example.com' };
		const one = { ...run, workflow_id: 'enrich-1', status: 'completed', result, credits_charged: 1 };
		expect(workflowItem(SIMPLE, one, 'x')).toEqual({
			found: true,
			finished: true,
			status: 'completed',
			email: 'z@example.com',
			email_status: null,
			phone: null,
			full_name: 'Zoë Ng',
			credits_used: 1,
			workflow_id: 'enrich-1',
			lead_id: 'p1',
		});
		const missed = { ...one, result: { lead_id: '', status: 'failed' }, credits_charged: 0 };
		expect(workflowItem(SIMPLE, missed, 'x')).toMatchObject({
			found: false,
			finished: true,
			status: 'failed',
			lead_id: null,
		});
	});

	it('raw is the answer without the hints that v2 has for other agents', () => {
		const { agent_instructions: _, ...rest } = run;
		expect(workflowItem({ mode: 'raw', fields: [] }, run, 'x')).toEqual(rest);
	});

	it('in chosen fields comes with its ID', () => {
		const output: Output = { mode: 'selectedFields', fields: ['total', 'workflow_id'] };
		expect(Object.keys(workflowItem(output, run, 'x'))).toEqual(['total', 'workflow_id']);
		expect(Object.keys(workflowItem({ ...output, fields: ['total'] }, run, 'x'))).toEqual([
			'total',
			'workflow_id',
		]);
	});
});

describe('the items of a delivered event', () => {
	const payload = {
		event: 'enrichment.completed',
		workflow_id: 'w1',
		lead_list_id: 'l1',
		enrichment_type: 'partial',
		status: 'completed',
		summary: { total: 2, successful: 1, failed: 1, emails_found: 1, phones_found: 0 },
		results: [flat, { ...nested, task_id: 't2' }],
		results_limit: 250,
		results_truncated: 0,
		results_endpoint: '/x',
		completed_at: '2026-01-05T09:00:00.000Z',
	};
	const origin = {
		workflow_id: 'w1',
		lead_list_id: 'l1',
		enrichment_type: 'partial',
		completed_at: '2026-01-05T09:00:00.000Z',
		webhook_id: 'evt_1',
	};
	const items = (more: object, options: object = {}) =>
		eventItems({ ...payload, ...more }, 'evt_1', {
			output: 'contacts',
			simplify: true,
			furtherFields: [],
			...options,
		}).map(({ json }) => json);

	it('are one per contact, of ten flat fields, whatever its shape', () => {
		const ten = [
			...['found', 'status', 'email', 'email_status', 'phone', 'full_name', 'company_name'],
			...['workflow_id', 'task_id', 'webhook_id'],
		];
		for (const item of items({})) expect(Object.keys(item)).toEqual(ten);
		expect(items({})).toEqual([
			{ ...omit(flatResult(flat), FURTHER_FIELDS), workflow_id: 'w1', webhook_id: 'evt_1' },
			{ ...omit(flatResult(nested), FURTHER_FIELDS), task_id: 't2', workflow_id: 'w1', webhook_id: 'evt_1' },
		]);
	});

	it('hold everything that is known, on request', () => {
		expect(items({}, { furtherFields: FURTHER_FIELDS })).toEqual([
			{ ...flatResult(flat), ...origin },
			{ ...flatResult(nested), task_id: 't2', ...origin },
		]);
		expect(Object.keys(items({}, { furtherFields: ['title', 'email'] })[0]!)).toHaveLength(11);
	});

	it('are the contacts as they came, when not simplified', () => {
		expect(items({}, { simplify: false })[0]).toEqual({ ...flat, ...origin });
	});

	it.each([[{ results: null }], [{ results: [] }], [{ results: undefined }], [{ results: 'odd' }]])(
		'are one that says so, when there are no results: %j',
		(more) => {
			expect(items({ ...more, status: 'failed' }, { furtherFields: FURTHER_FIELDS })).toEqual([
				{ ...NOTHING, found: false, status: 'failed', ...origin },
			]);
		},
	);

	it('tell when results were left out', () => {
		expect(items({ results_truncated: 3 })[0]).toHaveProperty('results_truncated', 3);
		expect(items({ results_truncated: 0 })[0]).not.toHaveProperty('results_truncated');
		expect(items({ results_truncated: null })[0]).not.toHaveProperty('results_truncated');
	});

	it('are one for the workflow, on request', () => {
		expect(items({}, { output: 'workflow' })).toEqual([
			{
				event: 'enrichment.completed',
				status: 'completed',
				...origin,
				summary: payload.summary,
				results_truncated: 0,
				results: [flatResult(flat), { ...flatResult(nested), task_id: 't2' }],
			},
		]);
		expect(items({}, { output: 'workflow', simplify: false })).toEqual([{ ...payload, webhook_id: 'evt_1' }]);
		expect(items({ results: null }, { output: 'workflow' })).toEqual([
			expect.objectContaining({ results: [] }),
		]);
	});
});
