import { randomUUID } from 'node:crypto';
import type { Call, Json, Reply } from './client.ts';
import type { Effect, Prefix } from './contract.ts';

/** Who sends a request. Most of them can be had from a reference API only. */
export type Persona =
	'caller' | 'nobody' | 'unknown key' | 'no plan' | 'no credits' | 'rate limited' | `without ${string}`;

/** A case asks for something that the API under test, or its user, does not give. */
export class Unavailable extends Error {
	override readonly name = 'Unavailable';
}

/** What the cases know of the API they run against: how to call it as whom, and what may be done to it. */
export interface Target {
	/** @throws Unavailable for a persona that there is none of */
	send(call: Call, as: Persona): Promise<Reply>;
	/** @throws Unavailable when calls with this effect are not allowed */
	allow(effect: Effect): void;
	/** Lets that much time go by, in ms. */
	pass(ms: number): Promise<void>;
	/** Switches CSV import off and on, or makes a condition hold while `during` runs. @throws Unavailable */
	broken(what: 'csv import', during: () => Promise<Reply>): Promise<Reply>;
}

const NEVER_THERE = '00000000-0000-4000-8000-000000000000';
const CSV = 'First,Last,E-mail,Company\n';

/** The API under test through one prefix, with the lists and runs that requests are about. */
export class World {
	readonly nobodysId = NEVER_THERE;
	readonly prefix: Prefix;
	private readonly target: Target;
	private readonly shared = new Map<string, Promise<string>>();
	/** Lists that are to go again. */
	private readonly made = new Set<string>();
	private readonly others = new Map<Persona, World>();
	private readonly me: Persona;
	private count = 0;

	constructor(target: Target, prefix: Prefix, me: Persona = 'caller') {
		this.target = target;
		this.prefix = prefix;
		this.me = me;
	}

	/** The same API with the lists and runs of somebody else. */
	as(persona: Persona): World {
		const other = this.others.get(persona) ?? new World(this.target, this.prefix, persona);
		this.others.set(persona, other);
		return other;
	}

	async send(call: Call, as: Persona = this.me): Promise<Reply> {
		const reply = await this.target.send(call, as);
		// 200 is a list that was there before, and may be the user's own.
		if (call.method === 'POST' && call.path === `${this.prefix}/lead-lists` && reply.status === 201) {
			this.made.add(reply.body?.list_id as string);
		}
		return reply;
	}

	allow(effect: Effect): void {
		this.target.allow(effect);
	}

	pass(ms: number): Promise<void> {
		return this.target.pass(ms);
	}

	broken(what: 'csv import', during: () => Promise<Reply>): Promise<Reply> {
		return this.target.broken(what, during);
	}

	/** Differs from all that were given out before, in this run and in others. */
	unique(what: string): string {
		this.count += 1;
		return `Conformance ${what} ${randomUUID().slice(0, 8)}-${this.count}`;
	}

	/** A list to read, with a lead in it: one for all who ask. */
	list(): Promise<string> {
		return this.once('list', async () => {
			const { lists } = await this.get('/lead-lists', { limit: '100' });
			const found = lists.find((list: Json) => list.lead_count > 0);
			return (found?.list_id as string | undefined) ?? this.newListWithLeads();
		});
	}

	async newList(): Promise<string> {
		this.allow('write');
		const { list_id } = await this.post('/lead-lists', { name: this.unique('list') });
		return list_id as string;
	}

	/** Two leads come in by CSV, which is free. */
	async newListWithLeads(count = 2): Promise<string> {
		const listId = await this.newList();
		const rows = Array.from({ length: count }, (_, n) => `P${n},Last,p${n}-${listId}@example.com,Acme\n`);
		await this.post(`/lead-lists/${listId}/csv-import`, {
			csv_content_base64: Buffer.from(CSV + rows.join('')).toString('base64'),
			column_mapping: { first_name: 'First', last_name: 'Last', email: 'E-mail', company_name: 'Company' },
			dispatch_enrichment: false,
		});
		return listId;
	}

	async leadIds(listId: string): Promise<string[]> {
		const { leads } = await this.get(`/lead-lists/${listId}/leads`);
		return leads.map((lead: Json) => lead.lead_id as string);
	}

	/** The handle of a page of leads. */
	async cohort(): Promise<string> {
		const { task_id } = await this.get(`/lead-lists/${await this.list()}/leads`, { limit: '1' });
		if (typeof task_id !== 'string') throw new Unavailable('pages of leads carry no cohort handle');
		return task_id;
	}

	async quote(request: object): Promise<string> {
		const { quote_id } = await this.post('/credits/estimate', request);
		return quote_id as string;
	}

	/** A workflow of `enrich/bulk`. */
	workflow(): Promise<string> {
		return this.once('workflow', async () => (await this.bulk()).workflow_id as string);
	}

	task(): Promise<string> {
		return this.once('task', async () => {
			const { task_ids } = await this.bulk();
			await this.pass(2_000);
			return task_ids[0] as string;
		});
	}

	/** A run over one person, ended. */
	personRun(): Promise<string> {
		return this.once('person run', async () => {
			this.allow('paid');
			const { workflow_id } = await this.post('/enrichment/person', {
				lead_list_id: await this.newList(),
				email: 'jane.doe@example.com',
			});
			await this.pass(5_000);
			return workflow_id as string;
		});
	}

	agentRun(): Promise<string> {
		return this.once('agent run', async () => {
			this.allow('paid');
			const list_id = await this.newListWithLeads();
			const work = { list_id, agent_type: 'title_normalizer' };
			const { smart_agent_task_id } = await this.post('/smart-agents/run', {
				...work,
				column_name: 'Title, tidied',
				quote_id: await this.quote({ tool: 'run_smart_agent', ...work }),
			});
			await this.pass(5_000);
			return smart_agent_task_id as string;
		});
	}

	/** The protected list, which exists from the first `enrich/bulk` on. */
	protectedList(): Promise<string> {
		return this.once('protected list', async () => {
			const workflowId = await this.workflow();
			const path = '/api/v1/public/enrich/status';
			const query = { workflow_id: workflowId };
			const status = await this.expect({ method: 'GET', path, query });
			return status.lead_list_id as string;
		});
	}

	/** Removes the lists it made. */
	async cleanUp(): Promise<void> {
		for (const other of this.others.values()) await other.cleanUp();
		for (const listId of this.made) {
			await this.send({ method: 'DELETE', path: `${this.prefix}/lead-lists/${listId}` });
			this.made.delete(listId);
		}
	}

	private async bulk(): Promise<Json> {
		this.allow('paid');
		const contact = { first_name: 'Jane', last_name: 'Doe', company_name: 'Acme' };
		return this.expect({
			method: 'POST',
			path: '/api/v1/public/enrich/bulk',
			body: { enrichment_type: 'full', contacts: [contact] },
		});
	}

	private get(path: string, query: Record<string, string> = {}): Promise<Json> {
		return this.expect({ method: 'GET', path: this.prefix + path, query });
	}

	private post(path: string, body: object): Promise<Json> {
		return this.expect({ method: 'POST', path: this.prefix + path, body });
	}

	private async expect(call: Call): Promise<Json> {
		const reply = await this.send(call);
		if (reply.status === 200 || reply.status === 201) return reply.body;
		throw new Unavailable(
			`${call.method} ${call.path} answered ${reply.status}: ${reply.text.slice(0, 300)}`,
		);
	}

	private once(what: string, make: () => Promise<string>): Promise<string> {
		const existing = this.shared.get(what);
		if (existing) return existing;
		const made = make();
		this.shared.set(what, made);
		return made;
	}
}
