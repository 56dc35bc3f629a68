import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '../..');
const RELAY = join(ROOT, 'relay');
const BIN = join(ROOT, 'node_modules/.bin');

const runFile = promisify(execFile);
/** @throws with all of the output when it fails */
const run = async (command: string, args: string[], cwd: string, env: Record<string, string> = {}) => {
	try {
		return await runFile(command, args, { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 });
	} catch (error) {
		const { stdout, stderr } = error as { stdout: string; stderr: string };
		throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
	}
};

/** A project with nothing in it but the package, as npm publishes it, and the dependencies that it declares. */
let project: string;
let installed: string;
let manifest: { exports: object; bin: Record<string, string>; dependencies: Record<string, string> };

beforeAll(async () => {
	project = await realpath(await mkdtemp(join(tmpdir(), 'relay-package-')));
	await run('npm', ['run', '--silent', 'build'], RELAY);
	const packed = await run(
		'npm',
		['pack', '--ignore-scripts', '--json', '--pack-destination', project],
		RELAY,
	);
	const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
	await run('tar', ['-xzf', filename], project);
	const modules = join(project, 'node_modules');
	installed = join(modules, 'cleanlist-relay');
	await mkdir(modules);
	// A copy and no link: links would let it find what lies beside this repository.
	await cp(join(project, 'package'), installed, { recursive: true });
	manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
	const fromRelay = createRequire(join(RELAY, 'package.json'));
	for (const name of [...Object.keys(manifest.dependencies), '@types/node', '@types/jest']) {
		const at = fromRelay.resolve.paths(name)!.map((folder) => join(folder, name));
		const folder = (await Promise.all(at.map((path) => realpath(path).catch(() => null)))).find(Boolean);
		await mkdir(dirname(join(modules, name)), { recursive: true });
		await symlink(folder!, join(modules, name), 'junction');
	}
	await writeFile(join(project, 'package.json'), '{ "type": "module" }');
}, 180_000);
afterAll(() => rm(project, { recursive: true, force: true }));

/** The example of docs/reference-api.md, to the letter. */
const example = async () => {
	const docs = await readFile(join(ROOT, 'docs/reference-api.md'), 'utf8');
	return /```ts\n(import \{ createReferenceApi \}[^]*?)```/.exec(docs)![1]!;
};

it('runs the documented example in Jest, as documented', async () => {
	await writeFile(join(project, 'example.test.js'), stripTypeScriptTypes(await example()));
	await writeFile(
		join(project, 'jest.config.js'),
		'export default { testEnvironment: "node", transform: {} };',
	);
	const jest = createRequire(join(ROOT, 'package.json')).resolve('jest/bin/jest');
	const { stderr } = await run(process.execPath, [jest, '--rootDir', project], project, {
		NODE_OPTIONS: '--experimental-vm-modules',
	});
	expect(stderr).toMatch(/Tests: +2 passed, 2 total/);
}, 60_000);

it('has the types that the example asks for, and they are no `any`', async () => {
	await writeFile(join(project, 'example.test.ts'), await example());
	await writeFile(
		join(project, 'wrong.ts'),
		`import { createReferenceApi } from 'cleanlist-relay/reference';
		const api = await createReferenceApi({ frozenAt: 0 });
		// @ts-expect-error: neither milliseconds nor an instant
		await api.control.advance('soon');`,
	);
	const options = [
		'--noEmit',
		'--strict',
		'--module',
		'nodenext',
		'--target',
		'es2024',
		'--types',
		'node,jest',
	];
	await run(join(BIN, 'tsc'), [...options, 'example.test.ts', 'wrong.ts'], project);
}, 120_000);

it('runs alone, with its pages', async () => {
	const running = spawn(
		process.execPath,
		[join(installed, manifest.bin['cleanlist-relay']!), 'reference', '--port', '0'],
		{
			cwd: project,
			stdio: ['ignore', 'pipe', 'inherit'],
		},
	);
	const ended = once(running, 'exit');
	try {
		const [line] = (await once(running.stdout, 'data')) as [Buffer];
		const { url, keys } = JSON.parse(line.toString()) as { url: string; keys: { admin: string } };
		const answer = async (path: string) => {
			const response = await fetch(url + path, { headers: { authorization: `Bearer ${keys.admin}` } });
			return [response.status, response.headers.get('content-type')?.split(';')[0]];
		};
		expect(await answer('/api/v2/whoami')).toEqual([200, 'application/json']);
		for (const page of ['/reference', '/docs']) {
			expect(await answer(page)).toEqual([200, 'text/html']);
			const html = await (await fetch(url + page)).text();
			for (const [, file] of html.matchAll(/(?:src|href)="(\/[^"#]+\.(?:css|js))"/g)) {
				expect([file, ...(await answer(file!))]).toEqual([
					file,
					200,
					expect.stringMatching(/css|javascript/),
				]);
			}
		}
	} finally {
		running.kill();
		await ended;
	}
	expect(running.exitCode).toBe(0);
});

it('publishes its program and its types, and nothing else', async () => {
	const { stdout } = await run('tar', ['-tzf', `cleanlist-relay-${await version()}.tgz`], project);
	const files = stdout
		.trim()
		.split('\n')
		.map((path) => path.replace(/^package\//, ''));
	expect(
		files.filter((file) => !/^(dist\/.*\.(js|d\.ts|css)|LICENSE|README\.md|package\.json)$/.test(file)),
	).toEqual([]);
	expect(files.filter((file) => /bench|test\//.test(file))).toEqual([]);
	expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
});

it('has a README with true names, defaults, commands and links', async () => {
	const readme = await readFile(join(installed, 'README.md'), 'utf8');
	const { stdout: help } = await run(
		process.execPath,
		[join(installed, manifest.bin['cleanlist-relay']!), '--help'],
		project,
	);
	const settings = [...readme.matchAll(/^\| `([A-Z_]+)` +\| (.*?) +\|/gm)];
	expect(settings.length).toBeGreaterThan(3);
	for (const [, name, value] of settings) {
		const line = help.split('\n').find((one) => one.trim().startsWith(`${name} `));
		expect(`${name}: ${line}`).toContain(`[${value!.replaceAll('`', '')}]`);
	}
	for (const [, command] of readme.matchAll(/`(doctor|backup|reference)`/g)) {
		expect(help).toMatch(new RegExp(`^  ${command} `, 'm'));
	}
	const pages = [...readme.matchAll(/n8n-nodes-cleanlist\/blob\/main\/([^)]+)\)/g)];
	expect(pages.length).toBeGreaterThan(3);
	for (const [, page] of pages) await expect(readFile(join(ROOT, page!), 'utf8')).resolves.toMatch(/^# /);
});

const version = async () =>
	(JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as { version: string }).version;
