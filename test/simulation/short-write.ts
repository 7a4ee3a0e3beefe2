import { openEventFile } from '../../src/adapters/embedded/event-file.ts';
import { epochMs } from '../../src/core/index.ts';

/** Records long events until the file may not grow any more, then a short one; says how many were acknowledged. `argv`: the file. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: short-write.ts FILE');
const events = openEventFile(file, { now: () => epochMs(1_800_000_000_000) });
const record = (says: string) =>
  events.record({
    type: 'test',
    actor: { id: 'sweeper', kind: 'sweeper' },
    subject: 'short',
    data: { says },
  });
let acknowledged = 0;
try {
  for (; acknowledged < 1000; acknowledged++) await record('x'.repeat(300));
} catch (error) {
  const { code } = error as NodeJS.ErrnoException;
  // There is room for it only if the half line is gone.
  await record('');
  acknowledged += 1;
  process.stdout.write(JSON.stringify({ acknowledged, inMemory: events.events().length, code }));
}
