/**
 * A sink in a process of its own: `node sink-process.ts <events>`. Prints its URL, and a SinkResult once so many different
 * events have come and nothing more for a moment.
 */
import { openSink } from './sink.ts';

const sink = await openSink();
console.log(sink.url);
await sink.until({ events: Number(process.argv[2]) });
await new Promise((resolve) => setTimeout(resolve, 200));
console.log(JSON.stringify(sink.result()));
await sink.close();
