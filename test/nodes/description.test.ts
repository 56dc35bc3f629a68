import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NodeHelpers } from 'n8n-workflow';
import type { INodeProperties, INodePropertyCollection, INodePropertyOptions } from 'n8n-workflow';
import manifest from '../../package.json';
import { Cleanlist, CleanlistApi, CleanlistRelayApi, CleanlistTrigger } from '../../index.ts';
import { scopesOf } from '../../nodes/Cleanlist/actions/operation.ts';
import { RESOURCES } from '../../nodes/Cleanlist/actions/resources.ts';
import { eventItems } from '../../nodes/CleanlistTrigger/items.ts';
import { SCOPES } from '../../relay/src/contract/index.ts';
import contract from '../contract/cleanlist-api.json';

const root = resolve(__dirname, '../..');
const nodesFolder = join(root, 'nodes');
const operations = RESOURCES.flatMap((resource) =>
	resource.operations.map((operation) => ({ ...operation, resource: resource.value })),
);
const { description } = new Cleanlist();
const trigger = new CleanlistTrigger().description;

function* everyProperty(properties: readonly unknown[]): Generator<INodeProperties> {
	for (const property of properties as INodeProperties[]) {
		yield property;
		if (property.type === 'collection') yield* everyProperty(property.options ?? []);
		if (property.type === 'fixedCollection') {
			for (const { values } of property.options as INodePropertyCollection[]) yield* everyProperty(values);
		}
	}
}
const properties = [
	...everyProperty(description.properties),
	...everyProperty(trigger.properties),
	...everyProperty(new CleanlistApi().properties),
	...everyProperty(new CleanlistRelayApi().properties),
];
const choices = (property: INodeProperties) =>
	property.type === 'options' ? (property.options as INodePropertyOptions[]) : [];

/** As a reader sorts: whatever the case. */
const sorted = (names: string[]) => names.toSorted((a, b) => a.localeCompare(b, 'en'));

