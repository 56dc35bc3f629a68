/** Deliveries are numbered; outside the store the number carries a prefix that says what it is. */
export const deliveryId = (row: number): string => `dlv_${row}`;

/** The number in a delivery's id; 0, which no delivery has, when it is no such id. */
export function deliveryRow(id: string): number {
	return /^dlv_[1-9]\d{0,14}$/.test(id) ? Number(id.slice('dlv_'.length)) : 0;
}
