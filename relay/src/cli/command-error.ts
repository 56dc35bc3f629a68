/** A command can't do what it was asked for. The message is one sentence that says what to do. */
export class CommandError extends Error {
	override readonly name = 'CommandError';
}
