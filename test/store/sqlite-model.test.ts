import { storeModel } from './model.ts';
import { sqlite, sqliteHere } from './sqlite-engine.ts';

storeModel(sqliteHere, { runs: 80, timeoutMs: 120_000 });
// Through the thread, what is called at the same moment shares a transaction.
storeModel(sqlite, { runs: 10, timeoutMs: 120_000 });
