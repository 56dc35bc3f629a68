import { html } from '../../pages/html.ts';
import type { Fragment, Html } from '../../pages/html.ts';
import { OPERATIONS } from '../control/operations.ts';
import { PARTS } from './parts.ts';
import type { Part, Sources } from './parts.ts';

/** The headings of what stands in the page, in order; the last two stand beside the others. */
const MAIN: readonly [Part, string][] = [
	['requests', 'Requests'],
	['webhooks', 'Webhooks'],
	['work', 'Workflows and tasks'],
	['lists', 'Lists and leads'],
	['credits', 'Credits'],
];

/** What can be ordered with one press, as the control surface takes it. */
const FAULTS: readonly [string, object][] = [
	['Answer 500', { type: 'status', status: 500 }],
	['Answer 503, retry after 2 s', { type: 'status', status: 503, retry_after_s: 2 }],
	['Answer 429, retry after 1 s', { type: 'rate_limit', retry_after_s: 1 }],
	['Answer 2 s late', { type: 'latency', ms: 2_000 }],
	['Answer a few bytes at a time', { type: 'dribble' }],
	['Reset the connection', { type: 'reset' }],
	['Process it, then reset the connection', { type: 'reset', when: 'after' }],
	['Close without an answer', { type: 'empty_reply' }],
	['Break the JSON off', { type: 'malformed_json' }],
	['Webhook twice', { type: 'webhook_duplicate' }],
	['Webhook a minute late', { type: 'webhook_late', ms: 60_000 }],
	['Webhook never', { type: 'webhook_never' }],
	['Webhook without its last result', { type: 'webhook_truncated', results: 1 }],
	['Webhook with nested items', { type: 'webhook_nested_items' }],
];

const ADVANCES: readonly [string, number][] = [
	['1 s', 1_000],
	['10 s', 10_000],
	['1 min', 60_000],
	['5 min', 300_000],
	['1 h', 3_600_000],
];

const place = (part: Part, sources: Sources): Html =>
	html`<div id="${part}" class="live" data-part="${part}">${PARTS[part](sources)}</div>`;

/** Some parts only, for a page that is open already. */
export const partsOf = (parts: readonly Part[], sources: Sources): string =>
	html`${parts.map((part) => place(part, sources))}`.text;

/** The whole page. Every button does what a request to the control surface does; without scripts it can be read. */
export function inspectorPage(sources: Sources): string {
	return html`<!doctype html>
		<html lang="en">
			<head>
				<meta charset="utf-8" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<title>Inspector · Cleanlist reference API</title>
				<link rel="icon" href="data:," />
				<link rel="stylesheet" href="/reference/pages.css" />
				<link rel="stylesheet" href="/reference/inspector.css" />
				<script src="/reference/inspector.js" defer></script>
			</head>
			<body class="inspector">
				<a class="skip" href="#main">To the requests</a>
				<header class="bar">
					<div class="title">
						<h1>Reference API</h1>
						<p id="live" class="soft" role="status">Not live: reload to see what is new.</p>
					</div>
					<nav aria-label="Sections">
						${MAIN.map(([part, title]) => html`<a href="#${part}-title">${title}</a> `)}
						<a href="#clock-title">Steering</a> <a href="${sources.docsPrefix}/">API</a>
					</nav>
				</header>
				<p id="said" class="said" role="status" aria-live="polite"></p>
				<div class="layout">
					<main id="main" tabindex="-1">
						${MAIN.map(([part, title]) => card(part, title, place(part, sources)))}
					</main>
					<aside aria-label="Steering">
						${card('clock', 'Clock', [
							place('clock', sources),
							html`<div class="buttons needs-script" role="group" aria-label="Advance the clock by">
									${ADVANCES.map(
										([label, ms]) =>
											html`<button type="button" data-do="advance" data-ms="${ms}">+${label}</button>`,
									)}
								</div>
								<div class="buttons needs-script">
									<button type="button" data-do="freeze">Freeze</button
									><button type="button" data-do="resume">Resume</button>
								</div>`,
						])}
						${card('faults', 'Faults', [
							place('faults', sources),
							html`<form id="new-fault" class="needs-script">
								<label
									>What happens
									<select name="fault">
										${FAULTS.map(([label, fault]) => html`<option value="${JSON.stringify(fault)}">${label}</option>`)}
									</select></label
								>
								<label
									>To
									<select name="operation">
										<option value="">every request</option>
										${OPERATIONS.map((name) => html`<option>${name}</option>`)}
									</select></label
								>
								<label
									>How often
									<input name="times" type="number" min="1" max="1000000" value="1" placeholder="always"
								/></label>
								<div class="buttons">
									<button type="submit" class="main">Add fault</button
									><button type="button" data-do="unfault-all">Remove all</button>
								</div>
							</form>`,
						])}
						${card('settings', 'State', [
							place('settings', sources),
							html`<div class="buttons needs-script">
								<button type="button" class="danger" data-do="ask-reset">Reset …</button>
							</div>`,
						])}
						<p class="soft without-script">
							Scripts are off: this page can be read, and reloaded. Steer with requests to /reference/.
						</p>
					</aside>
				</div>
				<dialog id="sure" aria-labelledby="sure-title">
					<h2 id="sure-title">Reset the reference API?</h2>
					<p>
						Lists, leads, workflows, credits, faults and the clock go back to the start. It can't be undone.
					</p>
					<form method="dialog" class="buttons">
						<button value="no" autofocus>Keep everything</button
						><button value="yes" class="danger">Reset</button>
					</form>
				</dialog>
			</body>
		</html> `.text;
}

const card = (id: string, title: string, content: Fragment): Html =>
	html`<section class="card" aria-labelledby="${id}-title">
		<h2 id="${id}-title">${title}</h2>
		${content}
	</section>`;
