import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const FLAGS = [
	'--headless',
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

/** The machine's own Chromium. */
export const startChromium = (): Promise<Browser> =>
	chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
