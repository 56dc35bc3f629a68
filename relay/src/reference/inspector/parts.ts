import { iso } from '../../clock.ts';
import type { Control } from '../control/control.ts';
import type { FaultView } from '../control/faults.ts';
import { redact } from '../control/redact.ts';
import type { KeptBody } from '../control/redact.ts';
import type { RecordedRequest, Recorder } from '../control/recorder.ts';
import type { Database } from '../db/index.ts';
import type { AttemptView, LeadView, ListView, TaskView, WorkView } from '../db/inspector.ts';
import { html } from '../../pages/html.ts';
import type { Fragment, Html } from '../../pages/html.ts';

/** How much of each thing a page shows; the API and the control surface have the rest. */
const SHOWN = {
	requests: 50,
	webhooks: 20,
	lists: 30,
	leads: 10,
	work: 30,
	tasks: 10,
	ledger: 40,
	people: 20,
};
/** Characters of a body. */
const BODY_SHOWN = 2_000;

export interface Sources {
	db: Database;
	recorder: Recorder;
	control: Control;
	/** Where the API is described. */
	docsPrefix: string;
}

/** The parts of the page that change, by the id of their place. */
export const PARTS = {
	clock: clockPart,
	requests: requestsPart,
	webhooks: webhooksPart,
	work: workPart,
	lists: listsPart,
	credits: creditsPart,
	faults: faultsPart,
	settings: settingsPart,
} satisfies Record<string, (sources: Sources) => Html>;

export type Part = keyof typeof PARTS;

function clockPart({ control }: Sources): Html {
	const { now, now_ms, frozen } = control.clock();
	return html`<p id="now" class="now"><time datetime="${now}" data-now="${now_ms}">${plain(now_ms)}</time></p>
		<p id="frozen" data-frozen="${frozen ? 'yes' : 'no'}">
			${frozen ? badge('stands still', 'warn') : badge('runs', 'good')}
		</p>`;
}

function requestsPart({ recorder }: Sources): Html {
	const { requests, total } = recorder.page(SHOWN.requests, null);
	if (requests.length === 0) return nothing('No requests yet. Send one to /api/v2 or /api/v1/public.');
	return html`${requests.map(requestRow)}${rest(total, requests.length, 'requests')}`;
}

const requestRow = (request: RecordedRequest): Html =>
	html`<details id="request-${request.id}" class="row request">
		<summary>
			<span class="time">${clockTime(request.at)}</span
			><span class="method ${request.method.toLowerCase()}">${request.method}</span
			><span class="what" title="${request.path}">${request.path}</span>${
				request.faults.length > 0 && badge(`fault: ${request.faults.join(', ')}`, 'special')
			}<span class="status s${String(request.status ?? 'none')[0]}">${request.status ?? 'no answer'}</span
			><span class="soft">${request.ms} ms</span>
		</summary>
		<div class="inside">
			<p class="soft">
				${request.operation ?? 'no operation of the contract'} · key
				${request.keyLast4 ? html`<code>…${request.keyLast4}</code>` : 'none'} ·
				${request.organizationId ?? 'nobody known'} · <a href="/reference/requests/${request.id}">as JSON</a>
			</p>
			<h3>Request</h3>
			${bodyBlock(request.requestBody)}
			<h3>Answer</h3>
			${bodyBlock(request.responseBody)}
		</div>
	</details>`;

function bodyBlock(body: KeptBody | null): Html {
	if (!body) return html`<p class="soft">No body.</p>`;
	const text = pretty(body.text);
	const isCut = body.truncated || text.length > BODY_SHOWN;
	return html`<pre tabindex="0"><bdi>${text.slice(0, BODY_SHOWN)}</bdi>${isCut && ' …'}</pre>
		${isCut && html`<p class="soft">${number(body.bytes)} bytes in all.</p>`}`;
}

function webhooksPart({ db }: Sources): Html {
	const webhooks = db.inspector.webhooks(SHOWN.webhooks);
	if (webhooks.length === 0) {
		return nothing('No webhooks. POST /api/v1/public/enrich/bulk with a webhook_url makes one.');
	}
	return html`${webhooks.map(({ workflowId, url, hasEnded }) => {
		const attempts = db.inspector.attempts(workflowId);
		return html`<details id="webhook-${workflowId}" class="row" open>
			<summary>
				<span class="what" title="${workflowId}"><code>${workflowId}</code></span
				>${webhookBadge(attempts, hasEnded)}
			</summary>
			<div class="inside">
				<p class="soft">to <bdi>${redact(url)}</bdi></p>
				${
					attempts.length > 0
						? html`<ol class="attempts">
								${attempts.map(attemptRow)}
							</ol>`
						: html`<p class="soft">
								${hasEnded ? 'None is sent, as was ordered.' : 'Goes out when the workflow has ended.'}
							</p>`
				}
			</div>
		</details>`;
	})}`;
}

function webhookBadge(attempts: AttemptView[], hasEnded: 0 | 1): Html {
	const last = attempts.at(-1);
	if (!last) return badge(hasEnded ? 'not sent' : 'waits', 'soft');
	if (attempts.some(({ status }) => status === 'succeeded')) return badge('delivered', 'good');
	return last.status === 'pending' ? badge('under way', 'warn') : badge('given up', 'bad');
}

