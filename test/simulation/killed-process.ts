import { openState } from '../../src/compose.ts';
import { epochMs } from '../../src/core/index.ts';

/** The process that crash.test.ts kills. `argv`: state directory, instant in the middle of a lease. */
const [directory, until] = process.argv.slice(2);
if (directory === undefined || until === undefined)
  throw new Error('usage: killed-process.ts DIRECTORY INSTANT_MS');
const opened = openState(directory);
if (!opened.ok) throw new Error(opened.error.message);
const { world, simulatedClock } = opened.value;
if (simulatedClock === undefined) throw new Error('not a simulated state');
await world.advanceTo(simulatedClock, epochMs(Number(until)));
process.stdout.write('in the lease\n');
setInterval(() => undefined, 1000);
