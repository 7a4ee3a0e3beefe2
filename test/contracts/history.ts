import { beforeEach, expect } from 'vitest';
import { epochMs, type History, type Recorder } from '../../src/core/index.ts';
import { contractCases, type Gap } from './contract.ts';

export interface HistorySubject {
  readonly recorder: Recorder;
  readonly history: History;
}

const EXCEPTION = 'ex-000000000001';
const event = (type: string, subject: string, data: Readonly<Record<string, unknown>> = {}) => ({
  type,
  actor: { id: 'lena', kind: 'person' as const },
  subject,
  data: { says: type, ...data },
});

/** What every history does. @param make - an empty record, and its reader */
export function historyContract(make: () => Promise<HistorySubject>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let subject: HistorySubject;
  beforeEach(async () => {
    subject = await make();
  });

  test('of a subject that nothing happened to there is nothing', async () => {
    await subject.recorder.record(event('a', 'ex-000000000002'));
    expect(await subject.history.about(EXCEPTION)).toEqual([]);
  });

  test('what was recorded about a subject comes back in order, whole and at once', async () => {
    await subject.recorder.record(event('a', EXCEPTION, { reason: 'né “x” </script>' }));
    await subject.recorder.record(event('other', 'ex-000000000002'));
    await subject.recorder.record(event('b', EXCEPTION));
    const found = await subject.history.about(EXCEPTION);
    expect(found.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'a'],
      [3, 'b'],
    ]);
    expect(found[0]).toMatchObject({
      actor: { id: 'lena', kind: 'person' },
      subject: EXCEPTION,
      data: { reason: 'né “x” </script>' },
    });
    expect(found[0]?.at).toBeGreaterThan(Date.parse('2020-01-01T00:00:00Z'));
  });

  test('a subject that another one begins with, or an event only mentions, is not meant', async () => {
    await subject.recorder.record(event('longer', `${EXCEPTION}0`));
    await subject.recorder.record(
      event('mentions', 'ex-000000000002', { subject: EXCEPTION, of: `"subject":"${EXCEPTION}"` }),
    );
    await subject.recorder.record(event('meant', EXCEPTION));
    expect((await subject.history.about(EXCEPTION)).map(({ type }) => type)).toEqual(['meant']);
  });

  test('of a time come back the events of these types, the end left out', async () => {
    const at = (text: string) => epochMs(Date.parse(text));
    const [from, to] = [at('2026-10-01T00:00:00Z'), at('2027-01-01T00:00:00Z')];
    const told = (type: string, when: string, data = {}) =>
      subject.recorder.record({ ...event(type, EXCEPTION, data), at: at(when) });
    await told('a', '2026-09-30T23:59:59.999Z');
    await told('a', '2026-10-01T00:00:00Z');
    // Told late: order is that of the record, not of what happened when.
    await told('b', '2026-11-05T12:00:00Z');
    await told('a.more', '2026-11-01T00:00:00Z', { of: '"type":"a"' });
    await told('a', '2026-11-01T00:00:00Z');
    await told('a', '2027-01-01T00:00:00Z');
    const found = await subject.history.during({ from, to }, ['a', 'b', 'unheard-of']);
    expect(found.map(({ seq, type }) => [seq, type])).toEqual([
      [2, 'a'],
      [3, 'b'],
      [5, 'a'],
    ]);
    expect(await subject.history.during({ from, to }, [])).toEqual([]);
  });

  test('an event with a key is found by it, and by nothing else', async () => {
    const keyed = { ...event('a', EXCEPTION, { observed: 'né' }), key: 'contest/1' };
    expect(await subject.history.told('contest/1')).toBeUndefined();
    await subject.recorder.record(event('before', EXCEPTION));
    await subject.recorder.record(keyed);
    await subject.recorder.record({ ...keyed, type: 'later' });
    expect(await subject.history.told('contest/1')).toMatchObject({
      seq: 2,
      type: 'a',
      data: { observed: 'né' },
    });
    expect(await subject.history.told('contest')).toBeUndefined();
  });

  test('more than one page comes back complete', async () => {
    const padding = 'x'.repeat(60_000);
    for (let index = 0; index < 20; index++)
      await subject.recorder.record(
        event(`e${index}`, index % 2 === 0 ? EXCEPTION : 'ex-000000000002', { padding }),
      );
    expect((await subject.history.about(EXCEPTION)).map(({ type }) => type)).toEqual(
      Array.from({ length: 10 }, (_, index) => `e${index * 2}`),
    );
  });
}