const attemptRow = ({ attempt, status, dueAt, attemptedAt, responseCode, error }: AttemptView): Html =>
	html`<li>
		<span>Attempt ${attempt}</span>
		${badge(status, { pending: 'warn', succeeded: 'good', failed: 'bad' }[status] as Tone)}
		<span class="soft"
			>${
				attemptedAt === null ? html`due ${clockTime(dueAt)}` : clockTime(attemptedAt)
			}${responseCode !== null && ` · answered ${responseCode}`}${error && error !== `HTTP ${responseCode}` && html` · <bdi>${error}</bdi>`}</span
		>
	</li>`;

function workPart({ db }: Sources): Html {
	const work = db.inspector.work(SHOWN.work);
	if (work.length === 0) return nothing('No enrichment and no agent has run yet.');
	return html`${work.map((one) => workRow(db, one))}`;
}

const workRow = (db: Database, work: WorkView): Html =>
	html`<details id="work-${work.workId}" class="row">
		<summary>
			<span class="what" title="${work.workId}"><code>${work.workId}</code></span
			><span class="soft">${work.kind}, ${work.type}</span
			><progress max="${work.total || 1}" value="${work.processed}">
				${work.processed} of ${work.total}</progress
			><span class="soft count">${work.processed}/${work.total}</span
			>${badge(work.status, STATUS_TONES[work.status] ?? 'soft')}
		</summary>
		<div class="inside">
			<p class="soft">
				from
				${clockTime(work.createdAt)}${work.completedAt !== null && html` to ${clockTime(work.completedAt)}`}
			</p>
			${work.kind === 'bulk' && tasksTable(db.inspector.tasks(work.workId, SHOWN.tasks), work.total)}
		</div>
	</details>`;

const STATUS_TONES: Record<string, Tone> = {
	pending: 'warn',
	processing: 'warn',
	running: 'warn',
	completed: 'good',
	failed: 'bad',
	cancelled: 'bad',
};

const tasksTable = (tasks: TaskView[], total: number): Html =>
	html`${table(
		'Tasks',
		['Task', 'Contact', 'Result'],
		tasks.map(({ taskId, contact, result }) => [
			html`<code title="${taskId}">${taskId.slice(0, 8)}</code>`,
			html`<bdi>${redact(Object.values(parsed(contact)).filter(isText).join(' · '))}</bdi>`,
			result === null
				? html`<span class="soft">not yet</span>`
				: html`<bdi>${resultText(parsed(result))}</bdi>`,
		]),
	)}${rest(total, tasks.length, 'tasks')}`;

function resultText(result: Record<string, unknown>): string {
	const { status, primary_email: email, personal_phone_numbers: phones } = result;
	return [status, email, ...(Array.isArray(phones) ? (phones as unknown[]) : [])].filter(isText).join(' · ');
}

function listsPart({ db, control }: Sources): Html {
	const lists = db.inspector.lists(SHOWN.lists);
	if (lists.length === 0) return nothing('No lists yet.');
	return html`${lists.map((list) => listRow(db, list))}${rest(control.state().counts.lists, lists.length, 'lists')}`;
}

const listRow = (db: Database, list: ListView): Html =>
	html`<details id="list-${list.listId}" class="row">
		<summary>
			<span class="what"><bdi>${list.name}</bdi></span
			>${list.isProtected === 1 && badge('protected', 'special')}${list.isHidden === 1 && badge('hidden', 'soft')}${
				list.visibility === 'organization'
					? badge('organization', 'soft')
					: list.isShared === 1 && badge('shared', 'soft')
			}<span class="soft count">${number(list.leadCount)} leads, ${number(list.enrichedCount)} enriched</span>
		</summary>
		<div class="inside">
			<p class="soft">
				<bdi>${list.owner}</bdi>, <bdi>${list.organization}</bdi> · <code>${list.listId}</code>
			</p>
			${leadsTable(db.inspector.leads(list.listId, SHOWN.leads), list.leadCount)}
		</div>
	</details>`;

const leadsTable = (leads: LeadView[], total: number): Html =>
	leads.length === 0
		? nothing('No leads in it.')
		: html`${table(
				'Leads',
				['Name', 'Title', 'Company', 'E-mail', 'Phone'],
				leads.map(({ firstName, lastName, title, company, email, phone }) =>
					[[firstName, lastName].filter(Boolean).join(' '), title, company, email, phone].map(
						(cell) => html`<bdi>${cell}</bdi>`,
					),
				),
			)}${rest(total, leads.length, 'leads')}`;

