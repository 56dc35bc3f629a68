/** JSON of whatever shape was answered. */
export type Json = ReturnType<JSON['parse']>;

export interface Call {
	method: string;
	/** With its prefix. */
	path: string;
	query?: Record<string, string | string[]>;
	/** An object is sent as JSON, a string as it is. */
	body?: unknown;
	headers?: Record<string, string>;
}

export interface Reply {
	status: number;
	headers: Headers;
	/** Undefined when the answer was not JSON. */
	body: Json;
	text: string;
}

/** @param key null sends no Authorization header */
export async function send(baseUrl: string, key: string | null, call: Call): Promise<Reply> {
	const { method, path, query = {}, body, headers = {} } = call;
	const url = new URL(baseUrl + path);
	for (const [name, values] of Object.entries(query)) {
		for (const value of [values].flat()) url.searchParams.append(name, value);
	}
	const response = await fetch(url, {
		method,
		redirect: 'manual',
		headers: {
			...(key === null ? {} : { authorization: `Bearer ${key}` }),
			...(body === undefined ? {} : { 'content-type': 'application/json' }),
			...headers,
		},
		...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, text, body: parse(text) };
}

function parse(text: string): Json {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
