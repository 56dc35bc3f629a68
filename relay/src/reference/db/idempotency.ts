import type { DatabaseSync } from 'node:sqlite';

const ANSWER = `
	SELECT answer FROM idempotent_answers
	WHERE organization_id = :organizationId AND operation = :operation AND key = :key AND created_at > :after`;

const REMEMBER = `
	INSERT OR REPLACE INTO idempotent_answers (organization_id, operation, key, answer, created_at)
	VALUES (:organizationId, :operation, :key, :answer, :createdAt)`;

const PRUNE = `
	DELETE FROM idempotent_answers WHERE rowid IN
		(SELECT rowid FROM idempotent_answers WHERE created_at <= :before ORDER BY created_at LIMIT :limit)`;

export interface IdempotencyKey {
	organizationId: string;
	operation: string;
	key: string;
}

export function idempotencyQueries(db: DatabaseSync) {
	const answer = db.prepare(ANSWER);
	const remember = db.prepare(REMEMBER);
	const prune = db.prepare(PRUNE);

	return {
		/** The answer given under this key after that time, as it was written down. */
		answer: (key: IdempotencyKey, after: number) =>
			(answer.get({ ...key, after }) as { answer: string } | undefined)?.answer,
		remember(row: IdempotencyKey & { answer: string; createdAt: number }): void {
			remember.run({ ...row });
		},
		prune(before: number, limit: number): void {
			prune.run({ before, limit });
		},
	};
}
