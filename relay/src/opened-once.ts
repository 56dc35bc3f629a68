/** Something that is opened when it is first asked for, and once. */
export interface OpenedOnce<T> {
	/** Opens it, or gives what is open. After it failed, the next who asks tries again. @throws as `open` does */
	get(): Promise<T>;
	/** What is open or is just being opened; null when nobody has asked, or when that failed. */
	current(): Promise<T | null>;
}

export function openedOnce<T>(open: () => Promise<T>): OpenedOnce<T> {
	let opened: Promise<T> | null = null;
	return {
		get: () =>
			(opened ??= open().catch((error: unknown) => {
				opened = null;
				throw error;
			})),
		current: async () => (await opened?.catch(() => null)) ?? null,
	};
}
