import js from '@eslint/js';
import { globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Read here and not inside an eslint.config.mjs: typescript-eslint remembers the folder of every config file that
 * reads its presets, and with more than one it refuses to parse for n8n's plugin, which then finds no credentials.
 */
const { recommendedTypeChecked } = tseslint.configs;

/**
 * The typed ESLint config of everything that is not the n8n package (relay, tests, demo).
 * The n8n package itself keeps the n8n-node CLI's stock config, unchanged, as n8n's strict mode demands.
 *
 * @param {string} tsconfigRootDir folder whose tsconfig.json types the files
 * @param {string[]} [projects] tsconfig files, relative to that folder
 */
export function typedConfig(tsconfigRootDir, projects = ['tsconfig.json']) {
	return tseslint.config(
		globalIgnores(['**/dist/**', '**/node_modules/**']),
		{ ignores: ['**/*.mjs', '**/*.json'] },
		{
			files: ['**/*.ts'],
			extends: [js.configs.recommended, recommendedTypeChecked],
			languageOptions: { parserOptions: { project: projects, tsconfigRootDir } },
			rules: {
				eqeqeq: ['error', 'always'],
				'no-console': 'error',
				'@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
				'@typescript-eslint/switch-exhaustiveness-check': [
					'error',
					{ considerDefaultExhaustiveForUnions: true },
				],
				'@typescript-eslint/restrict-template-expressions': [
					'error',
					{ allowNumber: true, allowBoolean: true },
				],
				// Fastify handlers and store methods are async by contract, whether or not one awaits.
				'@typescript-eslint/require-await': 'off',
				'@typescript-eslint/no-floating-promises': 'error',
				'@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
			},
		},
	);
}

export { tseslint };
