/** The protected list that every `enrich/bulk` attaches its contacts to (contract E, G1). */
export const EXTENSION_LEADS = 'Extension Leads';

/** A list's name as names are compared: without regard to case, in any script. */
export const nameKey = (name: string): string => name.normalize('NFC').toLowerCase();
