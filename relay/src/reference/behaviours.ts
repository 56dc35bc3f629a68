/** What can be switched in this build, each named after the behaviour of the vendor's that is in doubt. */
export interface Behaviours {
	/** The vendor has a kill switch on CSV import; off means 503 (B.18). Default: on. */
	csvImport: boolean;
}

export const DEFAULT_BEHAVIOURS: Behaviours = { csvImport: true };
