import { z } from 'zod';
import { IsoInstant, envelope, upTo } from './common.ts';
import { tolerant } from './tolerant.ts';

/** Longest list name after trimming, in characters (G27). */
export const LIST_NAME_MAX = 200;

/** 1 to 200 characters after trimming (G27). */
export const ListName = upTo(
	LIST_NAME_MAX,
	z.string().trim().min(1, 'String should have at least 1 character'),
);

export const CreateListRequest = z.strictObject({
	name: ListName,
	description: z.string().nullish(),
	folder_id: z.string().nullish(),
});
export type CreateListRequest = z.input<typeof CreateListRequest>;

/** At least one field; omitted means unchanged, null clears, and a name can't be null (B.13). */
export const UpdateListRequest = z
	.strictObject({
		name: ListName.optional(),
		description: z.string().nullable().optional(),
		folder_id: z.string().nullable().optional(),
	})
	.refine((body) => Object.values(body).some((value) => value !== undefined), {
		message: 'At least one of name, description or folder_id must be provided',
	});
export type UpdateListRequest = z.input<typeof UpdateListRequest>;

export const ListDetailResponse = z.strictObject({
	...envelope,
	list_id: z.string(),
	name: z.string(),
	description: z.string().nullish(),
	folder_id: z.string().nullish(),
	lead_count: z.int().min(0),
	enriched_count: z.int().min(0),
	created_at: IsoInstant.nullish(),
	reused: z.boolean().default(false),
});
export type ListDetailResponse = z.infer<typeof ListDetailResponse>;
export const ListDetailRead = tolerant(ListDetailResponse);
export type ListDetailRead = z.infer<typeof ListDetailRead>;

export const LIST_PAGE = { default: 50, max: 100 } as const;

export const ListSummary = z.strictObject({
	list_id: z.string(),
	name: z.string(),
	lead_count: z.int().min(0),
	folder_id: z.string().nullish(),
	created_at: IsoInstant.nullish(),
	owner_name: z.string().nullish(),
	visibility: z.enum(['private', 'organization', 'shared']).nullish(),
});
export const ListsPageResponse = z.strictObject({
	...envelope,
	lists: z.array(ListSummary),
	total: z.int().min(0),
	cursor: z.string().nullish(),
});
export const ListsPageRead = tolerant(ListsPageResponse);
export type ListsPageRead = z.infer<typeof ListsPageRead>;

export const DeleteListResponse = z.strictObject({
	...envelope,
	list_id: z.string(),
	deleted: z.boolean(),
});
export const DeleteListRead = tolerant(DeleteListResponse);
export type DeleteListRead = z.infer<typeof DeleteListRead>;

export const LEAD_PAGE = { default: 100, max: 500 } as const;

export const LeadRow = z.strictObject({
	lead_id: z.string(),
	first_name: z.string().nullish(),
	last_name: z.string().nullish(),
	full_name: z.string().nullish(),
	email: z.string().nullish(),
	/** E.164, the primary personal number. */
	phone: z.string().nullish(),
	title: z.string().nullish(),
	company: z.string().nullish(),
	/** "City, State, Country" */
	location: z.string().nullish(),
	linkedin_url: z.string().nullish(),
	provider: z.string().nullish(),
});
export type LeadRow = z.infer<typeof LeadRow>;
export const LeadsPageResponse = z.strictObject({
	...envelope,
	list_id: z.string(),
	leads: z.array(LeadRow),
	total: z.int().min(0),
	cursor: z.string().nullish(),
});
export const LeadsPageRead = tolerant(LeadsPageResponse);
export type LeadsPageRead = z.infer<typeof LeadsPageRead>;
