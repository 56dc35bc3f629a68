import { pageOf } from '../../description/page.ts';
import type { Entry } from '../../description/page.ts';
import { html } from '../../pages/html.ts';
import type { Html } from '../../pages/html.ts';
import type { ReferenceApi, ReferenceOperation } from './openapi.ts';

/** The description of the reference API for people. */
export const referencePage = (document: ReferenceApi, prefix: string): string =>
	pageOf({ document, entries: entriesOf(document), prefix, access, after: notServed(document) });

/** An operation served under two prefixes is one. */
function entriesOf({ paths }: ReferenceApi): Entry<ReferenceOperation>[] {
	const entries = new Map<string, Entry<ReferenceOperation>>();
	for (const [path, methods] of Object.entries(paths)) {
		for (const [method, operation] of Object.entries(methods)) {
			const id = operation['x-contract-operation'] ?? operation.operationId;
			const known = entries.get(id);
			if (known) known.paths.push(path);
			else entries.set(id, { id, method, paths: [path], short: shorter(path), operation });
		}
	}
	return [...entries.values()];
}

const shorter = (path: string): string => path.replace(/^\/api\/(?:v2|v1\/public)(?=\/)/, '');

function access(operation: ReferenceOperation): Html | string {
	if (operation['x-scope']) return html`Scope <code>${operation['x-scope']}</code>.`;
	return operation['x-plan'] === 'any' ? 'No scope; on any plan.' : 'No scope.';
}

const notServed = (document: ReferenceApi): Html =>
	html`<section id="not-served">
		<h2>Not served</h2>
		<p>Known to exist at Cleanlist, but their requests and answers are published nowhere. They answer 501.</p>
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
	</section>`;
