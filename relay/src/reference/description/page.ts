import { html } from '../html.ts';
import type { Html } from '../html.ts';
import { fieldsOf } from './fields.ts';
import type { FieldLine } from './fields.ts';
import type { OpenApi, Operation, Parameter } from './openapi.ts';

/** One operation wherever it is served. */
interface Entry {
	id: string;
	method: string;
	paths: string[];
	operation: Operation;
}

/** The description of the API for people: one page, readable without scripts. */
export function pageOf(document: OpenApi): string {
	const entries = entriesOf(document);
	return html`<!doctype html>
		<html lang="en">
			<head>
				<meta charset="utf-8" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<title>${document.info.title}</title>
				<link rel="stylesheet" href="/docs/pages.css" />
			</head>
			<body class="docs">
				<a class="skip" href="#operations">To the operations</a>
				<header class="top">
					<h1>${document.info.title}</h1>
					<p class="lead">${document.info.description} Version ${document.info.version}.</p>
					<p><a href="/docs/openapi.json">OpenAPI 3.1, as JSON</a></p>
				</header>
				<div class="columns">
					<nav aria-label="Operations">
						<ul class="index">
							${entries.map(
								({ id, method, paths, operation }) =>
									html`<li>
										<a href="#${id}"
											><span class="method ${method}">${method}</span> <span>${shortest(paths)}</span></a
										><small>${operation.summary}</small>
									</li>`,
							)}
						</ul>
					</nav>
					<main id="operations" tabindex="-1">
						${entries.map((entry) => section(entry, document))}
						<section id="not-served">
							<h2>Not served</h2>
							<p>
								Known to exist at Cleanlist, but their requests and answers are published nowhere. They answer
								501.
							</p>
							<div class="scroll" tabindex="0" role="region" aria-label="Not served">
								<table>
									<thead>
										<tr>
											<th scope="col">Path</th>
											<th scope="col">Operation</th>
											<th scope="col">Scope</th>
										</tr>
									</thead>
									<tbody>
										${document['x-not-served'].map(
											({ path, operation, scope }) =>
												html`<tr>
													<td><code>${path}</code></td>
													<td>${operation}</td>
													<td><code>${scope}</code></td>
												</tr>`,
										)}
									</tbody>
								</table>
							</div>
						</section>
					</main>
				</div>
			</body>
		</html> `.text;
}

function entriesOf({ paths }: OpenApi): Entry[] {
	const entries = new Map<string, Entry>();
	for (const [path, methods] of Object.entries(paths)) {
		for (const [method, operation] of Object.entries(methods)) {
			const id = operation['x-contract-operation'] ?? operation.operationId;
			const known = entries.get(id);
			if (known) known.paths.push(path);
			else entries.set(id, { id, method, paths: [path], operation });
		}
	}
	return [...entries.values()];
}

const shortest = (paths: string[]): string => (paths[0] ?? '').replace(/^\/api\/(?:v2|v1\/public)(?=\/)/, '');

function section({ id, method, paths, operation }: Entry, document: OpenApi): Html {
	const { summary, parameters, requestBody, responses } = operation;
	const success = Object.entries(responses).filter(([status]) => status.startsWith('2'));
	const answered = success.flatMap(([, response]) => ('content' in response ? [response] : []))[0];
	return html`<section id="${id}">
		<h2>${summary}</h2>
		<p class="paths">
			${paths.map((path) => html`<code><span class="method ${method}">${method}</span> ${path}</code> `)}
		</p>
		<p>
			${
				operation['x-scope']
					? html`Scope <code>${operation['x-scope']}</code>.`
					: operation['x-plan'] === 'any'
						? 'No scope; on any plan.'
						: 'No scope.'
			}
		</p>
		${parameters.length > 0 ? table('Parameters', parameters.map(ofParameter)) : ''}
		${requestBody ? table('Body', fieldsOf(requestBody.content['application/json'].schema)) : ''}
		${answered ? table('Answer', fieldsOf(answered.content['application/json'].schema)) : ''}
		<h3>Statuses</h3>
		<ul class="statuses">
			${Object.entries(responses).map(
				([status, response]) =>
					html`<li><span class="status s${status[0]}">${status}</span> ${meaning(response, document)}</li>`,
			)}
		</ul>
	</section>`;
}

function meaning(response: Operation['responses'][string], { components }: OpenApi): string {
	if ('description' in response) return response.description;
	const referred = components.responses[response.$ref.split('/').at(-1)!];
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
