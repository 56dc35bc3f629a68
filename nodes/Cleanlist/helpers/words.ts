/** What an error tells: what happened, and what to do. */
export interface Words {
	message: string;
	description: string;
	/** The parameter at fault, as the user sees it. */
	parameter?: string;
	/** The item at fault, when the answer shows it. */
	itemIndex?: number;
}

/** What is paid for, and where the user sees whether it was carried out. */
export interface PaidWork {
	/** Subject and verb, e.g. `the list was`. */
	what: string;
	whereToLook: string;
}

/** What a request knows about itself that makes its error useful. */
export interface RequestFacts {
	/** The input item it was made for. */
	itemIndex?: number;
	/** The scope the endpoint asserts, named when the answer does not say which one is missing. */
	scope?: string;
	/** Parameter names as the user sees them, by the API's field names. */
	parameters?: Record<string, string>;
	/** What to do about a field whose value is not the user's own, by the API's field names. */
	advice?: Record<string, string>;
	/** The thing asked for, for "not found". */
	subject?: { noun: string; id: string; parameter: string };
	/** Contacts in the request when it costs credits: a failure without an answer leaves the charge unknown. */
	paidContacts?: number;
	/** The same of anything else that is paid for. */
	paid?: PaidWork;
	/** The input item of a contact in the request, by its position there. */
	itemOfContact?: (position: number) => number | undefined;
	/** Credits as they were looked up after the request, for answers that hold no numbers. */
	credits?: { needed: number; available: number };
	/** Said last, for example what had been sent before this request. */
	postscript?: string;
}

/** Joins what is there into one text. */
export function sentences(...parts: (string | number | false | null | undefined)[]): string {
	return parts.filter((part) => typeof part === 'string' && part !== '').join(' ');
}
