import type { DatabaseSync } from 'node:sqlite';
import type { CompanyQuery } from '../domain/company.ts';

const REMEMBER = `
	INSERT INTO companies (company_id, query) VALUES (:companyId, :query) ON CONFLICT (company_id) DO NOTHING`;

const QUERY = 'SELECT query FROM companies WHERE company_id = ?';

/** Which question a company's id answers, so that the id alone can ask it again. */
export function companyQueries(db: DatabaseSync) {
	const remember = db.prepare(REMEMBER);
	const query = db.prepare(QUERY);

	return {
		remember(companyId: string, asked: CompanyQuery): void {
			remember.run({ companyId, query: JSON.stringify(asked) });
		},
		queryOf(companyId: string): CompanyQuery | null {
			const row = query.get(companyId) as { query: string } | undefined;
			return row ? (JSON.parse(row.query) as CompanyQuery) : null;
		},
	};
}
