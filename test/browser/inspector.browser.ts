/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startSteered } from '../reference/control/harness.ts';
import type { Steered } from '../reference/control/harness.ts';
import { startReceiver } from '../reference/harness.ts';
import { personsWith } from '../reference/paid.ts';
import { startChromium } from './chromium.ts';

/** The inspector, as somebody sees and uses it: a real browser, over HTTP, on a clock that stands still. */

let browser: Browser;
let steered: Steered;
let key: string;
/** Everything that the pages of a test complained of, which must be nothing. */
let complaints: string[];
/** What the browser itself writes down of answers that a test provokes. */
let expected: RegExp | null;

beforeAll(async () => {
	browser = await startChromium();
});
afterAll(() => browser.close());

beforeEach(async () => {
	complaints = [];
	expected = null;
	steered = await startSteered();
	key = (await steered.account({ name: 'Ada' })).key;
});
afterEach(async () => {
	for (const context of browser.contexts()) await context.close();
	await steered.close();
	expect(complaints).toEqual([]);
});

const api = (method: string, path: string, body?: unknown) => steered.as(key)(method, path, body);

async function open(options: BrowserContextOptions = {}, baseUrl = steered.baseUrl): Promise<Page> {
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
	const page = await context.newPage();
	page.on('console', (message) => {
		const isBad = message.type() === 'error' || message.type() === 'warning';
		if (isBad && !expected?.test(message.text())) complaints.push(message.text());
	});
	page.on('pageerror', (error) => complaints.push(error.message));
	page.on('dialog', (dialog) => {
		complaints.push(`a dialog: ${dialog.message()}`);
		void dialog.dismiss();
	});
	await page.goto(`${baseUrl}/reference/`);
	if (options.javaScriptEnabled !== false) await page.locator('#live.is-live').waitFor();
	return page;
}

const requests = (page: Page) => page.locator('#requests > details');

it('shows a request when it comes, with what was sent and answered and without its key', async () => {
	const page = await open();
	await page.getByText('No requests yet.').waitFor();
	await api('POST', '/api/v2/lead-lists', { name: 'Conference' });

	const row = requests(page).first();
	await row.waitFor();
	expect(await row.locator('summary').innerText()).toMatch(/POST\s+\/api\/v2\/lead-lists\s+201/);
	await row.locator('summary').click();
	const inside = row.locator('.inside');
	expect(await inside.locator('pre').first().innerText()).toContain('"name": "Conference"');
	expect(await inside.locator('pre').nth(1).innerText()).toContain('"reused": false');
	expect(await inside.innerText()).toContain(`…${key.slice(-4)}`);
	expect(await page.content()).not.toContain(key.slice(0, -4));
});

it('leaves open what is open, and the focus where it is, while more comes', async () => {
	await api('GET', '/api/v2/whoami');
	const page = await open();
	const first = page.locator('#request-1');
	await first.locator('summary').focus();
	await page.keyboard.press('Enter');
	await api('GET', '/api/v2/lead-lists');
	await page.locator('#request-2').waitFor();

	expect(await first.getAttribute('open')).not.toBeNull();
	const focused = await page.evaluate(() => document.activeElement?.closest('details')?.id);
	expect(focused).toBe('request-1');
	// The newest is on top.
	expect(await requests(page).evaluateAll((rows) => rows.map(({ id }) => id))).toEqual([
		'request-2',
		'request-1',
	]);
});

