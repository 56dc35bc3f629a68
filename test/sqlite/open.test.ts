import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Readable, Writable } from 'node:stream';
import { openSqlite as openAny } from '../../relay/src/sqlite/open.ts';
import { SLOW_MIGRATIONS } from './opener.ts';

const openSqlite = (path: string, migrations: readonly string[]) => openAny(path, migrations, 'CLrl');
const OPENER = resolve(import.meta.dirname, 'opener.ts');

describe('opening a SQLite file', () => {
	let folder: string;
	let path: string;
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), 'sqlite-open-'));
		path = join(folder, 'x.sqlite');
	});
	afterEach(() => rmSync(folder, { recursive: true }));

	const versionOf = (db: DatabaseSync) => db.prepare('PRAGMA user_version').get();
	const tablesOf = (db: DatabaseSync) =>
		db
			.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
			.all()
			.map(({ name }) => name);

	it('applies what was not applied yet, once, and keeps what is there', () => {
		const first = openSqlite(path, ['CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a VALUES (1)']);
		first.close();
		const migrations = [
			'CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a VALUES (1)',
			'CREATE TABLE b (n INTEGER) STRICT; INSERT INTO b SELECT n + 1 FROM a',
			'ALTER TABLE b ADD COLUMN m INTEGER',
		];
		for (let time = 0; time < 2; time++) {
			const db = openSqlite(path, migrations);
			expect(versionOf(db)).toEqual({ user_version: 3 });
			expect(db.prepare('SELECT a.n AS a, b.n AS b, m FROM a, b').all()).toEqual([{ a: 1, b: 2, m: null }]);
			db.close();
		}
	});

	it('applies all or nothing', () => {
		openSqlite(path, ['CREATE TABLE a (n INTEGER) STRICT']).close();
		const half = [
			'',
			'CREATE TABLE b (n INTEGER) STRICT; INSERT INTO b VALUES (1)',
			'CREATE TABLE a (n INTEGER)',
		];
		expect(() => openSqlite(path, half)).toThrow(/table a already exists/);
		const db = new DatabaseSync(path);
		expect(versionOf(db)).toEqual({ user_version: 1 });
		expect(tablesOf(db)).toEqual(['a']);
		db.close();
		// Nothing is left in the way of the mended program.
		openSqlite(path, [...half.slice(0, 2), 'CREATE TABLE c (n INTEGER) STRICT']).close();
	});

	it('leaves a file of a later version as it is, byte for byte, and says what to do', () => {
		const later = openSqlite(path, [
			'CREATE TABLE a (n INTEGER) STRICT',
			'CREATE TABLE b (n INTEGER) STRICT',
		]);
		// As a backup is, which is no file in WAL mode.
		later.exec('PRAGMA journal_mode = DELETE');
		later.close();
		const before = readFileSync(path);
		expect(() => openSqlite(path, ['CREATE TABLE a (n INTEGER) STRICT'])).toThrow(
			"The database is at version 2, newer than this program's 1. Run the newer program, or restore a backup made before the upgrade.",
		);
		expect(readFileSync(path).equals(before)).toBe(true);
		expect(readdirSync(folder)).toEqual(['x.sqlite']);
	});

	it('refuses a file that is no database, and leaves it as it is', () => {
		const text = 'name,email\n'.repeat(500);
		writeFileSync(path, text);
		expect(() => openSqlite(path, SLOW_MIGRATIONS)).toThrow(/not a database/);
		expect(readFileSync(path, 'utf8')).toBe(text);
	});

	// Without a wait for the switch to WAL, one process in thirty ended with "database is locked".
	it.each([1, 2, 3, 4])(
		'is migrated once by processes that open it at the same moment, time %i',
		async () => {
			const openers = Array.from({ length: 8 }, () =>
				spawn(process.execPath, [OPENER, path], { stdio: ['pipe', 'pipe', 'inherit'] }),
			);
			await Promise.all(openers.map((opener) => said(opener, 'ready')));
			const answers = openers.map((opener) => said(opener, 'migrated'));
			for (const opener of openers) opener.stdin.end();
			expect(await Promise.all(answers)).toEqual(openers.map(() => '1 migrated'));
			const db = openSqlite(path, SLOW_MIGRATIONS);
			expect(db.prepare('SELECT count(*) AS n, max(n) AS most FROM two').get()).toEqual({
				n: 50_000,
				most: 50_000,
			});
			db.close();
		},
	);
});

/** The line with this word. Rejects when the process ends without it. */
function said(opener: ChildProcessByStdio<Writable, Readable, null>, word: string): Promise<string> {
	return new Promise((found, failed) => {
		opener.stdout.on('data', (data: Buffer) => {
			const line = data
				.toString()
				.split('\n')
				.find((text) => text.includes(word));
			if (line !== undefined) found(line);
		});
		opener.on('exit', (code) =>
			failed(new Error(`The process ended with ${code} and never said "${word}".`)),
		);
	});
}
