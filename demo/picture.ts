import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { widthOf } from './table.ts';

/**
 * Makes the README's picture: runs the demo and draws what it printed. Renew it with `npm run demo:picture`
 * whenever the demo's output changes.
 */
const TARGET = resolve(import.meta.dirname, '../docs/images/demo.svg');

const CELL = { width: 8.4, height: 19 };
const FONT_SIZE = 14;
const PADDING = 20;
const TITLE_BAR = 34;
const COLOURS = {
	background: '#16181d',
	bar: '#23262e',
	text: '#d7dae0',
	title: '#8b919e',
	dots: ['#ff5f57', '#febc2e', '#28c840'],
};
/** By SGR code: what it does to the text that follows. */
const STYLES: Record<string, Partial<Style>> = {
	'1': { weight: 'bold' },
	'2': { opacity: 0.55 },
	'22': { weight: 'normal', opacity: 1 },
	'31': { fill: '#ff7b72' },
	'32': { fill: '#7ee787' },
	'33': { fill: '#e3b341' },
	'36': { fill: '#76e3ea' },
	'39': { fill: COLOURS.text },
};

interface Style {
	fill: string;
	weight: 'normal' | 'bold';
	opacity: number;
}

const demo = spawnSync(process.execPath, [resolve(import.meta.dirname, 'run.ts')], {
	cwd: resolve(import.meta.dirname, '..'),
	encoding: 'utf8',
	env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: '1' },
	stdio: ['ignore', 'pipe', 'inherit'],
});
if (demo.status !== 0) {
	process.stderr.write(`The demo ended with ${demo.status}, so there is no picture to make.\n`);
	process.exitCode = 1;
} else {
	mkdirSync(dirname(TARGET), { recursive: true });
	writeFileSync(TARGET, draw(`$ npm run demo\n${demo.stdout.trimEnd()}`));
	process.stdout.write(`${relative(process.cwd(), TARGET)} is renewed\n`);
}

/** Terminal text with SGR colours as an SVG of a terminal window. */
function draw(output: string): string {
	const lines = output.split('\n');
	const columns = Math.max(...lines.map((line) => widthOf(stripVTControlCharacters(line))));
	const width = Math.ceil(columns * CELL.width + 2 * PADDING);
	const height = Math.ceil(lines.length * CELL.height + 2 * PADDING + TITLE_BAR);
	const dots = COLOURS.dots.map(
		(fill, index) => `<circle cx="${PADDING + 4 + index * 20}" cy="${TITLE_BAR / 2}" r="6" fill="${fill}"/>`,
	);
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The output of npm run demo">`,
		`<rect width="${width}" height="${height}" rx="10" fill="${COLOURS.background}"/>`,
		`<path d="M0 ${TITLE_BAR}V10A10 10 0 0 1 10 0H${width - 10}A10 10 0 0 1 ${width} 10V${TITLE_BAR}Z" fill="${COLOURS.bar}"/>`,
		...dots,
		`<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}" fill="${COLOURS.text}" xml:space="preserve">`,
		...lines.flatMap((line, row) => drawLine(line, TITLE_BAR + PADDING + row * CELL.height + FONT_SIZE)),
		'</g>',
		'</svg>',
		'',
	].join('\n');
}

/** Each run of words gets its own place and length, so that columns line up in any font. */
function drawLine(line: string, y: number): string[] {
	const drawn: string[] = [];
	let column = 0;
	let style: Style = { fill: COLOURS.text, weight: 'normal', opacity: 1 };
	// eslint-disable-next-line no-control-regex -- terminal colours begin with the control character ESC
	for (const part of line.split(/\x1b\[([\d;]*)m/).entries()) {
		const [index, text] = part;
		if (index % 2 === 1) {
			for (const code of text.split(';')) style = { ...style, ...STYLES[code] };
			continue;
		}
		for (const words of text.split(/( {2,})/)) {
			const columns = widthOf(words);
			if (words.trim() !== '')
				drawn.push(drawWords(words, { x: PADDING + column * CELL.width, y, columns, style }));
			column += columns;
		}
	}
	return drawn;
}

function drawWords(words: string, at: { x: number; y: number; columns: number; style: Style }): string {
	const indent = words.length - words.trimStart().length;
	const text = words.trim();
	const { fill, weight, opacity } = at.style;
	const attributes = [
		`x="${round(at.x + indent * CELL.width)}"`,
		`y="${round(at.y)}"`,
		`textLength="${round(widthOf(text) * CELL.width)}"`,
		'lengthAdjust="spacingAndGlyphs"',
		fill === COLOURS.text ? '' : `fill="${fill}"`,
		weight === 'bold' ? 'font-weight="bold"' : '',
		opacity === 1 ? '' : `opacity="${opacity}"`,
	];
	return `<text ${attributes.filter(Boolean).join(' ')}>${escapeXml(text)}</text>`;
}

function round(value: number): number {
	return Math.round(value * 10) / 10;
}

function escapeXml(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
