import { typedConfig, tseslint } from '../.ci/eslint.typed.mjs';

export default tseslint.config(...typedConfig(`${import.meta.dirname}/../test`), {
	files: ['**/*.ts'],
	rules: { 'no-console': 'off' },
});
