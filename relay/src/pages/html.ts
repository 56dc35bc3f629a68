/** Text that is HTML already. Nothing else goes into a page unescaped. */
export class Html {
	readonly text: string;
	constructor(text: string) {
		this.text = text;
	}
}

export type Fragment = Html | string | number | null | undefined | false | readonly Fragment[];

/** A template in which every value is escaped, but for what is HTML itself. Null, undefined and false are nothing. */
export const html = (parts: TemplateStringsArray, ...values: Fragment[]): Html =>
	new Html(parts.map((part, n) => part + (n < values.length ? render(values[n]) : '')).join(''));

function render(value: Fragment): string {
	if (value === null || value === undefined || value === false) return '';
	if (value instanceof Html) return value.text;
	if (typeof value === 'string' || typeof value === 'number') return escape(String(value));
	return value.map(render).join('');
}

const ENTITIES: Record<string, string> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;',
};

/** Right for text and for quoted attributes. Control characters that a page may not hold are made visible. */
const escape = (text: string): string =>
	text
		.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
		// eslint-disable-next-line no-control-regex
		.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd');
