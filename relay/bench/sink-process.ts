/**
 * Sinks in a process of their own: `node sink-process.ts <events> [<sinks>]`. Prints their URLs in one line, with commas, and then
 * a SinkResult of each in turn, once so many different events have come to it and nothing more for a moment.
 */
import { openSink } from './sink.ts';

const [events, count = 1] = process.argv.slice(2).map(Number);
const sinks = await Promise.all(Array.from({ length: count }, openSink));
console.log(sinks.map(({ url }) => url).join(','));
for (const sink of sinks) {
	await sink.until({ events: events! });
	await new Promise((resolve) => setTimeout(resolve, 200));
	console.log(JSON.stringify(sink.result()));
	await sink.close();
}
