import type { Source, Store } from '../../relay/src/store/port.ts';
import { withKnownSources } from '../../relay/src/store/known-sources.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestClock } from '../support/test-clock.ts';

const hash = Buffer.alloc(32, 1);
const source: Source = { id: 'default', name: 'Cleanlist', tokenHash: hash, createdAt: 0 };

describe('known sources', () => {
	let inner: Store;
	let clock: TestClock;
	let store: Store;
	let asked: number;

	beforeEach(async () => {
		const opened = await openSqliteStore({ path: ':memory:' });
		asked = 0;
		inner = {
			...opened,
			findSourceByTokenHash: (of) => {
				asked++;
				return opened.findSourceByTokenHash(of);
			},
		};
		clock = createTestClock();
		store = withKnownSources(inner, clock);
		await store.putSource(source);
	});
	afterEach(() => inner.close());

	const find = () => store.findSourceByTokenHash(hash);

	it('asks the database once a second, however many webhooks come', async () => {
		for (let n = 0; n < 10; n++) expect(await find()).toEqual(source);
		expect(asked).toBe(1);
		await clock.advance(1_000);
		expect(await find()).toEqual(source);
		expect(asked).toBe(2);
	});

	it('sees a change made here at once', async () => {
		await find();
		await store.putSource({ ...source, tokenHash: Buffer.alloc(32, 2) });
		expect(await find()).toBeNull();
	});

	it('sees a change made by another process within a second', async () => {
		await find();
		await inner.putSource({ ...source, tokenHash: Buffer.alloc(32, 2) });
		await clock.advance(1_000);
		expect(await find()).toBeNull();
	});

	it('does not remember what was read before a change and answered after it', async () => {
		let answer = () => {};
		const held = new Promise<void>((resolve) => (answer = resolve));
		const slow = withKnownSources(
			{
				...inner,
				async findSourceByTokenHash(of) {
					const found = await inner.findSourceByTokenHash(of);
					if (asked === 1) await held;
					return found;
				},
			},
			clock,
		);
		const early = slow.findSourceByTokenHash(hash);
		await slow.putSource({ ...source, name: 'Renamed' });
		answer();
		expect((await early)?.name).toBe('Cleanlist');
		expect((await slow.findSourceByTokenHash(hash))?.name).toBe('Renamed');
	});

	it('does not remember that there is none', async () => {
		const later = Buffer.alloc(32, 3);
		expect(await store.findSourceByTokenHash(later)).toBeNull();
		await inner.putSource({ ...source, id: 'two', tokenHash: later });
		expect((await store.findSourceByTokenHash(later))?.id).toBe('two');
	});
});
