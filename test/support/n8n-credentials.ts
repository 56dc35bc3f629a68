import type {
	ICredentialDataDecryptedObject,
	ICredentialType,
	ICredentialsHelper,
	IDataObject,
	IHttpRequestOptions,
	INode,
	INodeCredentialsDetails,
	INodeProperties,
	IRequestOptionsSimplified,
	IRequestOptionsSimplifiedAuth,
	Workflow,
} from 'n8n-workflow';
import { n8n } from './n8n-core.ts';

export interface StoredCredential {
	type: string;
	data: IDataObject;
}

/**
 * Credentials as n8n hands them to nodes: kept by id (or name), with the type's defaults filled in, and put into
 * requests by the type's own `authenticate`, function or expressions. Nothing is encrypted.
 */
export function createCredentialsHelper(
	types: ICredentialType[],
	stored: Record<string, StoredCredential>,
): ICredentialsHelper {
	const { NodeHelpers } = n8n().workflow;
	const typeOf = (name: string): ICredentialType => {
		const found = types.find((type) => type.name === name);
		if (!found) throw new Error(`Unknown credential type "${name}"`);
		return found;
	};
	const find = (details: INodeCredentialsDetails, type: string): StoredCredential => {
		const found = stored[details.id ?? ''] ?? stored[details.name];
		if (!found || found.type !== type) {
			throw new Error(`Credential "${details.name}" of type "${type}" does not exist`);
		}
		return found;
	};

	return {
		getParentTypes: (name) => typeOf(name).extends ?? [],
		isCredentialUsableByNode(name, nodeType) {
			const type = typeOf(name);
			return !type.restrictToSupportedNodes || (type.supportedNodes ?? []).includes(nodeType);
		},
		async authenticate(credentials, typeName, requestOptions, workflow, node) {
			const options = requestOptions as IHttpRequestOptions;
			const { authenticate } = typeOf(typeName);
			if (!authenticate) return options;
			if (typeof authenticate === 'function') return authenticate(credentials, options);
			return applyGeneric(authenticate.properties, credentials, options, workflow!, node!);
		},
		async preAuthentication(helpers, credentials, typeName, _node, credentialsExpired) {
			const { preAuthentication, properties } = typeOf(typeName);
			const expirable = properties.find((property) => property.typeOptions?.expirable === true);
			if (!preAuthentication || !expirable) return undefined;
			if (credentials[expirable.name] && !credentialsExpired) return undefined;
			return (await preAuthentication.call(helpers, credentials)) as ICredentialDataDecryptedObject;
		},
		async runPreAuthentication(helpers, credentials, typeName) {
			const { preAuthentication } = typeOf(typeName);
			return (await preAuthentication?.call(helpers, credentials)) as
				ICredentialDataDecryptedObject | undefined;
		},
		async getDecrypted(_additionalData, details, type) {
			const withDefaults = NodeHelpers.getNodeParameters(
				typeOf(type).properties,
				find(details, type).data as Parameters<typeof NodeHelpers.getNodeParameters>[1],
				true,
				false,
				null,
				null,
			);
			return { ...withDefaults } as ICredentialDataDecryptedObject;
		},
		async getCredentials() {
			throw new Error('Encrypted credentials are not available here');
		},
		async updateCredentials(details, type, data) {
			find(details, type).data = data;
		},
		async updateCredentialsOauthTokenData() {
			throw new Error('OAuth is not available here');
		},
		getCredentialsProperties: (name): INodeProperties[] => typeOf(name).properties,
	};
}

/** What n8n does with a declarative `authenticate`: resolve keys and values, then merge them into the request. */
function applyGeneric(
	properties: IRequestOptionsSimplifiedAuth,
	credentials: ICredentialDataDecryptedObject,
	options: IHttpRequestOptions,
	workflow: Workflow,
	node: INode,
): IHttpRequestOptions {
	const resolve = (text: string): string => {
		if (!text.startsWith('=')) return text;
		const value = workflow.expression.getSimpleParameterValue(
			node,
			text,
			'internal',
			{ $credentials: credentials },
			undefined,
			'',
		);
		return value ? String(value) : '';
	};
	const target = options as unknown as Record<string, IDataObject | undefined>;
	for (const [part, values] of Object.entries(properties) as [
		keyof IRequestOptionsSimplified,
		IDataObject,
	][]) {
		const section = (target[part] ??= {});
		for (const [key, value] of Object.entries(values)) {
			section[resolve(key)] = typeof value === 'string' ? resolve(value) : value;
		}
	}
	return options;
}
