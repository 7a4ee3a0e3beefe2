import { beforeEach, expect } from 'vitest';
import { beginCall } from '../../src/api/index.ts';
import { epochMs, principalId } from '../../src/core/index.ts';
import type { RecordStore } from '../../src/exceptions/index.ts';
import { contractCases, type Gap } from './contract.ts';

const LENA = principalId('lena');
const CALL = { method: 'POST', path: '/exceptions', body: { request: { reason: 'né' } } };
const ANSWER = { status: 201, contentType: 'application/json', body: '{"id":"é"}' };

/** What keeping idempotency keys needs of every record store. @param make - an empty store */
export function idempotencyContract(make: () => Promise<RecordStore>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let store: RecordStore;
  let now: number;
  let ids: number;
  beforeEach(async () => {
    store = await make();
    now = Date.parse('2026-11-21T09:00:00Z');
    ids = 0;
  });
  const services = () => ({
    store,
    clock: { now: () => epochMs(now) },
    ids: { next: (length: number) => String(++ids).padStart(length, '0') },
  });
  const begin = (key: string, call = CALL, caller = LENA) => beginCall(services(), caller, key, call);
  const started = async (key: string) => {
    const begun = await begin(key);
    if (!begun.ok || !('keep' in begun.value)) throw new Error(JSON.stringify(begun));
    return begun.value;
  };
  const codeOf = async (begun: ReturnType<typeof begin>) => {
    const result = await begun;
    return result.ok ? undefined : result.error.code;
  };

  test('the answer that was kept comes back, byte for byte', async () => {
    const first = await started('key-00000001');
    expect(first.isRepeat).toBe(false);
    await first.keep(ANSWER);
    expect(await begin('key-00000001')).toEqual({ ok: true, value: ANSWER });
  });

  test('another call under the key is refused, and another person’s key is another key', async () => {
    await (await started('key-00000002')).keep(ANSWER);
    expect(await codeOf(begin('key-00000002', { ...CALL, body: { request: {} } as typeof CALL.body }))).toBe(
      'KEY_REUSED',
    );
    expect((await begin('key-00000002', CALL, principalId('priya'))).ok).toBe(true);
  });

  test('of two at the same time one begins, and the other is told', async () => {
    const both = await Promise.all([begin('key-00000003'), begin('key-00000003')]);
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
    expect(both.flatMap((each) => (each.ok ? [] : [each.error.code]))).toEqual(['IN_PROGRESS']);
  });

  test('an attempt that died is taken up after a minute with the id that it had', async () => {
    const first = await started('key-00000004');
    now += 59_999;
    expect(await codeOf(begin('key-00000004'))).toBe('IN_PROGRESS');
    now += 1;
    const second = await started('key-00000004');
    expect(second).toMatchObject({ isRepeat: true, newId: first.newId });
    // The one that was given up comes back late: its answer does not replace what the other keeps.
    await second.keep(ANSWER);
    await first.keep({ ...ANSWER, body: 'late' });
    expect(await begin('key-00000004')).toEqual({ ok: true, value: ANSWER });
  });

  test('a fault of the service is not kept: the next attempt begins at once, with the same id', async () => {
    const first = await started('key-00000005');
    await first.keep({ ...ANSWER, status: 500 });
    expect(await started('key-00000005')).toMatchObject({ isRepeat: true, newId: first.newId });
  });
}
