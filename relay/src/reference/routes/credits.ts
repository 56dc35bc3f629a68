import { EstimateRequest, EstimateResponse } from '../../contract/credits.ts';
import { estimate } from '../estimates.ts';
import type { EstimateDependencies } from '../estimates.ts';
import { defineRoute, ok } from '../http.ts';
import { validate } from '../validation.ts';

/** What a call would cost at most, and the quote that call redeems (B.7). Free. */
export const creditsEstimate = (deps: EstimateDependencies) =>
	defineRoute({
		method: 'POST',
		path: '/credits/estimate',
		about: {
			summary: 'What a call would cost at most, and the quote for it',
			body: EstimateRequest,
			errors: [404],
		},
		errors: 'v2',
		plan: 'api',
		scope: 'credits:read',
		response: EstimateResponse,
		handle: ({ caller, body }) => ok(estimate(deps, caller, validate(EstimateRequest, body, 'body'))),
	});
