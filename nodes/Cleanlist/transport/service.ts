/** A server the nodes talk to: the credential that opens it, and the credential's field that says where it is. */
export interface Service {
	readonly title: 'Cleanlist' | 'The relay';
	readonly credential: 'cleanlistApi' | 'cleanlistRelayApi';
	readonly urlField: 'baseUrl' | 'url';
}

export const CLEANLIST: Service = {
	title: 'Cleanlist',
	credential: 'cleanlistApi',
	urlField: 'baseUrl',
};

export const RELAY: Service = {
	title: 'The relay',
	credential: 'cleanlistRelayApi',
	urlField: 'url',
};

/** The v2 API, and the older endpoints that exist only beside it (bulk enrichment and its status). */
export const V2 = '/api/v2';
export const LEGACY = '/api/v1/public';
export const RELAY_V1 = '/relay/v1';