function creditsPart({ db }: Sources): Html {
	const organizations = db.inspector.organizations(SHOWN.people);
	const entries = db.inspector.ledger(SHOWN.ledger);
	return html`${table(
			'Organizations',
			['Organization', 'Plan', 'Users', 'Credits', 'Reserved'],
			organizations.map(({ name, tier, appsumoTier, users, credits, reserved }) => [
				html`<bdi>${name}</bdi>`,
				`${tier}${appsumoTier === null ? '' : `, AppSumo ${appsumoTier}`}`,
				users,
				html`<span class="number">${number(credits)}</span>`,
				html`<span class="number">${number(reserved)}</span>`,
			]),
		)}
		<h3>Ledger</h3>
		${
			entries.length === 0
				? nothing('Nothing was booked yet.')
				: table(
						'Ledger',
						['At', 'Organization', 'Entry', 'Balance', 'Reserved', 'For'],
						entries.map(({ createdAt, organization, kind, amount, reserved, reference }) => [
							clockTime(createdAt),
							html`<bdi>${organization}</bdi>`,
							kind,
							signed(amount),
							signed(reserved),
							reference && html`<code title="${reference}">${shortId(reference)}</code>`,
						]),
					)
		}`;
}

function faultsPart({ control }: Sources): Html {
	const faults = control.faults();
	if (faults.length === 0) return html`<p id="no-faults" class="soft">None: everything goes well.</p>`;
	return html`<ul class="faults">
		${faults.map(
			(fault) =>
				html`<li id="${fault.id}">
					<div>
						<strong>${fault.fault.type}</strong>
						${badge(`${fault.hits} so far`, fault.hits > 0 ? 'special' : 'soft')}<br />
						<span class="soft">${faultText(fault)}</span>
					</div>
					<button
						type="button"
						class="small"
						data-do="unfault"
						data-id="${fault.id}"
						aria-label="Remove ${fault.id}"
					>
						Remove
					</button>
				</li>`,
		)}
	</ul>`;
}

function faultText({ match, times, probability, fault }: FaultView): string {
	const { type: _, ...details } = fault;
	return [
		...Object.entries(details).map(([name, value]) => `${name} ${value}`),
		Object.entries(match)
			.map(([name, value]) => `${name} ${value}`)
			.join(', ') || 'everything',
		times === null
			? probability === null
				? 'always'
				: `in ${Math.round(probability * 1000) / 10} % of cases`
			: `${times} time${times === 1 ? '' : 's'}`,
	].join(' · ');
}

function settingsPart({ control }: Sources): Html {
	const { seed, start, counts, completion, behaviours, snapshots } = control.state();
	const { mode, ...details } = completion;
	return html`<dl>
			<dt>Seed</dt>
			<dd><code>${seed}</code>, ${start}</dd>
			<dt>Completion</dt>
			<dd>${mode}${Object.entries(details).map(([name, value]) => `, ${name} ${value}`)}</dd>
			<dt>Snapshots</dt>
			<dd>${snapshots.length === 0 ? 'none' : snapshots.map(({ name }) => name).join(', ')}</dd>
		</dl>
		<details id="counts" class="row">
			<summary><span class="what">Counts</span></summary>
			<dl class="inside">${pairs(counts)}</dl>
		</details>
		<details id="behaviours" class="row">
			<summary><span class="what">Behaviours</span></summary>
			<dl class="inside">${pairs(behaviours)}</dl>
		</details>`;
}

const pairs = (of: object): Fragment[] =>
	Object.entries(of).map(
		([name, value]) =>
			html`<dt>${name.replaceAll('_', ' ')}</dt>
				<dd>${typeof value === 'number' ? number(value) : String(value)}</dd>`,
	);

type Tone = 'good' | 'warn' | 'bad' | 'special' | 'soft';
const badge = (text: string, tone: Tone): Html => html`<span class="badge ${tone}">${text}</span>`;
const nothing = (text: string): Html => html`<p class="soft">${text}</p>`;
const rest = (total: number, shown: number, what: string): Html | null =>
	total > shown ? html`<p class="soft">${number(total - shown)} more ${what}.</p>` : null;

const table = (label: string, head: string[], rows: Fragment[][]): Html =>
	html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
		<table>
			<thead>
				<tr>
					${head.map((cell) => html`<th scope="col">${cell}</th>`)}
				</tr>
			</thead>
			<tbody>
				${rows.map(
					(row) =>
						html`<tr>
							${row.map((cell) => html`<td>${cell}</td>`)}
						</tr>`,
				)}
			</tbody>
		</table>
	</div>`;

const number = (of: number): string => of.toLocaleString('en-US');
const signed = (of: number): Html =>
	html`<span class="number ${of < 0 ? 'minus' : of > 0 ? 'plus' : 'soft'}"
		>${of > 0 ? '+' : of < 0 ? '−' : ''}${number(Math.abs(of))}</span
	>`;
const shortId = (id: string): string => (id.length > 20 ? `…${id.slice(-12)}` : id);
const clockTime = (ms: number): Html =>
	html`<time datetime="${iso(ms)}" title="${iso(ms)}">${iso(ms).slice(11, 23)}</time>`;
const plain = (ms: number): string => iso(ms).replace('T', ' ').slice(0, 19);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const parsed = (text: string): Record<string, unknown> => {
	const value: unknown = JSON.parse(text);
	return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
};

/** Indented when it is JSON, and as it is when not, or when it was cut. */
function pretty(text: string): string {
	try {
		return JSON.stringify(JSON.parse(text), null, 2);
	} catch {
		return text;
	}
}
