import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { answer, contacts, startReceiver, until } from '../harness.ts';
import { follow, startSteered } from './harness.ts';
import type { Steered } from './harness.ts';

let steered: Steered;
let key: string;
beforeEach(async () => {
	steered = await startSteered();
	({ key } = await steered.account());
});
afterEach(() => steered.close());

const clock = async (path: string, body?: unknown) =>
	(await steered.send('POST', `/reference/clock/${path}`, { body })).body;
const submit = async (webhook_url?: string) =>
	(await steered.as(key)('POST', '/api/v1/public/enrich/bulk', { contacts: contacts(2), webhook_url })).body;

const status = async (id: string) =>
	(await steered.as(key)('GET', `/api/v1/public/enrich/status?workflow_id=${id}`)).body.status;

it('runs the vendor’s whole webhook ladder, each attempt really sent before time goes on', async () => {
	await clock('freeze', { at: '2026-03-01T00:00:00Z' });
	const times: string[] = [];
	const receiver = await startReceiver((response, nth) => {
		times.push(steered.reference.control.clock().now);
		answer(nth < 5 ? 503 : 200)(response, nth);
	});
	const { workflow_id } = await submit(receiver.url);
	const moved = await clock('advance', { ms: 60_000 });

	expect(times).toEqual(
		['01.500', '02.500', '04.500', '08.500', '16.500'].map((second) => `2026-03-01T00:00:${second}Z`),
	);
	expect(moved).toMatchObject({ now: '2026-03-01T00:01:00.000Z', frozen: true, advanced_ms: 60_000 });
	const { body } = await steered.as(key)(
		'GET',
		`/api/v1/public/webhooks/deliveries?workflow_id=${workflow_id}`,
	);
	expect(
		body.deliveries.map((one: Record<string, unknown>) => [one.attempt_number, one.status, one.attempted_at]),
	).toEqual(times.map((time, index) => [index + 1, index < 4 ? 'failed' : 'succeeded', time]));
	await receiver.close();
});

it('stands still: nothing later is done, what is due at the instant is', async () => {
	await clock('freeze');
	const { workflow_id } = await submit();
	await steered.base.advance(60_000);
	expect(await status(workflow_id)).toBe('processing');
	expect((await steered.send('GET', '/reference/clock')).body).toEqual({
		now: '2026-01-05T09:00:00.000Z',
		now_ms: Date.UTC(2026, 0, 5, 9),
		frozen: true,
	});
	await clock('advance', { ms: 1_499 });
	expect(await status(workflow_id)).toBe('processing');
	await clock('freeze', { at: '2026-01-05T10:00:00+01:00' });
	expect(await status(workflow_id)).toBe('processing');
	await clock('freeze', { at: '2026-01-05T12:00:00Z' });
	await until(async () => (await status(workflow_id)) === 'completed');
});

it('runs on from where it stood, and timers with it', async () => {
	await clock('freeze', { at: '2030-01-01T00:00:00Z' });
	const { workflow_id } = await submit();
	expect(await clock('resume')).toMatchObject({ now: '2030-01-01T00:00:00.000Z', frozen: false });
	await steered.base.advance(1_499);
	expect(await status(workflow_id)).toBe('processing');
	await steered.base.advance(1);
	expect(await status(workflow_id)).toBe('completed');
	expect((await steered.send('GET', '/reference/clock')).body.now).toBe('2030-01-01T00:00:01.500Z');
});

it('advances a clock that runs, and lets it run on', async () => {
	const { workflow_id } = await submit();
	expect(await clock('advance', { ms: 10_000 })).toMatchObject({
		now: '2026-01-05T09:00:10.000Z',
		frozen: false,
	});
	expect(await status(workflow_id)).toBe('completed');
	await steered.base.advance(500);
	expect((await steered.send('GET', '/reference/clock')).body.now).toBe('2026-01-05T09:00:10.500Z');
	const next = await submit();
	await steered.base.advance(1_500);
	expect(await status(next.workflow_id)).toBe('completed');
});

it('advances to an instant, and to where it is', async () => {
	await clock('freeze', { at: 0 });
	expect(await clock('advance', { until: '1970-01-01T00:00:05Z' })).toMatchObject({ now_ms: 5_000 });
	expect(await clock('advance', { until: 5_000 })).toMatchObject({ now_ms: 5_000, advanced_ms: 0 });
	expect(await clock('advance', { ms: 0 })).toMatchObject({ now_ms: 5_000 });
});

it.each([
	['freeze', { at: 'tomorrow' }, 'at'],
	['freeze', { at: -1 }, '1970'],
	['freeze', { at: '+010000-01-01T00:00:00Z' }, 'at'],
	['freeze', { at: 253_402_300_800_000 }, '9999'],
	['freeze', { when: 1 }, 'when'],
	['advance', {}, 'ms or until'],
	['advance', { ms: 1, until: 2 }, 'ms or until'],
	['advance', { ms: -1 }, 'ms'],
	['advance', { ms: 1.5 }, 'ms'],
	['advance', { until: '2020-01-01T00:00:00Z' }, 'later'],
	['advance', { ms: 253_402_214_400_000 }, '9999'],
	['advance', undefined, 'The advance'],
])('refuses to %s by %j', async (path, body, named) => {
	const before = (await steered.send('GET', '/reference/clock')).body;
	const refused = await steered.send('POST', `/reference/clock/${path}`, { body });
	expect(refused.status).toBe(422);
	expect(refused.body.error.problem).toContain(named);
	expect(refused.body.error.fix).toBeTruthy();
	expect((await steered.send('GET', '/reference/clock')).body).toEqual(before);
});

