import fc from 'fast-check';

/** Numbers stand for whichever there is: `n` counts from the end of a list, round and round, so that every step is valid. */
export type Step =
	| { do: 'subscribe'; url: number; wants: string | null; concurrency: number; perMinute: number | null }
	| { do: 'change'; n: number; wants: string | null; concurrency: number; perMinute: number | null }
	| { do: 'unsubscribe'; n: number }
	| { do: 'ingest'; workflow: number; truncated: number; status: string; odd: boolean; times: number }
	| { do: 'accept'; n: number; workflow: number; status: string }
	| { do: 'claim'; limit: number; ahead: number }
	| { do: 'settle'; n: number; result: 'delivered' | 'retry' | 'dead' | 'busy' | 'gone'; waitMs: number }
	| { do: 'release'; n: number }
	| { do: 'cancel'; n: number }
	| { do: 'replay'; n: number }
	| { do: 'redrive'; limit: number }
	| { do: 'giveUp'; afterMs: number }
	| { do: 'sweep'; delivered: number; dead: number; keys: number }
	| { do: 'advance'; ms: number }
	/** To the next moment at which something may change, or just before it. */
	| { do: 'wait'; earlyMs: number }
	/** Goes on in the other of two processes. */
	| { do: 'switch' }
	/** Everything under way is forgotten, as in a crash; what is on disk is opened again. */
	| { do: 'restart' };

/** Mostly the latest there are: with all of them alike, most ends of attempts would be late ones. */
const n = fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(1_000) });
const status: fc.Arbitrary<string> = fc.constantFrom('a', 'b');
const wants: fc.Arbitrary<string | null> = fc.option(status, { freq: 2 });
const concurrency = fc.integer({ min: 1, max: 3 });
const perMinute = fc.option(fc.constantFrom(1, 4, 130), { freq: 3 });
const waitMs = fc.constantFrom(0, 1_000, 30_000);
const settle = (result: fc.Arbitrary<'delivered' | 'retry' | 'dead' | 'busy' | 'gone'>) =>
	fc.record({ do: fc.constant('settle'), n, result, waitMs });

/** One that is usual is many times likelier than one that is rare. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
	fc.oneof<fc.MaybeWeightedArbitrary<Step>[]>(
		{
			weight: 10,
			arbitrary: fc.record({
				do: fc.constant('ingest'),
				workflow: fc.nat(7),
				truncated: fc.nat(1),
				status,
				odd: fc.integer({ min: 0, max: 5 }).map((odd) => odd === 0),
				times: fc.integer({ min: 1, max: 2 }),
			}),
		},
		{
			weight: 10,
			arbitrary: fc.record({
				do: fc.constant('claim'),
				limit: fc.integer({ min: 1, max: 5 }),
				ahead: fc.constantFrom(0, 0, 1, 3),
			}),
		},
		{ weight: 6, arbitrary: settle(fc.constantFrom('delivered', 'retry')) },
		{ weight: 4, arbitrary: settle(fc.constantFrom('retry', 'busy')) },
		{ weight: 4, arbitrary: settle(fc.constant('dead')) },
		{ weight: 2, arbitrary: settle(fc.constant('gone')) },
		{
			weight: 5,
			arbitrary: fc.record({
				do: fc.constant('advance'),
				ms: fc.constantFrom(1, 4_999, 15_000, 60_000, 86_400_000),
			}),
		},
		{ weight: 5, arbitrary: fc.record({ do: fc.constant('wait'), earlyMs: fc.nat(1) }) },
		{
			weight: 4,
			arbitrary: fc.record({
				do: fc.constant('subscribe'),
				url: fc.nat(2),
				wants,
				concurrency,
				perMinute,
			}),
		},
		{ weight: 4, arbitrary: fc.record({ do: fc.constant('change'), n, wants, concurrency, perMinute }) },
		{ weight: 1, arbitrary: fc.record({ do: fc.constant('unsubscribe'), n }) },
		{ weight: 1, arbitrary: fc.record({ do: fc.constant('accept'), n, workflow: fc.nat(7), status }) },
		{ weight: 2, arbitrary: fc.record({ do: fc.constant('release'), n }) },
		{ weight: 2, arbitrary: fc.record({ do: fc.constant('cancel'), n }) },
		{ weight: 2, arbitrary: fc.record({ do: fc.constant('replay'), n }) },
		{
			weight: 3,
			arbitrary: fc.record({ do: fc.constant('redrive'), limit: fc.integer({ min: 1, max: 3 }) }),
		},
		{
			weight: 3,
			arbitrary: fc.record({
				do: fc.constant('giveUp'),
				afterMs: fc.constantFrom(0, 4_999, 60_000, 86_400_000),
			}),
		},
		{
			weight: 1,
			arbitrary: fc.record({
				do: fc.constant('sweep'),
				delivered: fc.nat(2),
				dead: fc.nat(2),
				keys: fc.integer({ min: 0, max: 3 }),
			}),
		},
		{ weight: 1, arbitrary: fc.record({ do: fc.constant('switch') }) },
		{ weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
	),
	{ minLength: 1, maxLength: 120, size: 'max' },
);
