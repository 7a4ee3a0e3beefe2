import { beforeEach, expect } from 'vitest';
import { type DomainEvent, epochMs, type Recorder } from '../../src/core/index.ts';
import { contractCases, type Gap } from './contract.ts';

export interface RecordedInOrder {
  readonly seq: number;
  readonly type: string;
  /** Epoch milliseconds or an instant's text. */
  readonly at: number | string;
}

export interface RecorderSubject {
  /** Opens the record as a new process does. */
  open(): Promise<Recorder>;
  /** Everything that is recorded, in order. */
  events(): Promise<readonly RecordedInOrder[]>;
}

const event = (type: string): DomainEvent => ({
  type,
  actor: { id: 'workflow', kind: 'workflow' },
  subject: 'ex-000000000000',
  data: { says: type },
});

/** What every recorder does. @param make - an empty record */
export function recorderContract(make: () => Promise<RecorderSubject>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let subject: RecorderSubject;
  beforeEach(async () => {
    subject = await make();
  });

  test('events stand in the order in which they were recorded, numbered from one', async () => {
    const recorder = await subject.open();
    for (const type of ['a', 'b', 'c']) await recorder.record(event(type));
    expect((await subject.events()).map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
  });

  test('another process goes on where the last one ended', async () => {
    await (await subject.open()).record(event('a'));
    await (await subject.open()).record(event('b'));
    expect((await subject.events()).map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  test('events recorded at the same time are all there, once, without a gap', async () => {
    const recorder = await subject.open();
    const types = Array.from({ length: 10 }, (_, index) => `event.${index}`);
    await Promise.all(types.map((type) => recorder.record(event(type))));
    const events = await subject.events();
    expect(events.map(({ seq }) => seq)).toEqual(types.map((_, index) => index + 1));
    expect(events.map(({ type }) => type).sort()).toEqual([...types].sort());
  });

  test('an event with a key is recorded once, also by another process and at the same time', async () => {
    const keyed = { ...event('a'), key: 'ex-000000000000/7/0' };
    const recorder = await subject.open();
    await recorder.record(keyed);
    await Promise.all([recorder.record(keyed), recorder.record(event('b')), recorder.record(keyed)]);
    await (await subject.open()).record(keyed);
    expect((await subject.events()).map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  test('an event that is told late keeps the time at which it happened', async () => {
    const at = epochMs(Date.parse('2026-11-20T23:59:59Z'));
    await (await subject.open()).record({ ...event('a'), at });
    const [told] = await subject.events();
    expect(new Date(told?.at ?? 0).getTime()).toBe(at);
  });
}
