import type { DatabaseSync } from 'node:sqlite';

const LEADS = `
	SELECT m.position, d.lead_id, d.first_name, d.last_name, d.email, d.title, d.company, d.company_domain AS domain,
		d.linkedin_url, d.phone, d.location, d.provider
	FROM list_leads m JOIN leads d USING (lead_id)
	WHERE m.list_id = :listId AND m.position > :after ORDER BY m.position LIMIT :limit`;

const LAST = 'SELECT max(position) AS position FROM list_leads WHERE list_id = ?';

const INSERT = `
	INSERT INTO export_files (file_id, organization_id, list_id, content, expires_at)
	VALUES (:fileId, :organizationId, :listId, :content, :expiresAt)`;

const FILE = 'SELECT list_id AS listId, content FROM export_files WHERE file_id = ?';

const PRUNE = `
	DELETE FROM export_files WHERE file_id IN
		(SELECT file_id FROM export_files WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit)`;

const SECRET = 'SELECT secret FROM link_secrets LIMIT 1';
const INSERT_SECRET = 'INSERT INTO link_secrets (secret) VALUES (?)';

/** A lead by the names that exports give its columns. */
export interface ExportedLead {
	position: number;
	lead_id: string;
	first_name: string | null;
	last_name: string | null;
	email: string | null;
	title: string | null;
	company: string | null;
	domain: string | null;
	linkedin_url: string | null;
	phone: string | null;
	location: string | null;
	provider: string | null;
}

export function exportQueries(db: DatabaseSync) {
	const leads = db.prepare(LEADS);
	const last = db.prepare(LAST);
	const insert = db.prepare(INSERT);
	const file = db.prepare(FILE);
	const prune = db.prepare(PRUNE);
	const secret = db.prepare(SECRET);
	const insertSecret = db.prepare(INSERT_SECRET);

	return {
		/** In order of attachment, those attached after `after` (a `position`). */
		leads: (listId: string, after: number, limit: number) =>
			leads.all({ listId, after, limit }) as unknown as ExportedLead[],
		/** Where the list ends now; 0 for an empty one. */
		lastPosition: (listId: string) => (last.get(listId) as { position: number | null }).position ?? 0,
		insert(row: {
			fileId: string;
			organizationId: string;
			listId: string;
			content: Buffer;
			/** Ms since the epoch. */
			expiresAt: number;
		}): void {
			insert.run(row);
		},
		file: (fileId: string) => file.get(fileId) as { listId: string; content: Uint8Array } | undefined,
		/** Deletes at most `limit` files whose links have expired. */
		prune(now: number, limit: number): void {
			prune.run({ now, limit });
		},
		secret: () => (secret.get() as { secret: Uint8Array } | undefined)?.secret,
		insertSecret(value: Buffer): void {
			insertSecret.run(value);
		},
	};
}