it('takes one advance after the other', async () => {
	await clock('freeze', { at: 0 });
	const moves = await Promise.all([1, 2, 3].map((ms) => clock('advance', { ms })));
	expect(moves.map(({ now_ms }) => now_ms).sort()).toEqual([1, 3, 6]);
});

it('lets a quote expire', async () => {
	await clock('freeze');
	const asKey = steered.as(key);
	const { body: list } = await asKey('POST', '/api/v2/lead-lists', { name: 'L' });
	const quote = async () =>
		(await asKey('POST', '/api/v2/credits/estimate', { tool: 'enrich_person', list_id: list.list_id })).body
			.quote_id;
	const enrich = async (quote_id: string) => {
		const who = { lead_list_id: list.list_id, email: 'zoe@north-quay.example', enrichment_type: 'partial' };
		const { status, body } = await asKey('POST', '/api/v2/enrichment/person', { ...who, quote_id });
		return status === 200 ? 'taken' : body.error.code;
	};
	const [early, late] = [await quote(), await quote()];
	await clock('advance', { ms: 299_000 });
	const first = await enrich(early);
	await clock('advance', { ms: 1_000 });
	expect([first, await enrich(late)]).toEqual(['taken', 'quote_expired']);
});

it('opens the next rate-limit window', async () => {
	const limited = await startSteered({ limits: { perKeyPerMinute: 2, perOrganizationPerMinute: 9 } });
	const { key } = await limited.account();
	const ask = async () => (await limited.as(key)('GET', '/api/v2/whoami')).status;
	expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
	await limited.send('POST', '/reference/clock/advance', { body: { ms: 60_000 } });
	expect(await ask()).toBe(200);
	await limited.close();
});

it('does not wait for a receiver that hangs longer than it must', async () => {
	await clock('freeze');
	const receiver = await startReceiver((response, nth) => {
		if (nth > 1) response.end();
	});
	const { workflow_id } = await submit(receiver.url);
	const advancing = clock('advance', { ms: 60_000 });
	await until(() => receiver.received.length === 1);
	// The patience, in real time; then the time-out of the attempt is what is due next.
	await steered.base.advance(2_000);
	await advancing;
	const { body } = await steered.as(key)(
		'GET',
		`/api/v1/public/webhooks/deliveries?workflow_id=${workflow_id}`,
	);
	expect(
		body.deliveries.map((one: Record<string, unknown>) => [one.attempted_at, one.error_message]),
	).toEqual([
		['2026-01-05T09:00:01.500Z', 'no answer within 10 s'],
		['2026-01-05T09:00:12.500Z', null],
	]);
	await receiver.close();
});

it('can be closed in the middle of an advance', async () => {
	await clock('freeze');
	const receiver = await startReceiver(() => {});
	await submit(receiver.url);
	const advancing = steered.reference.control.advance((now) => now + 60_000);
	await until(() => receiver.received.length === 1);
	await steered.close();
	await steered.base.advance(2_000);
	await advancing;
	await receiver.close();
	steered = await startSteered();
});

it('tells the feed', async () => {
	const feed = await follow(steered.baseUrl);
	await clock('freeze', { at: 0 });
	expect((await feed.next('clock')).data).toMatchObject({ now_ms: 0, frozen: true });
	await submit();
	expect((await feed.next('workflow')).data).toMatchObject({ kind: 'bulk', status: 'processing', total: 2 });
	await clock('advance', { ms: 1_500 });
	expect((await feed.next('workflow')).data).toMatchObject({ kind: 'bulk', status: 'completed' });
	feed.close();
});

it('counts no timer of the request log, which is written in real time while it stands still', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'reference-clock-'));
	const path = join(folder, 'reference.sqlite');
	await steered.close();
	try {
		steered = await startSteered({ path });
		({ key } = await steered.account());
		await clock('freeze');
		for (let n = 0; n < 3; n++) await steered.as(key)('GET', '/api/v2/whoami');
		expect(await clock('advance', { ms: 5_000 })).toMatchObject({ timers_fired: 0 });
		await steered.base.advance(1_000);
		const db = new DatabaseSync(path, { readOnly: true });
		expect(db.prepare('SELECT count(*) AS n FROM request_log').get()).toEqual({ n: 3 });
		db.close();
	} finally {
		await steered.close();
		rmSync(folder, { recursive: true });
		steered = await startSteered();
	}
});

it('does what is due at the instant it stands at, one after the other, although nothing else goes on in the process', () => {
	const steerable = new URL('../../../relay/src/reference/control/steerable-clock.ts', import.meta.url);
	const real = new URL('../../../relay/src/clock.ts', import.meta.url);
	// What comes due within the work that is due, as the steps of a run do.
	const script = `
		import { createSteerableClock } from ${JSON.stringify(steerable)};
		import { systemClock } from ${JSON.stringify(real)};
		const clock = createSteerableClock(systemClock);
		clock.freeze();
		const quiet = setTimeout(() => {}, 2_000);
		const step = (left) => {
			if (left > 0) return clock.schedule(0, () => step(left - 1));
			clearTimeout(quiet);
			console.log('done');
		};
		step(20);`;
	const child = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
	expect(child.stderr).toBe('');
	expect(child.stdout).toBe('done\n');
});
