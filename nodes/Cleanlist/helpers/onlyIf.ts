import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';

/**
 * The fields, shown only where `show` holds, besides what they ask for themselves. `show` comes first: n8n looks no
 * further than the first that is an expression, and shows the field then.
 */
export function onlyIf(show: IDisplayOptions['show'], fields: INodeProperties[]): INodeProperties[] {
	return fields.map((field) => ({
		...field,
		displayOptions: { ...field.displayOptions, show: { ...show, ...field.displayOptions?.show } },
	}));
}
