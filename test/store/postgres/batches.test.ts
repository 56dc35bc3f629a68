import { createBatches } from '../../../relay/src/store/postgres/batches.ts';

/** A batch under way, and how to end it. */
interface UnderWay {
	items: string[];
	end: () => void;
}

const MAX_BYTES = 1_000;

let underWay: UnderWay[];
let batches: ReturnType<typeof createBatches<string, string>>;
beforeEach(() => {
	underWay = [];
	batches = createBatches<string, string>({
		run: (items) =>
			new Promise((resolve) => {
				const one = {
					items,
					end: () => {
						underWay.splice(underWay.indexOf(one), 1);
						resolve(items);
					},
				};
				underWay.push(one);
			}),
		splits: () => false,
		tooLong: () => false,
		maxItems: 10,
		maxBytes: MAX_BYTES,
		maxQueuedBytes: 10 * MAX_BYTES,
		lanes: 2,
		besides: 3,
		bytes: (item) => item.length,
		conflict: (item) => item,
	});
});

let added = 0;
/** Adds so many, each of so many bytes, and lets begin what may. */
async function add(count: number, bytes = 8): Promise<void> {
	for (let n = 0; n < count; n++) void batches.add(String(added++).padStart(bytes, '0'));
	await new Promise((resolve) => setImmediate(resolve));
}
/** Lets what follows upon an answer happen. */
const answered = () => new Promise((resolve) => setTimeout(resolve));
const sizes = () => underWay.map(({ items }) => items.length);

test('a batch begins at once when none is under way, beside another only with enough in it', async () => {
	await add(1);
	expect(sizes()).toEqual([1]);
	await add(2);
	expect(sizes()).toEqual([1]);
	await add(1);
	expect(sizes()).toEqual([1, 3]);
	// No more than there are lanes, whatever waits.
	await add(20);
	expect(sizes()).toEqual([1, 3]);
	underWay[1]!.end();
	await answered();
	expect(sizes()).toEqual([1, 10]);
});

test('what is too few to begin beside another begins when that ends', async () => {
	await add(3);
	await add(2);
	expect(sizes()).toEqual([3]);
	underWay[0]!.end();
	await answered();
	expect(sizes()).toEqual([2]);
	underWay[0]!.end();
	await batches.drained();
	expect(sizes()).toEqual([]);
});

test('large ones begin beside another when they would fill a batch, however few they are', async () => {
	await add(1);
	await add(1, MAX_BYTES - 1);
	expect(sizes()).toEqual([1]);
	await add(1, 2);
	expect(sizes()).toEqual([1, 1]);
});
