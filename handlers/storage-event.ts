import * as z from 'zod';
import { accountId, exceptionId, isAccountId, isExceptionId, isRegion, region } from '../src/core/index.ts';
import { type Detected, react, type Services } from '../src/enforcement/index.ts';
import { instantField } from './event.ts';
import { lambda } from './lambda.ts';

const envelope = z.object({
  id: z.string().min(1).max(200),
  time: instantField,
  account: z.string().refine(isAccountId).transform(accountId),
  region: z.string().refine(isRegion).transform(region),
  'detail-type': z.string(),
  detail: z.looseObject({}),
});
/** Whatever is not there or not text is simply not named. */
const call = z.object({
  eventSource: z.string(),
  userIdentity: z.object({ arn: z.string() }).catch({ arn: '' }).default({ arn: '' }),
});
const execution = z.object({ name: z.string() });

const ARN = /^arn:aws(-[a-z]+)*:(iam|sts)::[0-9]{12}:[\w+=,.@/-]{1,600}$/;
const KIND_OF: Readonly<Record<string, 'setting' | 'identity' | 'organization'>> = {
  'bedrock.amazonaws.com': 'setting',
  'bedrock-mantle.amazonaws.com': 'setting',
  'iam.amazonaws.com': 'identity',
  'organizations.amazonaws.com': 'organization',
};

/** Reads only where and when; undefined for an event that no rule of ours matches. */
export function detectedIn(event: unknown): Detected | undefined {
  const read = envelope.safeParse(event);
  if (!read.success) return undefined;
  const { id, time: at, account, region: where, detail } = read.data;
  const pair = { accountId: account, region: where };
  if (read.data['detail-type'] === 'Step Functions Execution Status Change') {
    const name = execution.safeParse(detail);
    // `ex-a1b2c3d4e5f6`, `ex-a1b2c3d4e5f6-2` for a later start, `ex-a1b2c3d4e5f6-end-1` for an ending, `-end-again1-1` for one
    // that began the proof anew.
    const exception = /^(ex-[0-9a-z]+)(-end(-again[0-9]+)?)?(-[0-9]+)?$/.exec(
      name.success ? name.data.name : '',
    )?.[1];
    return exception !== undefined && isExceptionId(exception)
      ? { id, at, kind: 'execution', exceptionId: exceptionId(exception) }
      : undefined;
  }
  const read2 = call.safeParse(detail);
  if (!read2.success) return undefined;
  const kind = Object.hasOwn(KIND_OF, read2.data.eventSource) ? KIND_OF[read2.data.eventSource] : undefined;
  if (kind === undefined) return undefined;
  if (kind === 'organization') return { id, at, kind };
  const { arn } = read2.data.userIdentity;
  return { id, at, kind, pair, ...(ARN.test(arn) ? { named: arn } : {}) };
}

/**
 * Target of the event rules: detector 5. An event that cannot be read is not worth a retry: the same bytes come again. The sweeper and
 * the Config rule do not depend on it.
 */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const detected = detectedIn(event);
  return detected === undefined ? { result: 'ignored' } : react(services, detected);
}

export const handler = lambda(handle);