describe('the Cleanlist node', () => {
	it('registers every operation file, and nothing twice', () => {
		const files = readdirSync(join(nodesFolder, 'Cleanlist/actions'), { recursive: true }).map(String);
		const inFiles = files
			.filter((file) => file.endsWith('.operation.ts'))
			.map((file) => file.replace('.operation.ts', '').replaceAll('\\', '/'));
		expect(operations.map(({ resource, value }) => `${resource}/${value}`).sort()).toEqual(inFiles.sort());
	});

	it('offers each of them with an action, a description and its scope', () => {
		const offered = description.properties.filter(({ name }) => name === 'operation').flatMap(choices);
		expect(offered).toHaveLength(operations.length);
		for (const { name, action, description: text } of offered) {
			expect(action).toMatch(/^[A-Z][a-z]/);
			expect(action).not.toBe(name);
			expect(text).toMatch(/\((no scope needed|scope [a-z_]+:[a-z_]+(, [a-z_]+:[a-z_]+)*)\)$/);
		}
		expect(new Set(offered.map(({ action }) => action)).size).toBe(offered.length);
	});

	it('words them as n8n does: what the canvas shows without articles, what the panel shows with the resource', () => {
		for (const { name: resource, operations: own } of RESOURCES) {
			for (const { action, description: text } of own) {
				expect(action).not.toMatch(/\b(a|an|the)\b/i);
				const object = resource === 'Enrichment' ? /enrich/i : new RegExp(resource, 'i');
				expect(text).toMatch(object);
				expect(text).toMatch(/^[A-Z].*[^.]$/);
			}
		}
	});

	it('hints at the scopes of the chosen operation before it runs, and at those only', () => {
		const conditions = (description.hints ?? []).map(({ displayCondition, message }) => [
			displayCondition,
			message,
		]);
		expect(conditions).toEqual(
			operations
				.filter((operation) => scopesOf(operation).length > 0)
				.map((operation) => [
					`={{ $parameter["resource"] === "${operation.resource}" && $parameter["operation"] === "${operation.value}" }}`,
					expect.stringMatching(
						new RegExp(`^The API key needs the scopes? ${scopesOf(operation).join(', ')}$`),
					),
				]),
		);
	});

	it('is a tool for agents, says what it waits for, and keeps to the first version', () => {
		expect(description).toMatchObject({
			usableAsTool: true,
			waitingNodeTooltip: expect.stringMatching(/^[A-Z].*[^.]$/),
			subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
			version: [1],
			defaultVersion: 1,
		});
		// What a model reads of a tool is the action; see makeDescription() in n8n-workflow.
		for (const { action } of operations) expect(action.split(' ').length).toBeGreaterThan(1);
	});

	it('has resources and operations in alphabetical order, with defaults that exist', () => {
		expect(RESOURCES.map(({ name }) => name)).toEqual(sorted(RESOURCES.map(({ name }) => name)));
		for (const { operations: own, defaultOperation } of RESOURCES) {
			expect(own.map(({ name }) => name)).toEqual(sorted(own.map(({ name }) => name)));
			expect(own.map(({ value }) => value)).toContain(defaultOperation);
		}
		expect(RESOURCES.map(({ value }) => value)).toContain(description.properties[0]!.default);
	});

	it('says of each operation which calls it makes, and the contract knows them and their scope', () => {
		const scopes = new Map(contract.endpoints.map(({ method, path, scope }) => [`${method} ${path}`, scope]));
		for (const operation of operations) {
			const needed = scopesOf(operation);
			for (const each of needed) expect(SCOPES).toContain(each);
			expect(operation.endpoints.length).toBeGreaterThan(0);
			for (const endpoint of operation.endpoints) {
				expect([...scopes.keys()]).toContain(endpoint);
				// The contract states none for the older endpoints, and what the import needs besides in words.
				const scope = scopes.get(endpoint)?.split(' ')[0];
				if (scope) expect(needed).toContain(scope);
			}
		}
	});

	it('shows every field for its operation only, and never two of a name at once', () => {
		for (const { resource, value, fields } of operations) {
			const shown = description.properties.filter(
				({ displayOptions }) =>
					displayOptions?.show?.resource?.includes(resource) &&
					displayOptions.show.operation?.includes(value),
			);
			expect(shown.map(({ name }) => name)).toEqual(fields.map(({ name }) => name));
			expect(new Set(shown.map(({ name }) => name)).size).toBe(shown.length);
		}
	});

	it('shows no field of another operation, though what decides on fields are expressions', () => {
		const names = new Set(description.properties.map(({ name }) => name));
		const expressions = Object.fromEntries([...names].map((name) => [name, '={{ $json.x }}']));
		const node = { typeVersion: 1 };
		for (const { resource, value: operation, fields } of operations) {
			const values = { ...expressions, resource, operation };
			const shown = description.properties.filter(
				(property) =>
					!['resource', 'operation'].includes(property.name) &&
					NodeHelpers.displayParameter(values, property, node, description),
			);
			expect(shown.map(({ name }) => name)).toEqual(fields.map(({ name }) => name));
		}
	});

	it('asks for the relay only where the relay is used', () => {
		expect(description.credentials).toEqual([
			{ name: 'cleanlistApi', required: true },
			{
				name: 'cleanlistRelayApi',
				required: true,
				displayOptions: { show: { resource: ['enrichment'], operation: ['start'], delivery: ['relay'] } },
			},
		]);
	});

	it('has the methods that its fields name', () => {
		const searches = properties.flatMap(({ modes = [] }) =>
			modes.flatMap(({ typeOptions }) => typeOptions?.searchListMethod ?? []),
		);
		expect(searches.length).toBeGreaterThan(0);
		const { listSearch } = new Cleanlist().methods;
		for (const search of searches) expect(listSearch).toHaveProperty(search, expect.any(Function));
	});
});

