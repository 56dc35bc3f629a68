/** Where the reference API is steered. */
export const CONTROL_PREFIX = '/reference';

/** Where exported files are fetched from: without a key, for the link itself says who may. */
export const DOWNLOADS_PREFIX = '/api/downloads';
