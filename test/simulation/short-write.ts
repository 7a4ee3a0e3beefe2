import { openEventFile } from '../../src/adapters/embedded/event-file.ts';
import { epochMs } from '../../src/core/index.ts';

/** Records events until the file may not grow any more; says how many were acknowledged. `argv`: the file. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: short-write.ts FILE');
const events = openEventFile(file, { now: () => epochMs(1_800_000_000_000) });
let acknowledged = 0;
try {
  for (; acknowledged < 1000; acknowledged++)
    await events.record({
      type: 'test.long',
      actor: { id: 'sweeper', kind: 'sweeper' },
      subject: 'short-write',
      data: { says: 'x'.repeat(300) },
    });
} catch (error) {
  const { code } = error as NodeJS.ErrnoException;
  process.stdout.write(JSON.stringify({ acknowledged, inMemory: events.events().length, code }));
}
