/** The protected list that every `enrich/bulk` attaches its contacts to (contract E, G1). */
export const EXTENSION_LEADS = 'Extension Leads';

/** The hidden list, one per user, for enriched cohorts that are put into no other (B.21). */
export const MCP_RESULTS = 'MCP Results';

/** A list's name as names are compared: without regard to case, in any script. */
export const nameKey = (name: string): string => name.normalize('NFC').toLowerCase();
