import type {
	IAuthenticateGeneric,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class CleanlistRelayApi implements ICredentialType {
	name = 'cleanlistRelayApi';

	displayName = 'Cleanlist Relay API';

	icon: Icon = {
		light: 'file:../nodes/icons/relay.light.svg',
		dark: 'file:../nodes/icons/relay.dark.svg',
	};

	documentationUrl =
		'https://github.com/cleanlist-community/n8n-nodes-cleanlist/blob/main/docs/nodes.md#cleanlist-relay-api';

	properties: INodeProperties[] = [
		{
			displayName: 'URL',
			name: 'url',
			type: 'string',
			default: 'http://127.0.0.1:8717',
			required: true,
			placeholder: 'e.g. https://relay.example.com',
			description: 'Where your relay listens, as this n8n reaches it',
		},
		{
			displayName: 'Token',
			name: 'token',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'e.g. crt_x7Kq…',
			description:
				'A token with the scope "subscribe". The relay shows one, starting with crt_, when it starts for the first time.',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{$credentials.token.trim()}}' } },
	};

	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.url.trim().replace(new RegExp("/+$"), "")}}',
			url: '/relay/v1/sources',
		},
	};
}
