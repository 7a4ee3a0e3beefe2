import {
  type EpochMs,
  type ExceptionId,
  err,
  exceptionId,
  formatInstant,
  hashOf,
  ok,
  type PrincipalId,
  type Result,
  sha256Hex,
} from '../core/index.ts';
import { encode, readRecord } from '../exceptions/index.ts';
import type { Failure } from './failures.ts';
import type { ApiServices } from './ports.ts';

/** The answer that a key stands for: the same bytes for whoever repeats the call. */
export interface KeptAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface KeyRecord {
  /** Of method, path and body. */
  readonly callHash: string;
  readonly startedAt: EpochMs;
  readonly newId: ExceptionId;
  readonly answer?: KeptAnswer;
}

export interface Started {
  readonly newId: ExceptionId;
  /** An attempt before this one never answered; what it did may be there. */
  readonly isRepeat: boolean;
  readonly keep: (answer: KeptAnswer) => Promise<void>;
}

/** Longer than a call can take (29 s in AWS): an attempt that is older has died. */
const ATTEMPT_MS = 60_000;

/**
 * `Idempotency-Key`, as the IETF draft *The Idempotency-Key HTTP Header Field* has it. A key belongs to one person and one call for ever.
 * The key is written before the call acts, with the id that a new exception will get, so that an attempt whose answer was lost is taken up
 * again and does nothing twice. Faults of the service are not kept: the call may be tried again.
 *
 * @returns the kept answer; or `started`; or a refusal: the key was used for another call, or the call is under way
 */
export async function beginCall(
  services: Pick<ApiServices, 'store' | 'clock' | 'ids'>,
  caller: PrincipalId,
  key: string,
  call: { readonly method: string; readonly path: string; readonly body: unknown },
): Promise<Result<Started | KeptAnswer, Failure>> {
  const { store, clock, ids } = services;
  const recordKey = `idempotency/${caller}/${sha256Hex(key)}`;
  const callHash = hashOf(call);
  for (;;) {
    const now = clock.now();
    const found = await readRecord<KeyRecord>(store, recordKey);
    if (found !== undefined && found.value.callHash !== callHash)
      return err({
        code: 'KEY_REUSED',
        message: 'this `Idempotency-Key` was used for another call',
        remedy: 'make a new key for every new call; repeat a call with the same key and the same body',
      });
    if (found?.value.answer !== undefined) return ok(found.value.answer);
    if (found !== undefined && now - found.value.startedAt < ATTEMPT_MS)
      return err({
        code: 'IN_PROGRESS',
        message: `the same call is under way since ${formatInstant(found.value.startedAt)}`,
        remedy: 'ask again with the same key in a minute',
      });
    const expectedVersion = found?.version ?? 0;
    const record: KeyRecord = {
      callHash,
      startedAt: now,
      newId: found?.value.newId ?? exceptionId(`ex-${ids.next(12)}`),
    };
    if ((await store.commit([{ key: recordKey, expectedVersion, value: encode(record) }])) === 'conflict')
      continue;
    return ok({
      newId: record.newId,
      isRepeat: found !== undefined,
      keep: async (answer) => {
        const isFault = answer.status >= 500;
        // A fault is over: the next attempt need not wait, but must look at what this one did.
        const kept: KeyRecord = isFault ? { ...record, startedAt: 0 as EpochMs } : { ...record, answer };
        await store.commit([{ key: recordKey, expectedVersion: expectedVersion + 1, value: encode(kept) }]);
      },
    });
  }
}
