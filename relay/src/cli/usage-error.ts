/** What somebody typed can't be done. The message is one sentence that says why, or what to type instead. */
export class UsageError extends Error {
	override readonly name = 'UsageError';
}
