/** Bringing events to their subscribers. The states, the schedule and the promise are in docs/delivery.md. */
export { createAddressGuard } from './address-guard.ts';
export type { AddressGuard } from './address-guard.ts';
export type { Outcome } from './attempt.ts';
export { createDispatcher } from './dispatcher.ts';
export type { Dispatcher } from './dispatcher.ts';