describe('what the user reads', () => {
	const texts = [
		...properties.flatMap(({ displayName, description: text, hint, placeholder }) => [
			displayName,
			text,
			hint,
			placeholder,
		]),
		...properties.flatMap(choices).flatMap(({ name, description: text }) => [name, text]),
		...operations.flatMap(({ name, action, description: text }) => [name, action, text]),
		description.description,
		trigger.description,
	].filter((text) => text !== undefined);

	it('has one word for one thing, in English', () => {
		for (const text of texts) {
			expect(text).not.toMatch(/e-mail/i);
			expect(text).not.toMatch(/[äöüßéèàñ]/i);
		}
	});

	it('has names of fields in single quotes, and no markup', () => {
		for (const text of texts) expect(text).not.toMatch(/<[a-z]/);
	});

	it('shows the examples that n8n shows everywhere', () => {
		const shown = new Map(properties.map(({ name, placeholder }) => [name, placeholder]));
		expect(['firstName', 'lastName', 'email'].map((name) => shown.get(name))).toEqual([
			'e.g. Nathan',
			'e.g. Smith',
			'e.g. nathan@example.com',
		]);
	});

	it('calls an operation what n8n calls it', () => {
		const names = operations.map(({ name }) => name);
		for (const usual of ['Create', 'Delete', 'Get', 'Get Many', 'Update']) expect(names).toContain(usual);
		for (const { value, name } of operations) {
			if (value === 'getAll') expect(name).toBe('Get Many');
		}
		const [deleting] = operations.filter(({ value }) => value === 'delete');
		expect(deleting!.description).toMatch(/^Delete a lead list permanently/);
	});

	it('starts with "Whether" where something is switched on', () => {
		const switches = properties.filter(({ type }) => type === 'boolean');
		expect(switches.length).toBeGreaterThan(5);
		for (const { description: text } of switches) expect(text).toMatch(/^Whether /);
	});
});

describe('every parameter', () => {
	it.each(properties.map((property) => [property.name, property] as const))(
		'%s is described',
		(_, property) => {
			if (['resource', 'operation'].includes(property.name) || property.type === 'notice') return;
			// Where "Add Field" opens a list of fields, the fields say what they are.
			if (property.type === 'collection') expect(property.placeholder).toMatch(/^Add /);
			else expect(property.description).toMatch(/^[A-Z0-9]/);
			expect(property.description).not.toBe(property.displayName);
			expect(property.displayName).toMatch(/^[A-Z]/);
			expect(property).toHaveProperty('default');
		},
	);

	it('shows an example that begins with e.g., if it shows one', () => {
		const modes = properties.flatMap((property) => property.modes ?? []);
		const shown = [...properties, ...modes.filter(({ type }) => type !== 'list')];
		for (const { placeholder, type } of shown) {
			if (placeholder === undefined) continue;
			expect(placeholder).toMatch(/ollection$/.test(type) ? /^Add / : /^e\.g\. /);
		}
	});

	it('that is optional stands in the order of the alphabet', () => {
		for (const { type, options } of properties) {
			if (type !== 'collection') continue;
			const names = (options as INodeProperties[]).map(({ displayName }) => displayName);
			expect(names).toEqual(sorted(names));
		}
	});

	it('that is secret can not be read off the screen', () => {
		for (const credential of [new CleanlistApi(), new CleanlistRelayApi()]) {
			const secret = credential.properties.find(({ name }) => ['apiKey', 'token'].includes(name))!;
			expect(secret.typeOptions?.password).toBe(true);
		}
	});

	it('that picks a lead list offers the list first, then its ID, then its URL', () => {
		const locators = properties.filter(({ name }) => name === 'leadList');
		expect(locators.length).toBeGreaterThan(10);
		for (const { modes, default: chosen } of locators) {
			expect(modes!.map(({ name }) => name)).toEqual(['list', 'id', 'url']);
			expect(modes![0]!.typeOptions).toMatchObject({ searchable: true });
			expect(chosen).toEqual({ mode: 'list', value: '' });
		}
	});

	it('that offers choices has its default among them, and them in order', () => {
		for (const property of properties.filter(({ type }) => type === 'options')) {
			const names = choices(property).map(({ name }) => name);
			expect([property.name, names]).toEqual([property.name, sorted(names)]);
			expect(choices(property).map(({ value }) => value)).toContain(property.default);
		}
	});
});

