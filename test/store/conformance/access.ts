import { aToken, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

export function accessConformance(engine: Engine): void {
	describe('sources', () => {
		const t = useStore(engine);

		it('finds a source by the hash of its token, and no other', async () => {
			expect(await t.store.findSourceByTokenHash(Buffer.from('hash'))).toEqual({
				id: 'default',
				name: 'Cleanlist',
				tokenHash: Buffer.from('hash'),
				createdAt: T0,
			});
			expect(await t.store.findSourceByTokenHash(Buffer.from('other'))).toBeNull();
		});

		it('replaces name and token of a source that exists, and not when it was made', async () => {
			const renamed = { id: 'default', name: 'Naïve 🦊', tokenHash: Buffer.from('new'), createdAt: T0 + 1 };
			await t.store.putSource(renamed);
			expect(await t.store.findSourceByTokenHash(Buffer.from('hash'))).toBeNull();
			expect(await t.store.listSources()).toEqual([{ ...renamed, createdAt: T0 }]);
		});

		it('refuses a token that another source has', async () => {
			const thief = { id: 'two', name: 'Two', tokenHash: Buffer.from('hash'), createdAt: T0 };
			await expect(t.store.putSource(thief)).rejects.toMatchObject({ code: 'conflict' });
			expect(await t.store.listSources()).toHaveLength(1);
		});
	});

	describe('management tokens', () => {
		const t = useStore(engine);

		it('finds a token by its hash, with its scopes', async () => {
			await t.store.putToken(aToken({ expiresAt: T0 + 1 }));
			expect(await t.store.findTokenByHash(Buffer.from('h1'))).toEqual(aToken({ expiresAt: T0 + 1 }));
			expect(await t.store.findTokenByHash(Buffer.from('h2'))).toBeNull();
		});

		it('replaces the token with the same id', async () => {
			await t.store.putToken(aToken({ lastUsedAt: T0 }));
			const rotated = aToken({ name: 'new', hash: Buffer.from('h2'), scopes: ['admin'], createdAt: T0 + 1 });
			await t.store.putToken(rotated);
			expect(await t.store.findTokenByHash(Buffer.from('h1'))).toBeNull();
			expect(await t.store.listTokens()).toEqual([rotated]);
		});

		it('rotates a token: the old one is found no more, and the new one was never used', async () => {
			await t.store.putToken(aToken({ lastUsedAt: T0 }));
			const rotated = aToken({ hash: Buffer.from('new') });
			expect(await t.store.rotateToken('t1', Buffer.from('new'))).toEqual(rotated);
			expect(await t.store.findTokenByHash(Buffer.from('h1'))).toBeNull();
			expect(await t.store.findTokenByHash(Buffer.from('new'))).toEqual(rotated);
			expect(await t.store.rotateToken('none', Buffer.from('x'))).toBeNull();
		});

		it('lists them oldest first', async () => {
			const tokens = [2, 0, 1].map((n) =>
				aToken({ id: `t${n}`, hash: Buffer.from(`h${n}`), createdAt: T0 + n }),
			);
			for (const token of tokens) await t.store.putToken(token);
			expect((await t.store.listTokens()).map((token) => token.id)).toEqual(['t0', 't1', 't2']);
		});

		it('notes the last use, and never an earlier one over it', async () => {
			await t.store.putToken(aToken());
			await t.store.touchToken('t1', T0 + 5);
			await t.store.touchToken('t1', T0 + 3);
			await t.store.touchToken('none', T0);
			expect(await t.store.listTokens()).toEqual([aToken({ lastUsedAt: T0 + 5 })]);
		});

		it('forgets a token, and says when there is none', async () => {
			await t.store.putToken(aToken());
			expect(await t.store.deleteToken('t1')).toBe(true);
			expect(await t.store.deleteToken('t1')).toBe(false);
			expect(await t.store.findTokenByHash(Buffer.from('h1'))).toBeNull();
		});

		it('refuses a hash that another token has', async () => {
			await t.store.putToken(aToken());
			await expect(t.store.putToken(aToken({ id: 't2' }))).rejects.toMatchObject({ code: 'conflict' });
		});
	});
}
