import type { IDataObject } from 'n8n-workflow';
import { textOf } from './values';

/** One contact's result, flat, so that an IF node or a sheet can use it as it is. */
export interface FlatResult extends IDataObject {
	/** Whether an email address or a phone number came back. */
	found: boolean;
	status: string | null;
	email: string | null;
	email_status: string | null;
	phone: string | null;
	first_name: string | null;
	last_name: string | null;
	full_name: string | null;
	title: string | null;
	company_name: string | null;
	company_domain: string | null;
	linkedin_url: string | null;
	task_id: string | null;
}

/**
 * Reads a result as the webhook and the status endpoint send it: flat (`primary_email`, …), with the answer
 * nested under `result` and the question under `input`, or with parts missing or null.
 */
export function flatResult(item: unknown): FlatResult {
	const flat = asRecord(item);
	const nested = asRecord(flat.result);
	const input = asRecord(flat.input);
	const prospect = { ...asRecord(nested.prospect), ...asRecord(flat.prospect) };
	const company = { ...asRecord(nested.company), ...asRecord(flat.company) };

	const email = firstText(flat.primary_email, nested.primary_email, nested.email, flat.email);
	const phone = firstPhone(
		flat.personal_phone_numbers,
		nested.personal_phone_numbers,
		nested.phones,
		flat.phones,
		nested.phone,
		flat.phone,
	);
	const firstName = firstText(prospect.first_name, nested.first_name, flat.first_name, input.first_name);
	const lastName = firstText(prospect.last_name, nested.last_name, flat.last_name, input.last_name);
	return {
		found: email !== null || phone !== null,
		status: firstText(flat.status, nested.status),
		email,
		email_status:
			email === null
				? null
				: firstText(
						flat.primary_email_status,
						nested.primary_email_status,
						nested.email_status,
						flat.email_status,
					),
		phone,
		first_name: firstName,
		last_name: lastName,
		full_name:
			firstText(prospect.full_name, nested.full_name, flat.full_name) ??
			firstText([firstName, lastName].filter(Boolean).join(' ')),
		title: firstText(flat.title, nested.title, prospect.title),
		company_name: firstText(
			company.name,
			flat.company_name,
			nested.company_name,
			flat.company,
			nested.company,
			input.company_name,
		),
		company_domain: firstText(
			company.domain,
			flat.company_domain,
			nested.company_domain,
			input.company_domain,
		),
		linkedin_url: firstText(
			flat.linkedin_url,
			nested.linkedin_url,
			prospect.linkedin_url,
			input.linkedin_url,
		),
		task_id: firstText(flat.task_id, nested.task_id),
	};
}

/**
 * One contact's result in an answer by task. It is documented under `result`; it has also been described at the top
 * level, as the first of `results`, and as the first of `data`. Until the task is final there is none.
 */
export function taskResult(response: IDataObject): Record<string, unknown> {
	const listed = [response.results, response.data].find((list) => Array.isArray(list) && list.length > 0);
	return asRecord((listed as unknown[] | undefined)?.[0] ?? response.result);
}

export function asRecord(value: unknown): Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value)
		? (value as Record<string, unknown>)
		: {};
}

export function firstText(...values: unknown[]): string | null {
	for (const value of values) if (typeof value === 'string' && value.trim() !== '') return value;
	return null;
}

/** Keys under which a phone object may hold its number, best first. The element type is undocumented. */
const PHONE_KEYS = [
	'e164',
	'number',
	'phone_number',
	'phone',
	'value',
	'sanitized_number',
	'raw_number',
	'raw',
];

function firstPhone(...values: unknown[]): string | null {
	for (const entry of values.flat()) {
		const record = asRecord(entry);
		const phone = firstText(...[entry, ...PHONE_KEYS.map((key) => record[key])].map(textOf));
		if (phone !== null) return phone;
	}
	return null;
}
