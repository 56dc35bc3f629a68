import { typedConfig, tseslint } from '../.ci/eslint.typed.mjs';

export default tseslint.config(
	...typedConfig(import.meta.dirname),
	{
		// Time and chance come in through src/clock.ts and src/ids.ts, so that tests can hold them still.
		files: ['src/**/*.ts'],
		ignores: ['src/clock.ts', 'src/ids.ts'],
		rules: {
			'no-restricted-properties': [
				'error',
				{ object: 'Date', property: 'now', message: 'Use the injected Clock.' },
				{ object: 'Math', property: 'random', message: 'Use the injected Ids.' },
			],
			'no-restricted-syntax': [
				'error',
				{
					selector: "NewExpression[callee.name='Date'][arguments.length=0]",
					message: 'Use the injected Clock.',
				},
			],
		},
	},
	{ files: ['bench/**/*.ts'], rules: { 'no-console': 'off' } },
);
