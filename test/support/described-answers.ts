import { Validator } from '@cfworker/json-schema';
import type { Schema } from '@cfworker/json-schema';
import type { JsonSchema } from '../../relay/src/description/json-schema.ts';
import type { OpenApi, Response as Described } from '../../relay/src/description/openapi.ts';

/**
 * Holds answers of the relay against the description it gives of itself: its status must be one of those described
 * for the operation, and its body must fit the schema.
 *
 * @returns what is wrong with an answer, or null
 */
export function createAnswerCheck(document: OpenApi) {
	const templates = Object.keys(document.paths).map((path) => ({
		path,
		pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
	}));
	const { schemas } = document.components;
	const validators = new Map<string, Validator>();
	const validatorOf = (schema: JsonSchema) => {
		const key = JSON.stringify(schema);
		const ref = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1)! : null;
		const validator =
			validators.get(key) ?? new Validator((ref ? schemas[ref] : schema) as Schema, '2020-12', false);
		validators.set(key, validator);
		return validator;
	};

	return async (method: string, path: string, response: Response): Promise<string | null> => {
		const { pathname } = new URL(path, 'http://relay');
		const template = templates.find(({ pattern }) => pattern.test(pathname));
		const operation = template && document.paths[template.path]?.[method.toLowerCase()];
		if (!operation) return null;
		const where = `${method} ${template.path} ${response.status}`;
		const described = operation.responses[response.status];
		if (!described) return `${where} is not described`;
		const content = (described as Exclude<Described, { $ref: string }>).content ?? {};
		const body = await response.text();
		if (Object.keys(content).length === 0)
			return body === '' ? null : `${where} has a body that is not described`;
		const type = response.headers.get('content-type')?.split(';')[0] ?? '';
		const schema = content[type]?.schema;
		if (!schema) return `${where} is of type ${type}, not ${Object.keys(content).join()}`;
		const value: unknown = type.endsWith('json') ? JSON.parse(body) : body;
		const { valid, errors } = validatorOf(schema).validate(value);
		return valid ? null : `${where} does not fit: ${JSON.stringify(errors)}`;
	};
}
