import type { Store } from '../../relay/src/store/port.ts';
import type { Engine } from './conformance/fixtures.ts';

/** Where the stores of one test keep their data. */
export interface DataPlace {
	openStore(): Promise<Store>;
	/** Leaves nothing behind, once every store on it is closed. */
	clear(): Promise<unknown>;
}

/** An engine whose stores are opened on a place of their own for each test. */
export const engineOn = (name: string, makePlace: () => Promise<DataPlace>): Engine => ({
	name,
	async open() {
		const { openStore, clear } = await makePlace();
		const opened: Store[] = [];
		const open = async () => {
			const store = await openStore();
			opened.push(store);
			return store;
		};
		let store = await open();
		return {
			store,
			another: open,
			async reopen() {
				await store.close();
				store = await open();
				return store;
			},
			async remove() {
				for (const each of opened) await each.close();
				await clear();
			},
		};
	},
});
