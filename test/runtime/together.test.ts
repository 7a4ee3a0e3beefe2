import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bench, machineOf, task } from './harness.ts';

/** Group commit: many executions share a transaction, and still nothing is called before its intent is durable. */

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'proviso-together-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const machine = machineOf({
  StartAt: 'First',
  States: {
    First: task('first', { ResultPath: null, Next: 'Pick' }),
    Pick: {
      Type: 'Choice',
      Choices: [{ Variable: '$.go', BooleanEquals: true, Next: 'Second' }],
      Default: 'End',
    },
    Second: task('second', { ResultPath: null, Next: 'End' }),
    End: { Type: 'Succeed' },
  },
});
const NAMES = Array.from({ length: 20 }, (_, index) => `x${index}`);

/** A file, and a second connection that sees only what is committed. */
function watched(name: string, together: number, fails?: string) {
  const file = join(directory, name);
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL');
  const other = new DatabaseSync(file, { readOnly: true });
  const seen: string[] = [];
  const phaseOf = (execution: string) =>
    other
      .prepare(
        'SELECT b.phase, b.state FROM wf_branches b JOIN wf_executions e ON e.id = b.execution_id WHERE e.name = ?',
      )
      .get(execution);
  const handler = (state: string) => async (_event: unknown, info: { executionName: string }) => {
    expect(phaseOf(info.executionName)).toMatchObject({ phase: 'invoking', state });
    seen.push(`${state} ${info.executionName}`);
    if (info.executionName === fails) throw new Error('refused');
    return {};
  };
  const b = bench(machine, {
    database,
    together,
    handlers: { first: handler('First'), second: handler('Second') },
  });
  const close = (): void => {
    other.close();
    database.close();
  };
  return { b, seen, close };
}

describe('with many executions at the same time', () => {
  test('every call comes after the commit of its intent, and one failure stays with its own execution', async () => {
    const w = watched('durable.db', 8, 'x3');
    await Promise.all(NAMES.map((name) => w.b.runtime.start({ machine: 'm', name, input: { go: true } })));
    await w.b.runtime.runDue();
    expect(w.seen).toHaveLength(2 * NAMES.length - 1);
    const ended = await w.b.runtime.list({});
    expect(ended.filter(({ status }) => status === 'SUCCEEDED')).toHaveLength(NAMES.length - 1);
    expect(await w.b.runtime.describe('m', 'x3')).toMatchObject({ status: 'FAILED', cause: 'refused' });
    w.close();
  });

  test('the histories are those of executions that run one after another', async () => {
    const historiesOf = async (together: number) => {
      const w = watched(`histories-${together}.db`, together);
      for (const name of NAMES) await w.b.runtime.start({ machine: 'm', name, input: { go: name !== 'x5' } });
      await w.b.runtime.runDue();
      const all = [];
      for (const name of NAMES) all.push(await w.b.runtime.history('m', name));
      w.close();
      return all;
    };
    expect(await historiesOf(8)).toEqual(await historiesOf(1));
  });

  test('their transitions are fewer transactions than steps', async () => {
    const count = async (together: number) => {
      const file = join(directory, `count-${together}.db`);
      const database = new DatabaseSync(file);
      const other = new DatabaseSync(file, { readOnly: true });
      database.exec('PRAGMA journal_mode = WAL');
      let transactions = 0;
      const exec = database.prepare.bind(database);
      database.prepare = (sql) => {
        const statement = exec(sql);
        if (sql !== 'COMMIT') return statement;
        return Object.assign(Object.create(statement), {
          run: () => {
            transactions += 1;
            return statement.run();
          },
        });
      };
      const b = bench(machine, {
        database,
        together,
        handlers: { first: async () => ({}), second: async () => ({}) },
      });
      await Promise.all(NAMES.map((name) => b.runtime.start({ machine: 'm', name, input: { go: true } })));
      await b.runtime.runDue();
      other.close();
      database.close();
      return transactions;
    };
    // One after another: the start, First called, Second called, the end. Together 20: each of these once for all.
    expect(await count(1)).toBe(4 * NAMES.length);
    expect(await count(20)).toBe(4);
  });

  test('an answer asked for at the same time as others is taken, or refused, each for itself', async () => {
    const w = watched('answers.db', 8);
    const answers = await Promise.all([
      w.b.runtime.start({ machine: 'm', name: 'same', input: { go: true } }),
      w.b.runtime.start({ machine: 'm', name: 'same', input: { go: true } }),
      w.b.runtime.start({ machine: 'm', name: 'same', input: { go: false } }),
      w.b.runtime.sendTaskSuccess('no-such-token', {}),
      w.b.runtime.stop('m', 'nobody'),
    ]);
    expect(answers).toMatchObject([
      { status: 'started', repeated: false },
      { status: 'started', repeated: true },
      { status: 'already-exists' },
      { ok: false, error: { code: 'TaskDoesNotExist' } },
      { ok: false, error: { code: 'ExecutionDoesNotExist' } },
    ]);
    w.close();
  });
});
