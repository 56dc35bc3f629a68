import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { withOperationsTable } from './support/operations-table.ts';

const file = resolve(__dirname, '../../docs/nodes.md');

it('the documented operations are those of the node (npm run docs:nodes writes them)', () => {
	const page = readFileSync(file, 'utf8');
	const current = withOperationsTable(page);
	if (process.env.WRITE_DOCS === '1') writeFileSync(file, current);
	else expect(page).toBe(current);
});

it('a page without a place for them is not touched', () => {
	expect(() => withOperationsTable('# Nodes')).toThrow('no place');
});
