import { typedConfig, tseslint } from '../.ci/eslint.typed.mjs';

export default tseslint.config(
	...typedConfig(import.meta.dirname),
	{
		files: ['**/*.ts'],
		rules: {
			// Tests read JSON of unknown shape on purpose and assert on it.
			'@typescript-eslint/no-unsafe-assignment': 'off',
			'@typescript-eslint/no-unsafe-member-access': 'off',
			'@typescript-eslint/no-unsafe-argument': 'off',
			'@typescript-eslint/no-unsafe-call': 'off',
			'@typescript-eslint/no-unsafe-return': 'off',
			'@typescript-eslint/unbound-method': 'off',
		},
	},
	{ files: ['bench/**/*.ts'], rules: { 'no-console': 'off' } },
);
