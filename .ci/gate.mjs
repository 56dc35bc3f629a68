/**
 * The rules a community package must pass to be verified by n8n, run the way n8n's scanner runs them: over the
 * source, and over what is published. Inline eslint comments do not count. Fails on any error and any warning.
 *
 * The built files must be there (npm run build:nodes).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import {
	analyzePackage,
	buildScanConfig,
	SOURCE_FILE_PATTERNS,
} from '@n8n/scan-community-package/scanner/scanner.mjs';

/** What the scanner looks at in a published package. */
const PUBLISHED_FILE_PATTERNS = ['**/*.js', 'package.json'];
/** Everything a published package may hold. */
const PUBLISHED = [
	/^package\.json$/,
	/^(README|LICENSE)(\.md)?$/,
	/^dist\/index\.js$/,
	/^dist\/(nodes|credentials)\/.+\.js$/,
	/^dist\/nodes\/icons\/[a-z]+\.(light|dark)\.svg$/,
	/^dist\/nodes\/[A-Za-z]+\/[A-Za-z]+\.node\.json$/,
	/^dist\/nodes\/.+\/__schema__\/.+\.json$/,
];

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(path.join(tmpdir(), 'n8n-gate-'));
let failed = false;
try {
	await check('source', root, SOURCE_FILE_PATTERNS);
	const published = unpack();
	await check('package', published.folder, PUBLISHED_FILE_PATTERNS);
	checkContents(published.files, published.folder);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;

async function check(what, directory, patterns) {
	// n8n's own verdict, which knows errors only …
	const verdict = await analyzePackage(directory, patterns);
	// … and the same rules once more for the warnings it keeps to itself.
	const eslint = new ESLint({
		cwd: directory,
		allowInlineConfig: false,
		overrideConfigFile: true,
		overrideConfig: await buildScanConfig(),
	});
	const results = await eslint.lintFiles(patterns);
	const sum = (count) => results.reduce((total, result) => total + result[count], 0);
	const errors = sum('errorCount');
	const warnings = sum('warningCount');
	console.log(`gate: ${what}: ${results.length} files, ${errors} errors, ${warnings} warnings`);
	if (verdict.passed && errors === 0 && warnings === 0) return;
	failed = true;
	const formatter = await eslint.loadFormatter('stylish');
	console.error(verdict.passed ? '' : `n8n's scanner: ${verdict.message}`);
	console.error(await formatter.format(results));
}

/** Packs what would be published and unpacks it. */
function unpack() {
	const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
	const answer = execFileSync(
		'npm',
		['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', folder],
		options,
	);
	const [{ filename, files }] = JSON.parse(answer);
	const unpacked = path.join(folder, 'package');
	mkdirSync(unpacked);
	execFileSync('tar', ['-xzf', path.join(folder, filename), '-C', unpacked, '--strip-components=1']);
	return { folder: unpacked, files: files.map((file) => file.path) };
}

/** Nothing is published by accident, and nothing that n8n will look for is missing. */
function checkContents(files, directory) {
	const junk = files.filter((file) => !PUBLISHED.some((pattern) => pattern.test(file)));
	const manifest = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'));
	const nodes = manifest.n8n.nodes;
	const wanted = [
		manifest.main,
		...nodes,
		...manifest.n8n.credentials,
		...nodes.map((node) => node.replace(/\.js$/, '.json')),
		...['cleanlist', 'relay'].flatMap((name) => [
			`dist/nodes/icons/${name}.light.svg`,
			`dist/nodes/icons/${name}.dark.svg`,
		]),
		...nodes.map((node) => path.join(path.dirname(node), '__schema__')),
	];
	const missing = wanted.filter((file) => !existsSync(path.join(directory, file)));
	console.log(`gate: contents: ${files.length} files, ${junk.length} too many, ${missing.length} missing`);
	for (const file of junk) console.error(`  should not be published: ${file}`);
	for (const file of missing) console.error(`  missing: ${file}`);
	if (junk.length > 0 || missing.length > 0) failed = true;
}
