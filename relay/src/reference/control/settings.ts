/** What can change while the reference API runs; read it when it is needed, not before. */
export interface Settings {
	/** Of what enrichment finds, and of faults by chance. */
	seed: string;
}
