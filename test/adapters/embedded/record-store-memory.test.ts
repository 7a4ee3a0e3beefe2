import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sqliteRecordStore } from '../../../src/adapters/embedded/record-store.ts';
import type { ConditionalWrite } from '../../../src/exceptions/index.ts';

type Fate = 'done' | 'failed' | 'failed-but-written';

const writeArb: fc.Arbitrary<ConditionalWrite> = fc.record({
  key: fc.constantFrom('a/1', 'a/2', 'b/1'),
  expectedVersion: fc.nat({ max: 3 }),
  value: fc.record({ n: fc.nat(), missing: fc.constant(undefined) }),
});
const commitArb = fc.record({
  writes: fc.uniqueArray(writeArb, { minLength: 1, maxLength: 3, selector: ({ key }) => key }),
  fate: fc.constantFrom<Fate>('done', 'done', 'failed', 'failed-but-written'),
});

type Commit = typeof commitArb extends fc.Arbitrary<infer T> ? T : never;

/** What a commit must answer, and in `versions` what it leaves behind. */
function outcomeOf(versions: Map<string, number>, { writes, fate }: Commit) {
  const isFirst = writes.every(({ key, expectedVersion }) => (versions.get(key) ?? 0) === expectedVersion);
  if (isFirst && fate !== 'failed')
    for (const { key, expectedVersion } of writes) versions.set(key, expectedVersion + 1);
  if (fate !== 'done') return 'rejected';
  return isFirst ? 'committed' : 'conflict';
}

describe('what the store remembers', () => {
  test.each([false, true])(
    'is what stands in the database, whatever became of a commit (gathered: %s)',
    (isGathered) =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(commitArb, { maxLength: 4 }), { maxLength: 12 }),
          async (turns) => {
            const database = new DatabaseSync(':memory:');
            const fates: Fate[] = [];
            const under = <T>(operation: string, act: () => T): T => {
              const fate = operation === 'dynamodb:TransactWriteItems' ? fates.shift() : 'done';
              if (fate === 'failed') throw new Error('failed');
              const result = act();
              if (fate === 'failed-but-written') throw new Error('no answer');
              return result;
            };
            const store = sqliteRecordStore(database, under, isGathered);
            const versions = new Map<string, number>();
            for (const turn of turns) {
              fates.push(...turn.map(({ fate }) => fate));
              const outcomes = await Promise.allSettled(turn.map(({ writes }) => store.commit(writes)));
              expect(outcomes.map((each) => (each.status === 'fulfilled' ? each.value : 'rejected'))).toEqual(
                turn.map((commit) => outcomeOf(versions, commit)),
              );
              const rows = database.prepare('SELECT key, version, value FROM rs_records ORDER BY key').all();
              // What was acknowledged is there, and nothing else.
              expect(rows.map(({ key, version }) => [key, version])).toEqual([...versions].sort());
              const stored = rows.map((row) => ({
                ...row,
                value: JSON.parse(String(row['value'])) as unknown,
              }));
              for (const prefix of ['a/', 'b/'])
                expect(await store.list(prefix)).toEqual(
                  stored.filter((row) => String((row as { key?: unknown }).key).startsWith(prefix)),
                );
              for (const key of ['a/1', 'a/2', 'b/1'])
                expect(await store.read(key)).toEqual(
                  stored.find((row) => (row as { key?: unknown }).key === key),
                );
            }
            database.close();
          },
        ),
        { numRuns: 60 },
      ),
  );
});
