import type { DatabaseSync } from 'node:sqlite';

const INSERT = `
	INSERT INTO folders (folder_id, owner_id, name, created_at) VALUES (:folderId, :ownerId, :name, :createdAt)`;

const BY_NAME = 'SELECT folder_id AS folderId FROM folders WHERE owner_id = ? AND name = ?';

const OWNED = 'SELECT 1 AS found FROM folders WHERE folder_id = ? AND owner_id = ?';

export function folderQueries(db: DatabaseSync) {
	const insert = db.prepare(INSERT);
	const byName = db.prepare(BY_NAME);
	const owned = db.prepare(OWNED);

	return {
		insert(row: { folderId: string; ownerId: string; name: string; createdAt: number }): void {
			insert.run(row);
		},
		idByName: (ownerId: string, name: string) =>
			(byName.get(ownerId, name) as { folderId: string } | undefined)?.folderId ?? null,
		isOwned: (folderId: string, userId: string): boolean => owned.get(folderId, userId) !== undefined,
	};
}
