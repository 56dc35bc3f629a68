/**
 * Preloaded into the relay's process: on SIGUSR2 it meets a defect of the kind that BREAK_DOWN names, with the text of
 * the file BREAK_DOWN_WITH in its message, as errors that quote what they could not deal with have.
 */
import { readFileSync } from 'node:fs';

const { BREAK_DOWN, BREAK_DOWN_WITH = '' } = process.env;

const defects: Record<string, (text: string) => void> = {
	'an exception': (text) => {
		throw Object.assign(new Error(`can't go on with ${text}`, { cause: new Error(text) }), { quoted: text });
	},
	'a rejection': (text) => void Promise.reject(new Error(text)),
	// eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is the defect
	'a rejection that is no error': (text) => void Promise.reject(text),
	'a warning': (text) => {
		process.emitWarning(text);
		throw new Error(text);
	},
};

if (BREAK_DOWN !== undefined) {
	process.on('SIGUSR2', () => defects[BREAK_DOWN]?.(readFileSync(BREAK_DOWN_WITH, 'utf8')));
}
