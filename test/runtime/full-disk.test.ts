import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { settle } from '../../src/runtime/gather.ts';
import { WorkflowStore } from '../../src/runtime/store.ts';

/* SQLite takes a whole transaction back by itself when the disk is full, and not only the statement that found it so. */

const start =
  (store: WorkflowStore, name: string, input = '{}') =>
  () =>
    store.transaction(() => {
      const execution = {
        machine: 'm',
        name,
        definition_hash: 'h',
        input,
        input_hash: 'x',
        status: 'RUNNING' as const,
        started_at: 0,
        stopped_at: null,
        output: null,
        error: null,
        cause: null,
        deadline: 1,
        events: 0,
      };
      const id = store.addExecution(execution);
      store.addBranch({
        execution_id: id,
        parent_id: null,
        item_index: 0,
        item_value: null,
        state: 'A',
        input: '{}',
        due_at: 0,
      });
      return id;
    });

const leftOf = (database: DatabaseSync) => [
  database.prepare('SELECT name FROM wf_executions').all(),
  database.prepare('SELECT execution_id FROM wf_branches').all(),
];

it('leaves nothing of any part, and nothing of it to the next execution', () => {
  const database = new DatabaseSync(':memory:');
  const store = new WorkflowStore(database);
  const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
  database.exec(`PRAGMA max_page_count = ${pages + 2}`);
  const large = 'x'.repeat(100_000);
  const parts = [start(store, 'first'), start(store, 'large', large), start(store, 'after')];
  expect(() => store.transaction(() => parts.map((part) => settle(part)))).toThrow(
    'took the transaction back',
  );
  expect(leftOf(database)).toEqual([[], []]);
  database.exec('PRAGMA max_page_count = 100000');
  const id = start(store, 'later')();
  expect(leftOf(database)).toEqual([[{ name: 'later' }], [{ execution_id: id }]]);
});
