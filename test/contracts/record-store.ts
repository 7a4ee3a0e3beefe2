import { beforeEach, expect } from 'vitest';
import type { RecordStore } from '../../src/exceptions/index.ts';
import { contractCases, type Gap } from './contract.ts';

let run = 0;

/** What every record store does. @param open - a store that may hold records of other kinds */
export function recordStoreContract(open: () => Promise<RecordStore>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let store: RecordStore;
  let kind: string;
  const create = (key: string, value: unknown) => store.commit([{ key, expectedVersion: 0, value }]);

  beforeEach(async () => {
    store = await open();
    kind = `kind${++run}`;
  });

  test('a key that was never written has no record', async () => {
    expect(await store.read(`${kind}/none`)).toBeUndefined();
    expect(await store.list(`${kind}/`)).toEqual([]);
  });

  test('what is read is exactly what was written', async () => {
    const value = { text: '', nothing: null, nested: { list: [0, -1.5, 'ü\u{1f512}\n', {}], no: false } };
    expect(await create(`${kind}/a/b`, value)).toBe('committed');
    expect(await store.read(`${kind}/a/b`)).toEqual({ key: `${kind}/a/b`, version: 1, value });
  });

  test('every write raises the version by one', async () => {
    const key = `${kind}/a`;
    for (let version = 0; version < 4; version++)
      expect(await store.commit([{ key, expectedVersion: version, value: { version } }])).toBe('committed');
    expect(await store.read(key)).toEqual({ key, version: 4, value: { version: 3 } });
  });

  test('a record that is there already is not created again', async () => {
    await create(`${kind}/a`, { first: true });
    expect(await create(`${kind}/a`, { first: false })).toBe('conflict');
    expect((await store.read(`${kind}/a`))?.value).toEqual({ first: true });
  });

  test('a version that is not the present one is a conflict, and nothing is written', async () => {
    const key = `${kind}/a`;
    await create(key, 1);
    await store.commit([{ key, expectedVersion: 1, value: 2 }]);
    expect(await store.commit([{ key, expectedVersion: 1, value: 3 }])).toBe('conflict');
    expect(await store.commit([{ key, expectedVersion: 9, value: 3 }])).toBe('conflict');
    expect(await store.read(key)).toEqual({ key, version: 2, value: 2 });
  });

  test('a commit of several records is all or nothing', async () => {
    await create(`${kind}/there`, 0);
    const both = (expectedVersion: number) =>
      store.commit([
        { key: `${kind}/new`, expectedVersion: 0, value: 1 },
        { key: `${kind}/there`, expectedVersion, value: 1 },
      ]);
    expect(await both(7)).toBe('conflict');
    expect(await store.read(`${kind}/new`)).toBeUndefined();
    expect(await both(1)).toBe('committed');
    expect((await store.list(`${kind}/`)).map(({ key, version }) => [key, version])).toEqual([
      [`${kind}/new`, 1],
      [`${kind}/there`, 2],
    ]);
  });

  test('a list has the records below its prefix, by key, and no others', async () => {
    for (const key of ['b', 'a/2', 'a/10', 'ab', 'a']) await create(`${kind}/${key}`, key);
    await create(`${kind}x/a`, 'of another kind');
    const keys = async (prefix: string) => (await store.list(prefix)).map(({ key }) => key);
    expect(await keys(`${kind}/`)).toEqual(['a', 'a/10', 'a/2', 'ab', 'b'].map((key) => `${kind}/${key}`));
    expect(await keys(`${kind}/a/`)).toEqual(['a/10', 'a/2'].map((key) => `${kind}/${key}`));
  });

  test('a list of more than a megabyte is complete', async () => {
    const text = 'x'.repeat(300_000);
    for (let index = 0; index < 5; index++) await create(`${kind}/${index}`, { text, index });
    expect((await store.list(`${kind}/`)).map(({ value }) => (value as { index: number }).index)).toEqual([
      0, 1, 2, 3, 4,
    ]);
  });

  test('of many writers of one version exactly one wins', async () => {
    const key = `${kind}/a`;
    await create(key, 'start');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, writer) => store.commit([{ key, expectedVersion: 1, value: writer }])),
    );
    expect(outcomes.filter((outcome) => outcome === 'committed')).toHaveLength(1);
    expect(await store.read(key)).toEqual({ key, version: 2, value: outcomes.indexOf('committed') });
  });
}
