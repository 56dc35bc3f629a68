import { ITEMS_NODE } from '../test/support/n8n-engine.ts';
import type { WorkflowJson } from '../test/support/n8n-engine.ts';

export const CONTACTS = 'Contacts';
export const CLEANLIST = 'Cleanlist';
export const TRIGGER = 'Cleanlist Trigger';
/** Names of the two credentials. */
export const API = 'cleanlist';
export const RELAY = 'relay';

/** What somebody would build in n8n: one branch sends contacts off, the other starts when they are enriched. */
export const workflow: WorkflowJson = {
	id: 'demo',
	name: 'Enrich contacts',
	nodes: [
		{ name: CONTACTS, type: ITEMS_NODE },
		{
			name: CLEANLIST,
			type: 'n8n-nodes-cleanlist.cleanlist',
			parameters: {
				resource: 'enrichment',
				operation: 'start',
				enrichmentType: 'full',
				delivery: 'relay',
				linkedinUrl: '={{ $json.linkedin_url }}',
				firstName: '={{ $json.first_name }}',
				lastName: '={{ $json.last_name }}',
				companyDomain: '={{ $json.company_domain }}',
				companyName: '={{ $json.company_name }}',
				email: '={{ $json.email }}',
			},
			credentials: {
				cleanlistApi: { id: API, name: API },
				cleanlistRelayApi: { id: RELAY, name: RELAY },
			},
			// A request that is refused must not keep the others from being sent.
			onError: 'continueRegularOutput',
		},
		{
			name: TRIGGER,
			type: 'n8n-nodes-cleanlist.cleanlistTrigger',
			// The time line shows when.
			parameters: { furtherFields: ['completed_at'] },
			webhookId: '4c2f5f0e-6a43-4b7c-9a55-5f6f3c1f0d11',
			credentials: { cleanlistRelayApi: { id: RELAY, name: RELAY } },
		},
	],
	connections: { [CONTACTS]: { main: [[{ node: CLEANLIST, type: 'main', index: 0 }]] } },
};