describe.each([
	['Cleanlist', description],
	['CleanlistTrigger', trigger],
])('the package around %s', (name, { icon, name: type, version, documentationUrl }) => {
	const folder = join(nodesFolder, name);
	const codex = JSON.parse(readFileSync(join(folder, `${name}.node.json`), 'utf8'));

	it('names it in package.json and in its codex', () => {
		expect(manifest.n8n.nodes).toContain(`dist/nodes/${name}/${name}.node.js`);
		expect(codex.node).toBe(`${manifest.name}.${type}`);
		expect(version).toEqual([1]);
	});

	it('is found by what people call it, in the category of AI tools if it is one', () => {
		expect(codex.alias).toEqual(expect.arrayContaining(['enrichment', 'email finder', 'leads']));
		expect(codex.categories).toEqual(expect.arrayContaining(['Sales', 'Marketing']));
		if (name === 'Cleanlist') expect(codex).toMatchObject({ subcategories: { AI: ['Tools'] } });
	});

	it('has its icons, light and dark', () => {
		const files = Object.values(icon as { light: string; dark: string });
		expect(files).toHaveLength(2);
		for (const file of files) expect(existsSync(join(folder, file.replace('file:', '')))).toBe(true);
	});

	it('documents it in a section that exists', () => {
		const docs = readFileSync(join(root, 'docs/nodes.md'), 'utf8');
		const anchors = [...docs.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
			title!
				.toLowerCase()
				.replace(/[^\w\s-]/g, '')
				.replaceAll(' ', '-'),
		);
		const urls = [
			documentationUrl!,
			...codex.resources.credentialDocumentation.map(({ url }: { url: string }) => url),
			...codex.resources.primaryDocumentation.map(({ url }: { url: string }) => url),
			new CleanlistApi().documentationUrl,
			new CleanlistRelayApi().documentationUrl,
		];
		for (const url of urls) {
			const [page, anchor] = (url as string).split('#');
			expect(page).toMatch(/\/blob\/main\/docs\/nodes\.md$/);
			if (anchor) expect(anchors).toContain(anchor);
		}
	});
});

describe.each([new CleanlistApi(), new CleanlistRelayApi()])(
	'the credential $displayName',
	({ icon, name }) => {
		it('has its icons, light and dark, drawn for this package', () => {
			const files = Object.values(icon as { light: string; dark: string });
			expect(files.map((file) => /\.(light|dark)\.svg$/.exec(file)?.[1])).toEqual(['light', 'dark']);
			for (const file of files) {
				expect(readFileSync(join(root, 'credentials', file.replace('file:', '')), 'utf8')).toContain('<svg');
			}
		});

		it('is named in package.json', () => {
			const file = `dist/credentials/${name[0]!.toUpperCase()}${name.slice(1)}.credentials.js`;
			expect(manifest.n8n.credentials).toContain(file);
		});
	},
);

describe('the schemas that the editor previews outputs with', () => {
	const schemaFolder = join(nodesFolder, 'Cleanlist/__schema__/v1.0.0');
	it('are there for each operation and for nothing else', () => {
		const files = readdirSync(schemaFolder, { recursive: true })
			.map(String)
			.filter((file) => file.endsWith('.json'))
			.map((file) => file.replaceAll('\\', '/'));
		expect(files.sort()).toEqual(operations.map(({ resource, value }) => `${resource}/${value}.json`).sort());
		const ofTrigger = readFileSync(join(nodesFolder, 'CleanlistTrigger/__schema__/v1.0.0.json'), 'utf8');
		const { properties: fields } = JSON.parse(ofTrigger) as { properties: object };
		const [item] = eventItems({}, 'evt_1', { output: 'contacts', simplify: true, furtherFields: [] });
		expect(Object.keys(fields)).toEqual(Object.keys(item!.json));
		expect(Object.keys(fields)).toHaveLength(10);
	});
});