it('shows names as text, whatever is in them', async () => {
	const evil = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 2">';
	const names = [evil, '🐝 Bienen & "Söhne"', '\u202eevil\u202c', 'شركة', "it's"];
	for (const name of names) await api('POST', '/api/v2/lead-lists', { name });
	await api('GET', `/api/v2/lead-lists/${encodeURIComponent(evil)}`);
	await api('POST', '/api/v1/public/enrich/bulk', {
		contacts: [{ first_name: evil, last_name: '</bdi></details>', company_name: '🐝' }],
		enrichment_type: 'none',
	});
	const page = await open();
	await page.evaluate(() => {
		for (const details of document.querySelectorAll('details')) details.open = true;
	});

	const shown = await page.locator('#lists .what bdi').allTextContents();
	expect(shown).toEqual(expect.arrayContaining(names));
	expect(await page.locator('#lists td').first().textContent()).toContain('<script>');
	expect(await page.locator('main img, main script').count()).toBe(0);
	expect(await page.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined();
});

it('shows webhooks with their attempts as time is advanced by its buttons', async () => {
	const receiver = await startReceiver((response, nth) => response.writeHead(nth < 3 ? 500 : 200).end());
	try {
		const page = await open();
		await page.getByRole('button', { name: 'Freeze' }).click();
		await page.getByText('stands still').waitFor();
		await api('POST', '/api/v1/public/enrich/bulk', {
			contacts: personsWith({ email: true, phone: false }, 1),
			webhook_url: receiver.url,
		});
		await page.locator('#webhooks').getByText('waits').waitFor();

		await page.getByRole('button', { name: '+10 s' }).click();
		await page.locator('#webhooks').getByText('delivered').waitFor();
		const attempts = await page.locator('#webhooks li').allInnerTexts();
		expect(attempts.map((text) => text.replace(/\s+/g, ' '))).toEqual([
			expect.stringMatching(/^Attempt 1 failed .* answered 500/),
			expect.stringMatching(/^Attempt 2 failed .* answered 500/),
			expect.stringMatching(/^Attempt 3 succeeded .* answered 200/),
		]);
		// The ingest token in the URL is as good as a password.
		expect(await page.content()).not.toContain('secret-token');
		await page.locator('#work').getByText('completed').first().waitFor();
		await page.locator('#credits').getByText('charge').waitFor();
	} finally {
		await receiver.close();
	}
});

it('adds and removes faults with nothing but the keyboard', async () => {
	const page = await open();
	await page.locator('select[name=fault]').focus();
	await page.keyboard.type('Answer 503');
	await page.keyboard.press('Tab');
	await page.keyboard.type('whoami');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await page.locator('#fault_1').waitFor();
	expect((await page.locator('#fault_1').innerText()).replace(/\s+/g, ' ')).toContain(
		'status 503 · retry_after_s 2 · when before · operation whoami · 1 time',
	);

	expect((await api('GET', '/api/v2/lead-lists')).status).toBe(200);
	expect((await api('GET', '/api/v2/whoami')).status).toBe(503);
	expect((await api('GET', '/api/v2/whoami')).status).toBe(200);
	await page.locator('#fault_1').getByText('1 so far').waitFor();
	await page.locator('#requests').getByText('fault: fault_1').waitFor();

	await page.getByRole('button', { name: 'Remove fault_1' }).focus();
	await page.keyboard.press('Enter');
	await page.getByText('None: everything goes well.').waitFor();
});

it('resets only when one is sure', async () => {
	await api('POST', '/api/v2/lead-lists', { name: 'To be gone' });
	const page = await open();
	await page.locator('#lists').getByText('To be gone').waitFor();
	const ask = page.getByRole('button', { name: 'Reset …' });

	await ask.click();
	await page.keyboard.press('Escape');
	await page.getByRole('dialog').waitFor({ state: 'hidden' });
	await ask.click();
	// What has the focus at first does no harm.
	await page.keyboard.press('Enter');
	await page.getByRole('dialog').waitFor({ state: 'hidden' });
	expect((await steered.send('GET', '/reference/state')).body.counts.lists).toBe(1);

	await ask.click();
	await page.getByRole('button', { name: 'Reset', exact: true }).click();
	await page.getByText('No lists yet.').waitFor();
	expect((await steered.send('GET', '/reference/state')).body.counts.lists).toBe(0);
});

it('says what the server refuses, and what to do', async () => {
	expected = /status of 409/;
	const page = await open();
	// As many as there can be.
	for (let n = 0; n < 100; n++) {
		await steered.send('POST', '/reference/faults', { body: { fault: { type: 'latency', ms: 1 } } });
	}
	await page.getByRole('button', { name: 'Add fault' }).click();
	await page.locator('#said').getByText('There are 100 faults already.').waitFor();
	expect(await page.locator('#said').innerText()).toContain('Delete some');
});

it('can be read with scripts off', async () => {
	await api('POST', '/api/v2/lead-lists', { name: 'Readable' });
	const page = await open({ javaScriptEnabled: false });
	expect(await page.locator('#lists').innerText()).toContain('Readable');
	await requests(page).first().locator('summary').click();
	expect(await requests(page).first().locator('pre').first().isVisible()).toBe(true);
	expect(await page.getByText('Scripts are off').isVisible()).toBe(true);
	// Buttons that would do nothing are not there.
	expect(await page.getByRole('button').count()).toBe(0);
});

it('tells when the server is gone', async () => {
	expected = /net::ERR_/;
	const other = await startSteered();
	const page = await open({}, other.baseUrl);
	await other.close();
	await page.getByText('Not live: the connection is gone').waitFor();
	await page.getByRole('button', { name: 'Freeze' }).click();
	await page.getByText('The reference API does not answer.').waitFor();
});

describe.each([{ width: 1280 }, { width: 800 }, { width: 360 }])('$width pixels wide', ({ width }) => {
	it.each(['light', 'dark'] as const)(
		'is readable in %s colours, with nothing out of sight',
		async (scheme) => {
			const long = `${'Überlang'.repeat(20)} ${'x'.repeat(120)}`;
			await api('POST', '/api/v2/lead-lists', { name: long });
			await api('GET', `/api/v2/lead-lists/${'y'.repeat(300)}`);
			await api('POST', '/api/v1/public/enrich/bulk', {
				contacts: [{ first_name: long, last_name: long, company_name: long }],
				webhook_url: `http://127.0.0.1:9/${'z'.repeat(200)}`,
			});
			await steered.send('POST', '/reference/faults', {
				body: { fault: { type: 'status', status: 500, message: 'w'.repeat(300) } },
			});
			const page = await open({ colorScheme: scheme, viewport: { width, height: 900 } });
			await page.evaluate(() => {
				for (const details of document.querySelectorAll('details')) details.open = true;
			});
			expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
			expect(await page.evaluate(unreadable)).toEqual([]);
		},
	);
});

/** In the page: texts whose contrast to what is behind them is below the 4.5 : 1 of WCAG AA. */
function unreadable(): string[] {
	type Rgba = [number, number, number, number];
	const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!;
	const rgba = (color: string): Rgba => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
		return [r!, g!, b!, a! / 255];
	};
	const luminance = ([r, g, b]: Rgba) => {
		const [x, y, z] = [r, g, b].map((one) => {
			const part = one / 255;
			return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
		});
		return 0.2126 * x! + 0.7152 * y! + 0.0722 * z!;
	};
	const ground = (element: Element | null): Rgba => {
		if (!element) return [255, 255, 255, 1];
		const own = rgba(getComputedStyle(element).backgroundColor);
		return own[3] > 0.99 ? own : ground(element.parentElement);
	};
	const found = new Set<string>();
	for (const element of document.querySelectorAll('body *')) {
		const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent!.trim());
		if (!hasText || !(element as HTMLElement).checkVisibility()) continue;
		const a = luminance(rgba(getComputedStyle(element).color));
		const b = luminance(ground(element));
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5) found.add(`${element.tagName}.${element.className} ${contrast.toFixed(2)}`);
	}
	return [...found];
}

describe('the description of the API', () => {
	it('is a page with every operation, reached from the inspector', async () => {
		const page = await open();
		await page.getByRole('link', { name: 'API', exact: true }).click();
		await page.getByRole('heading', { name: 'Cleanlist API, reference implementation' }).waitFor();
		await page.getByRole('link', { name: 'POST /enrichment/person' }).click();
		const section = page.locator('#enrich_person');
		expect(await section.innerText()).toContain('/api/v1/public/enrichment/person');
		expect(await section.innerText()).toContain('enrich:write');
		expect(await page.locator('main > section').count()).toBe(28 + 3 + 1);
	});

	it.each([1280, 360])('is readable at %d pixels', async (width) => {
		for (const colorScheme of ['light', 'dark'] as const) {
			const page = await open({ colorScheme, viewport: { width, height: 900 } });
			await page.goto(`${steered.baseUrl}/docs/`);
			expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
			expect(await page.evaluate(unreadable)).toEqual([]);
		}
	});
});
