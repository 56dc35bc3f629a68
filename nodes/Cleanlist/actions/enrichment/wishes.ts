import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { parameterError } from '../../helpers/errors';
import type { Place, Places } from './places';
import type { SendingOptions } from './sending.options';

/** What one or more items ask for: it is sent once, and answered on each of them. */
export interface Wish<T> {
	what: T;
	places: [Place, ...Place[]];
}

/** An item that does not say enough to be sent. */
export interface Unsendable {
	reason: string;
	/** The parameter that would say more. */
	parameter: string;
	/** What is put out on its item. */
	json: IDataObject;
}

interface Reading<T> {
	options: SendingOptions;
	itemCount: number;
	read: (itemIndex: number) => T | { unsendable: Unsendable };
	/** The same for what is the same. */
	nameOf: (what: T) => string;
}

/** All items are read before anything is sent, so that a bad one can still stop the run for free. */
export function readWishes<T extends object>(
	context: IExecuteFunctions,
	places: Places,
	{ options, itemCount, read, nameOf }: Reading<T>,
): Wish<T>[] {
	const wishes = new Map<string, Wish<T>>();
	for (let item = 0; item < itemCount; item++) {
		const place = places.take(item);
		try {
			const what = read(item);
			if ('unsendable' in what) {
				if (options.stopOnUnsendable) throw refused(context, item, what.unsendable);
				places.answer(place, what.unsendable.json);
				continue;
			}
			const name = options.sendDuplicatesOnce ? nameOf(what) : String(item);
			const wish = wishes.get(name);
			if (wish) wish.places.push(place);
			else wishes.set(name, { what, places: [place] });
		} catch (error) {
			places.fail(error, [place]);
		}
	}
	return [...wishes.values()];
}

/** A wish that Cleanlist took. */
export interface Granted<T> extends Wish<T> {
	response: IDataObject;
}

/**
 * Sends one wish after the other; a refusal concerns its items only.
 *
 * @param send its last argument is what an error must also say, because it was paid for
 */
export async function sendWishes<T>(
	places: Places,
	wishes: Wish<T>[],
	send: (what: T, itemIndex: number, postscript: string | undefined) => Promise<IDataObject>,
): Promise<Granted<T>[]> {
	const granted: Granted<T>[] = [];
	for (const wish of wishes) {
		try {
			const response = await send(wish.what, wish.places[0].itemIndex, whatWasSent(granted));
			granted.push({ ...wish, response });
		} catch (error) {
			places.fail(error, wish.places);
		}
	}
	return granted;
}

/** Workflows that an error names: enough to look the run up. */
const NAMED = 20;

/** What an error must not let the user forget, because it was paid for. */
export function whatWasSent(granted: Granted<unknown>[]): string | undefined {
	if (granted.length === 0) return undefined;
	const ids = granted.slice(0, NAMED).flatMap(({ response }) => response.workflow_id ?? []);
	const more = granted.length > NAMED ? ', …' : '';
	const known = ids.length > 0 ? ` (workflow IDs: ${ids.join(', ')}${more})` : '';
	return `Earlier in this run Cleanlist took ${granted.length} of them${known}; do not send those again.`;
}

function refused(context: IExecuteFunctions, itemIndex: number, { reason, parameter }: Unsendable) {
	return parameterError(
		context.getNode(),
		parameter,
		itemIndex,
		'What this item asks for can not be sent',
		`${reason} Nothing of this item was sent. Complete it, or set the option 'When an Item Is Incomplete' to 'Report on Its Item'.`,
	);
}
