import type {
	IAuthenticateGeneric,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class CleanlistApi implements ICredentialType {
	name = 'cleanlistApi';

	displayName = 'Cleanlist API';

	icon: Icon = {
		light: 'file:../nodes/icons/cleanlist.light.svg',
		dark: 'file:../nodes/icons/cleanlist.dark.svg',
	};

	documentationUrl =
		'https://github.com/cleanlist-community/n8n-nodes-cleanlist/blob/main/docs/nodes.md#cleanlist-api';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'e.g. clapi_x7Kq…',
			description:
				'Create one in the Cleanlist portal under Settings → API Keys. It starts with clapi_ and is shown only once.',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.cleanlist.ai',
			required: true,
			placeholder: 'e.g. https://api.cleanlist.ai',
			description:
				'Where the API lives, without /api/v2. Change it only to use another server, such as the reference API of a local relay (http://127.0.0.1:8717).',
		},
		{
			displayName: 'Requests per Minute',
			name: 'requestsPerMinute',
			type: 'number',
			typeOptions: { minValue: 0, numberPrecision: 0 },
			default: 30,
			description:
				'A run waits rather than send more than this. Cleanlist takes 30 for each key: lower it when other programs use the same key. 0 means no limit, for another server.',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{$credentials.apiKey.trim()}}' } },
	};

	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(new RegExp("/+$"), "")}}',
			url: '/api/v2/whoami',
		},
	};
}
