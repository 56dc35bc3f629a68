import type { WorkflowDraft } from './n8n-client.ts';
import type { Credentials } from './stage.ts';

export interface Contact {
	first_name: string;
	last_name: string;
	company_name: string;
}

/** Contacts that differ in every field, with names as people have them. */
export function contacts(count: number): Contact[] {
	const lastNames = ['Brontë', 'Ōkubo 🚀', "O'Neil", 'Müller-Lüdenscheidt', '王'];
	return Array.from({ length: count }, (_, index) => ({
		first_name: `Zoë${index}`,
		last_name: `${lastNames[index % lastNames.length]}${index}`,
		company_name: `Company ${index}`,
	}));
}

/** Sends contacts to be enriched, through the relay; started by hand at "Start". */
export function enrichingWorkflow(credentials: Credentials, wanted: Contact[]): WorkflowDraft {
	return {
		name: 'Enrich contacts',
		nodes: [
			{ name: 'Start', type: 'n8n-nodes-base.manualTrigger' },
			{
				name: 'Contacts',
				type: 'n8n-nodes-base.set',
				typeVersion: 3.4,
				parameters: { mode: 'raw', jsonOutput: JSON.stringify({ contacts: wanted }), options: {} },
			},
			{
				name: 'Cleanlist',
				type: 'n8n-nodes-cleanlist.cleanlist',
				parameters: {
					resource: 'enrichment',
					operation: 'start',
					enrichmentType: 'full',
					delivery: 'relay',
					inputMode: 'json',
					contactsJson: '={{ $json.contacts }}',
				},
				credentials: { ...credentials },
			},
		],
		connections: {
			Start: { main: [[{ node: 'Contacts', type: 'main', index: 0 }]] },
			Contacts: { main: [[{ node: 'Cleanlist', type: 'main', index: 0 }]] },
		},
	};
}

/** Starts for each enrichment that completes. */
export function receivingWorkflow({ cleanlistRelayApi }: Credentials): WorkflowDraft {
	return {
		name: 'Enriched contacts',
		nodes: [
			{
				name: 'Cleanlist Trigger',
				type: 'n8n-nodes-cleanlist.cleanlistTrigger',
				webhookId: crypto.randomUUID(),
				credentials: { cleanlistRelayApi },
			},
			{ name: 'Enriched', type: 'n8n-nodes-base.noOp' },
		],
		connections: {
			'Cleanlist Trigger': { main: [[{ node: 'Enriched', type: 'main', index: 0 }]] },
		},
	};
}
