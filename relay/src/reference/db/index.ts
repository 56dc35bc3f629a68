import { openSqlite } from '../../sqlite/open.ts';
import { accountQueries } from './accounts.ts';
import { cohortQueries } from './cohorts.ts';
import { companyQueries } from './companies.ts';
import { enrichmentRunQueries } from './enrichment-runs.ts';
import { exportQueries } from './exports.ts';
import { folderQueries } from './folders.ts';
import { idempotencyQueries } from './idempotency.ts';
import { inspectorQueries } from './inspector.ts';
import { keyQueries } from './keys.ts';
import { leadListQueries } from './lead-lists.ts';
import { leftoverQueries } from './leftovers.ts';
import { listLeadQueries } from './list-leads.ts';
import { ledgerQueries } from './ledger.ts';
import { quoteQueries } from './quotes.ts';
import { smartAgentQueries } from './smart-agents.ts';
import { requestLogQueries } from './request-log.ts';
import { MIGRATIONS } from './schema.ts';
import { sharingQueries } from './sharing.ts';
import { snapshotQueries } from './snapshots.ts';
import { steeringQueries } from './steering.ts';
import { webhookQueries } from './webhooks.ts';
import { workflowQueries } from './workflows.ts';

export type Database = ReturnType<typeof openDatabase>;

/** @param path a SQLite file, or `:memory:` */
export function openDatabase(path: string) {
	const db = openSqlite(path, MIGRATIONS, 'CLrf');
	return {
		accounts: accountQueries(db),
		keys: keyQueries(db),
		ledger: ledgerQueries(db),
		lists: leadListQueries(db),
		folders: folderQueries(db),
		sharing: sharingQueries(db),
		listLeads: listLeadQueries(db),
		leftovers: leftoverQueries(db),
		idempotency: idempotencyQueries(db),
		cohorts: cohortQueries(db),
		quotes: quoteQueries(db),
		requestLog: requestLogQueries(db),
		runs: enrichmentRunQueries(db),
		companies: companyQueries(db),
		agents: smartAgentQueries(db),
		exports: exportQueries(db),
		workflows: workflowQueries(db),
		webhooks: webhookQueries(db),
		steering: steeringQueries(db),
		snapshots: snapshotQueries(db),
		inspector: inspectorQueries(db),

		/**
		 * Runs `work` in one transaction: all of it is on disk when this returns, or none of it. Inside another
		 * transaction it becomes a part of that one.
		 */
		transaction<T>(work: () => T): T {
			if (db.isTransaction) return work();
			db.exec('BEGIN IMMEDIATE');
			try {
				const result = work();
				db.exec('COMMIT');
				return result;
			} catch (error) {
				// A full disk makes SQLite roll back on its own; a second ROLLBACK would hide the first error.
				if (db.isTransaction) db.exec('ROLLBACK');
				throw error;
			}
		},
		close: () => db.close(),
	};
}
