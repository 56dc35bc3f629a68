import { html } from '../pages/html.ts';
import type { Html } from '../pages/html.ts';
import { fieldsOf } from './fields.ts';
import type { FieldLine } from './fields.ts';
import type { OpenApi, Operation, Parameter, Response } from './openapi.ts';

/** One operation, wherever it is served. */
export interface Entry<O extends Operation = Operation> {
	id: string;
	method: string;
	paths: string[];
	/** The path in the index, where room is scarce. */
	short: string;
	operation: O;
}

/**
 * The description of an API for people: one page, readable without scripts.
 *
 * @param options.prefix where the page, its style sheet and `openapi.json` are served
 * @param options.access who may call an operation, in a sentence
 * @param options.links beside the one to the document
 * @param options.after what follows the operations
 */
export function pageOf<O extends Operation>(options: {
	document: OpenApi<O>;
	entries: readonly Entry<O>[];
	prefix: string;
	access: (operation: O) => Html | string;
	links?: Html;
	after?: Html;
}): string {
	const { document, entries, prefix, access, links, after } = options;
	return html`<!doctype html>
		<html lang="en">
			<head>
				<meta charset="utf-8" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<title>${document.info.title}</title>
				<link rel="stylesheet" href="${prefix}/pages.css" />
			</head>
			<body class="docs">
				<a class="skip" href="#operations">To the operations</a>
				<header class="top">
					<h1>${document.info.title}</h1>
					<p class="lead">${document.info.description} Version ${document.info.version}.</p>
					<p><a href="${prefix}/openapi.json">OpenAPI 3.1, as JSON</a>${links}</p>
				</header>
				<div class="columns">
					<nav aria-label="Operations">
						<ul class="index">
							${entries.map(
								({ id, method, short, operation }) =>
									html`<li>
										<a href="#${id}"><span class="method ${method}">${method}</span> <span>${short}</span></a
										><small>${operation.summary}</small>
									</li>`,
							)}
						</ul>
					</nav>
					<main id="operations" tabindex="-1">
						${entries.map((entry) => section(entry, access(entry.operation), document))} ${after}
					</main>
				</div>
			</body>
		</html> `.text;
}

function section(
	{ id, method, paths, operation }: Entry,
	access: Html | string,
	document: Pick<OpenApi, 'components'>,
): Html {
	const { summary, parameters, requestBody, responses } = operation;
	const answered = Object.entries(responses)
		.filter(([status]) => status.startsWith('2'))
		.map(([, response]) => jsonOf(response))
		.find((schema) => schema !== undefined);
	const taken = requestBody?.content['application/json']?.schema;
	return html`<section id="${id}">
		<h2>${summary}</h2>
		<p class="paths">
			${paths.map((path) => html`<code><span class="method ${method}">${method}</span> ${path}</code> `)}
		</p>
		<p>${access}</p>
		${parameters.length > 0 ? table('Parameters', parameters.map(ofParameter)) : ''}
		${taken ? table('Body', fieldsOf(taken)) : ''} ${answered ? table('Answer', fieldsOf(answered)) : ''}
		<h3>Statuses</h3>
		<ul class="statuses">
			${Object.entries(responses).map(
				([status, response]) =>
					html`<li><span class="status s${status[0]}">${status}</span> ${meaning(response, document)}</li>`,
			)}
		</ul>
	</section>`;
}

const jsonOf = (response: Response) =>
	'description' in response ? response.content?.['application/json']?.schema : undefined;

function meaning(response: Response, { components }: Pick<OpenApi, 'components'>): string {
	if ('description' in response) return response.description;
	const referred = components.responses?.[response.$ref.split('/').at(-1)!];
	return referred && 'description' in referred ? referred.description : '';
}

function ofParameter({ name, in: where, required, schema }: Parameter): FieldLine {
	const [line] = fieldsOf({ properties: { [name]: schema }, required: required ? [name] : [] });
	return { ...line!, path: where === 'path' ? `{${name}}` : `?${name}` };
}

const table = (title: string, fields: FieldLine[]): Html =>
	html`<h3>${title}</h3>
		<div class="scroll" tabindex="0" role="region" aria-label="${title}">
			<table>
				<thead>
					<tr>
						<th scope="col">Field</th>
						<th scope="col">Type</th>
						<th scope="col"></th>
						<th scope="col">Values</th>
					</tr>
				</thead>
				<tbody>
					${fields.map(
						({ path, type, required, nullable, enum: values, notes }) =>
							html`<tr>
								<td><code>${path}</code></td>
								<td>${type}${nullable && type !== 'any' && ' or null'}</td>
								<td>${required ? 'required' : ''}</td>
								<td>${[...(values ? [values.join(' · ')] : []), ...notes].join('; ')}</td>
							</tr>`,
					)}
				</tbody>
			</table>
		</div>`;
