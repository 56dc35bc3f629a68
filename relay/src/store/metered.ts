import { StoreError } from './port.ts';
import type { IngestOutcome, NewEvent, Store, StoreErrorCode } from './port.ts';

export interface StoreMeter {
	ingested(event: NewEvent, outcome: IngestOutcome): void;
	ingestFailed(): void;
	storeFailed(code: StoreErrorCode): void;
}

/** The store, with what goes through it counted. */
export function metered(store: Store, meter: StoreMeter): Store {
	const counted = Object.entries(store).map(([name, method]) => {
		const call = method as (...args: unknown[]) => unknown;
		return [
			name,
			(...args: unknown[]) => {
				const answer = call(...args);
				return answer instanceof Promise ? answer.catch(countAndThrow) : answer;
			},
		];
	});
	const inner = Object.fromEntries(counted) as Store;

	function countAndThrow(error: unknown): never {
		// A conflict is an answer.
		if (error instanceof StoreError && error.code !== 'conflict') meter.storeFailed(error.code);
		throw error;
	}

	return {
		...inner,
		async ingest(event) {
			try {
				const outcome = await inner.ingest(event);
				meter.ingested(event, outcome);
				return outcome;
			} catch (error) {
				meter.ingestFailed();
				throw error;
			}
		},
	};
}
