import { anEvent, quarantinedEvent, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

const aVariant = (n: number, keyId: number | null = null) => ({
	hash: Buffer.from(`hash ${n}`),
	body: Buffer.from(`variant ${n}`),
	keyId,
	contentType: 'text/plain',
	bytes: 100 + n,
	receivedAt: T0 + n,
});

export function bodyConformance(engine: Engine): void {
	describe('variants of an event', () => {
		const t = useStore(engine);

		it('are kept beside its own body, oldest first, and never delivered', async () => {
			await t.subscribe();
			const event = await t.ingest();
			await t.store.recordVariant(event.id, aVariant(2, 5));
			await t.store.recordVariant(event.id, aVariant(1));
			expect(await t.store.listVariants(event.id)).toEqual([aVariant(2, 5), aVariant(1)]);
			expect((await t.store.getEvent(event.id))?.variants).toBe(2);
			expect((await t.claimOne()).body).toEqual(event.body);
			expect(await t.store.listVariants((await t.ingest()).id)).toEqual([]);
		});

		it('are kept once each, and counted every time', async () => {
			const event = await t.ingest();
			for (let n = 0; n < 3; n++) await t.store.recordVariant(event.id, aVariant(1));
			expect(await t.store.listVariants(event.id)).toHaveLength(1);
			expect((await t.store.getEvent(event.id))?.variants).toBe(3);
		});

		it('are only counted past ten', async () => {
			const event = await t.ingest();
			await Promise.all(Array.from({ length: 15 }, (_, n) => t.store.recordVariant(event.id, aVariant(n))));
			expect(await t.store.listVariants(event.id)).toHaveLength(10);
			expect((await t.store.getEvent(event.id))?.variants).toBe(15);
		});

		it('of no event are none', async () => {
			await t.store.recordVariant('evt_none', aVariant(1));
			expect(await t.store.listVariants('evt_none')).toEqual([]);
		});
	});

	describe('bodies under another key', () => {
		const t = useStore(engine);
		const bodiesNotUnder = async (keyId: number | null, limit = 100) =>
			(await t.store.bodiesNotUnder(keyId, limit))
				.map(({ body, keyId: was }) => `${body.toString()} under ${was}`)
				.sort();

		beforeEach(async () => {
			for (const [workflowId, bodyKeyId] of [
				['clear', null],
				['old', 1],
				['new', 2],
			] as const) {
				const event = anEvent({ workflowId, body: Buffer.from(workflowId), bodyKeyId });
				await t.store.ingest(event);
				await t.store.recordVariant(event.id, aVariant(bodyKeyId ?? 0, bodyKeyId));
			}
			await t.store.ingest(quarantinedEvent({ body: Buffer.from('odd'), bodyKeyId: 1 }));
		});

		it('are found, those in the clear and the variants too', async () => {
			expect(await bodiesNotUnder(2)).toEqual([
				'clear under null',
				'odd under 1',
				'old under 1',
				'variant 0 under null',
				'variant 1 under 1',
			]);
			expect(await bodiesNotUnder(null)).toEqual([
				'new under 2',
				'odd under 1',
				'old under 1',
				'variant 1 under 1',
				'variant 2 under 2',
			]);
			expect(await bodiesNotUnder(3)).toHaveLength(7);
			expect(await bodiesNotUnder(2, 3)).toHaveLength(3);
			expect(await bodiesNotUnder(2, 0)).toEqual([]);
		});

		it('come with what is needed to seal them anew, and are not found again', async () => {
			for (let left = await t.store.bodiesNotUnder(2, 2); left.length > 0;) {
				const bodies = left.map((was) => ({
					ref: was.ref,
					was,
					body: Buffer.concat([was.body, Buffer.from(' resealed')]),
					keyId: 2,
				}));
				expect(await t.store.replaceBodies(bodies)).toBe(left.length);
				left = await t.store.bodiesNotUnder(2, 2);
			}
			const [odd, event] = await t.store.listEvents({ limit: 2 });
			expect(await t.store.getBody(odd!.id)).toMatchObject({ body: Buffer.from('odd resealed'), keyId: 2 });
			expect(await t.store.getBody(event!.id)).toMatchObject({ body: Buffer.from('new'), keyId: 2 });
			const [old] = await t.store.listEvents({ limit: 1, workflowId: 'old' });
			expect(await t.store.listVariants(old!.id)).toEqual([
				{ ...aVariant(1, 2), body: Buffer.from('variant 1 resealed') },
			]);
		});

		it('are walked in the same order, on from any of them, also while they are replaced', async () => {
			const all = await t.store.bodiesNotUnder(3, 100);
			const refs = all.map(({ ref }) => ref);
			expect(new Set(refs).size).toBe(7);
			expect((await t.store.bodiesNotUnder(3, 100)).map(({ ref }) => ref)).toEqual(refs);
			for (const [n, was] of all.entries()) {
				const { ref, body } = was;
				const behind = (await t.store.bodiesNotUnder(3, 2, ref)).map((next) => next.ref);
				expect(behind).toEqual(refs.slice(n + 1, n + 3));
				await t.store.replaceBodies([{ ref, was, body, keyId: 3 }]);
				expect((await t.store.bodiesNotUnder(3, 2, ref)).map((next) => next.ref)).toEqual(behind);
			}
			expect(await t.store.bodiesNotUnder(3, 100)).toEqual([]);
		});

		it('are replaced only while they are still what was read', async () => {
			const clear = (await t.store.bodiesNotUnder(2, 100)).find((b) => b.body.toString() === 'clear')!;
			const sealed = { ref: clear.ref, body: Buffer.from('sealed'), keyId: 2 };
			expect(await t.store.replaceBodies([{ ...sealed, was: { ...clear, keyId: 1 } }])).toBe(0);
			expect(await t.store.replaceBodies([{ ...sealed, was: { ...clear, body: Buffer.from('x') } }])).toBe(0);
			expect(await t.store.replaceBodies([{ ...sealed, was: clear }])).toBe(1);
			expect(await t.store.replaceBodies([{ ...sealed, was: clear }])).toBe(0);
			expect(await t.store.replaceBodies([{ ...clear, was: sealed }])).toBe(1);
			expect(await t.store.replaceBodies([])).toBe(0);
		});

		it('stay what a complete event made of them, also when it came after they were read', async () => {
			const truncated = anEvent({ workflowId: 'w', truncated: 1, body: Buffer.from('some') });
			await t.store.ingest(truncated);
			const was = (await t.store.bodiesNotUnder(2, 100)).find((b) => b.body.toString() === 'some')!;
			await t.store.ingest(anEvent({ workflowId: 'w', body: Buffer.from('all of them') }));
			const sealed = { ref: was.ref, was, body: Buffer.from('some, sealed'), keyId: 2 };
			expect(await t.store.replaceBodies([sealed])).toBe(0);
			expect(await t.store.getBody(truncated.id)).toMatchObject({ body: Buffer.from('all of them') });
		});
	});
}
