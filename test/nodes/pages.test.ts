import type { IExecuteFunctions } from 'n8n-workflow';
import { readRows } from '../../nodes/Cleanlist/transport/pages.ts';

/** An API of `pages` pages of three rows, and what it was asked for. */
function api(pages: number) {
	const asked: (string | null)[] = [];
	const context = {
		getNode: () => ({ name: 'Cleanlist' }),
		getCredentials: async () => ({ apiKey: 'clapi_x', baseUrl: 'https://api.example', requestsPerMinute: 0 }),
		helpers: {
			async httpRequestWithAuthentication(_: string, { qs }: { qs: { cursor?: string } }) {
				const nth = Number(qs.cursor ?? 0);
				asked.push(qs.cursor ?? null);
				const leads = [0, 1, 2].map((row) => ({ lead_id: `${nth}.${row}` }));
				return {
					statusCode: 200,
					headers: {},
					body: { leads, cursor: nth + 1 < pages ? `${nth + 1}` : null },
				};
			},
		},
	} as unknown as IExecuteFunctions;
	return {
		asked,
		rows: (limit: number) => readRows(context, { path: '/x', rows: 'leads', pageSize: 3 }, limit),
	};
}

describe('rows, page by page', () => {
	it('are asked for when they are wanted, and not before', async () => {
		const { asked, rows } = api(3);
		const reading = rows(Infinity);
		expect(asked).toEqual([]);
		for (const wanted of ['0.0', '0.1', '0.2']) {
			expect((await reading.next()).value).toEqual({ lead_id: wanted });
			expect(asked).toEqual([null]);
		}
		await reading.next();
		expect(asked).toEqual([null, '1']);
		await reading.return(undefined);
		expect(asked).toEqual([null, '1']);
	});

	it.each([
		[1, [null]],
		[3, [null]],
		[4, [null, '1']],
		[9, [null, '1', '2']],
		[Infinity, [null, '1', '2']],
	])('up to %s take no page more than that', async (limit, pages) => {
		const { asked, rows } = api(3);
		const got = [];
		for await (const row of rows(limit)) got.push(row);
		expect(got).toHaveLength(Math.min(limit, 9));
		expect(asked).toEqual(pages);
	});
});
