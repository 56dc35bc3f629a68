import { metered } from '../../relay/src/store/metered.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import type { Store } from '../../relay/src/store/port.ts';

const failing = (error: StoreError) => {
	const seen: string[] = [];
	const store = metered(
		{
			listTokens: () => Promise.reject(error),
			ingest: () => Promise.reject(error),
			onDue: () => () => undefined,
		} as Partial<Store> as Store,
		{
			ingested: () => seen.push('ingested'),
			ingestFailed: () => seen.push('ingest failed'),
			storeFailed: (code) => seen.push(code),
		},
	);
	return { store, seen };
};

test('what the store fails is counted by its code, once, and passed on', async () => {
	const error = new StoreError('full', 'told by the disk');
	const { store, seen } = failing(error);
	await expect(store.listTokens()).rejects.toBe(error);
	expect(seen).toEqual(['full']);
	await expect(store.ingest({} as never)).rejects.toBe(error);
	expect(seen).toEqual(['full', 'full', 'ingest failed']);
});

test('a conflict is an answer, and no failure of the store', async () => {
	const { store, seen } = failing(new StoreError('conflict', 'there is one'));
	await expect(store.listTokens()).rejects.toThrow('there is one');
	expect(seen).toEqual([]);
});

test('what answers at once goes on doing so', () => {
	const { store } = failing(new StoreError('failed', ''));
	expect(store.onDue(() => undefined)).toEqual(expect.any(Function));
});
