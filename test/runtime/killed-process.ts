import { appendFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { bench, machineOf, START, task, tokenTask } from './harness.ts';

/** The process that durability.test.ts kills. `argv`: database file, file for the calls, `hang` or `go`. */
const [file, calls, mode] = process.argv.slice(2);
if (file === undefined || calls === undefined)
  throw new Error('usage: killed-process.ts DATABASE CALLS hang|go');

const machine = machineOf({
  StartAt: 'Ask',
  States: {
    Ask: tokenTask('ask', { TimeoutSeconds: 3600, ResultPath: '$.answer', Next: 'Enable' }),
    Enable: task('enable', { ResultPath: null, Next: 'Lease' }),
    Lease: { Type: 'Wait', Timestamp: '2026-01-13T00:00:00Z', End: true },
  },
});
const database = new DatabaseSync(file);
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
const b = bench(machine, {
  database,
  handlers: {
    ask: async (event, { requestId }) => {
      const { token } = event as { token: string };
      appendFileSync(calls, `ask ${requestId} ${token}\n`);
      return null;
    },
    enable: async (_event, { requestId }) => {
      appendFileSync(calls, `enable ${requestId}\n`);
      // The side effect has happened; the outcome is not durable yet. The parent kills this process here.
      if (mode === 'hang')
        await new Promise(() => {
          setInterval(() => undefined, 1000);
        });
      return null;
    },
  },
});
await b.runtime.start({ machine: 'm', name: 'x', input: { q: 1 } });
await b.runtime.runDue();
if (mode === 'hang') {
  const token = (await import('node:fs')).readFileSync(calls, 'utf8').trim().split(' ')[2] ?? '';
  await b.runtime.sendTaskSuccess(token, { agreed: true });
  await b.runtime.runDue();
}
const execution = await b.runtime.describe('m', 'x');
process.stdout.write(
  JSON.stringify({ active: execution?.activeStates, due: (b.runtime.nextDueAt() ?? 0) - START }),
);
