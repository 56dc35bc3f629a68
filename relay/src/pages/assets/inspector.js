// The inspector's page comes from the server whole; this keeps it up to date and makes its buttons work.
'use strict';

/** What a kind of event may have changed. */
const CHANGED = {
	request: ['requests', 'lists', 'credits', 'work'],
	webhook: ['webhooks'],
	workflow: ['work', 'webhooks', 'lists', 'credits'],
	clock: ['clock', 'webhooks', 'work'],
	faults: ['faults'],
	behaviours: ['settings'],
	completion: ['settings'],
	state: ['clock', 'requests', 'webhooks', 'work', 'lists', 'credits', 'faults', 'settings'],
};
const ALL = CHANGED.state;
/** However many events come, the page asks no more often than this. */
const PAUSE_MS = 300;

const said = document.getElementById('said');
const stale = new Set();
let asking = false;

document.documentElement.classList.add('scripted');

/** Brings the parts up to date that may have changed, at once or after what is under way. */
async function refresh(parts) {
	for (const part of parts) stale.add(part);
	if (asking) return;
	asking = true;
	try {
		while (stale.size > 0) {
			const wanted = [...stale];
			stale.clear();
			const query = new URLSearchParams(wanted.map((part) => ['part', part]));
			const answer = await fetch(`/reference/?${query}`);
			if (answer.ok) put(await answer.text());
			await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
		}
	} catch {
		// The server is gone: the stream says so, and everything is asked for when it is back.
	} finally {
		asking = false;
	}
}

/** @param {string} markup parts as the server wrote them, every value escaped */
function put(markup) {
	const fresh = new DOMParser().parseFromString(markup, 'text/html');
	for (const part of fresh.querySelectorAll('[data-part]')) {
		const place = document.getElementById(part.id);
		if (place) merge(place, part);
	}
}

/**
 * Gives `place` the children of `fresh`. One that has not changed stays as it is, open, focused or selected as it may
 * be; one that has changed stays open.
 */
function merge(place, fresh) {
	const known = new Map([...place.children].filter((child) => child.id).map((child) => [child.id, child]));
	const isFirst = known.size === 0;
	let next = place.firstElementChild;
	for (const child of [...fresh.children]) {
		const old = child.id ? known.get(child.id) : next?.isEqualNode(child) ? next : null;
		if (old && old.innerHTML === child.innerHTML) {
			if (old === next) next = next.nextElementSibling;
			else place.insertBefore(old, next);
			continue;
		}
		const adopted = document.adoptNode(child);
		if (old) keepState(old, adopted);
		else if (!isFirst && adopted.classList.contains('row')) adopted.classList.add('new');
		place.insertBefore(adopted, next);
		if (old) {
			if (old === next) next = next.nextElementSibling;
			old.remove();
		}
	}
	while (next) {
		const gone = next;
		next = next.nextElementSibling;
		gone.remove();
	}
}

/** What somebody opened stays open, and what had the focus has it again. */
function keepState(old, fresh) {
	const opened = (root) =>
		[root, ...root.querySelectorAll('details')].filter((one) => one.tagName === 'DETAILS');
	for (const one of opened(fresh)) {
		const before = one.id === old.id ? old : one.id && old.querySelector(`#${CSS.escape(one.id)}`);
		if (before) one.open = before.open;
	}
	if (old.contains(document.activeElement)) {
		queueMicrotask(() => (fresh.querySelector('summary, button') ?? fresh).focus?.());
	}
}

/** Sends what a button stands for. What goes wrong is said on top of the page. */
async function steer(method, path, body) {
	said.textContent = '';
	try {
		const answer = await fetch(`/reference${path}`, {
			method,
			...(body === undefined
				? {}
				: { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
		});
		if (answer.ok) return true;
		const { error } = await answer.json();
		said.textContent = [error.problem, error.fix].filter(Boolean).join(' ');
	} catch {
		said.textContent = 'The reference API does not answer. Is it still running?';
	}
	return false;
}

const ACTIONS = {
	advance: ({ ms }) => steer('POST', '/clock/advance', { ms: Number(ms) }),
	freeze: () => steer('POST', '/clock/freeze', {}),
	resume: () => steer('POST', '/clock/resume'),
	unfault: ({ id }) => steer('DELETE', `/faults/${encodeURIComponent(id)}`),
	'unfault-all': () => steer('DELETE', '/faults'),
	'ask-reset': () => {
		document.getElementById('sure').showModal();
	},
};

document.addEventListener('click', async (event) => {
	const button = event.target instanceof Element ? event.target.closest('button[data-do]') : null;
	if (!button) return;
	button.disabled = true;
	await ACTIONS[button.dataset.do](button.dataset);
	button.disabled = false;
	await refresh(ALL);
});

document.getElementById('new-fault').addEventListener('submit', async (event) => {
	event.preventDefault();
	const { fault, operation, times } = event.target.elements;
	const parsed = JSON.parse(fault.value);
	const isWebhook = parsed.type.startsWith('webhook_');
	await steer('POST', '/faults', {
		fault: parsed,
		...(operation.value && !isWebhook ? { match: { operation: operation.value } } : {}),
		...(times.value ? { times: Number(times.value) } : {}),
	});
	await refresh(['faults']);
});

document.getElementById('sure').addEventListener('close', async ({ target }) => {
	if (target.returnValue === 'yes') await steer('POST', '/reset');
	target.returnValue = '';
	await refresh(ALL);
});

/** A clock that runs is shown to run. */
const tick = () => {
	const time = document.querySelector('#now time');
	const runs = document.getElementById('frozen')?.dataset.frozen === 'no';
	if (!time || !runs) return;
	time.dataset.shown ??= String(performance.now());
	const ms = Number(time.dataset.now) + performance.now() - Number(time.dataset.shown);
	const text = new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
	if (time.textContent !== text) time.textContent = text;
};
setInterval(tick, 250);

const live = document.getElementById('live');
const feed = new EventSource('/reference/events');
feed.addEventListener('open', () => {
	live.textContent = 'Live';
	live.classList.add('is-live');
	void refresh(ALL);
});
feed.addEventListener('error', () => {
	live.textContent = 'Not live: the connection is gone, trying again.';
	live.classList.remove('is-live');
});
for (const [topic, parts] of Object.entries(CHANGED)) feed.addEventListener(topic, () => void refresh(parts));
feed.addEventListener('gap', () => void refresh(ALL));
