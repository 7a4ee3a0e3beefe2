import * as z from 'zod';
import { accountId, exceptionId, isAccountId, isExceptionId, isRegion, region } from '../src/core/index.ts';
import {
  type Detected,
  noteForwarding,
  noteRead,
  type Pair,
  react,
  type Services,
} from '../src/enforcement/index.ts';
import type { ContentRead } from '../src/exceptions/index.ts';
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

/** Calls that bring content to their caller, and name the place. What is named by a query's or record's id alone cannot be told apart. */
const OBJECT_READS = ['GetObject', 'SelectObjectContent'];
const LOG_READS = ['FilterLogEvents', 'GetLogEvents', 'StartLiveTail', 'StartQuery'];
const MOST_GROUPS = 50;

const text = z.string().min(1).max(1100);
const groups = z.array(text).max(MOST_GROUPS);
const readCall = z.object({
  eventSource: z.string(),
  eventName: z.string(),
  errorCode: z.undefined().optional(),
  userIdentity: z
    .object({
      arn: z.string().catch(''),
      sessionContext: z
        .object({ sessionIssuer: z.object({ arn: z.string().catch('') }) })
        .optional()
        .catch(undefined),
    })
    .catch({ arn: '' })
    .default({ arn: '' }),
  requestParameters: z.object({
    bucketName: text.optional(),
    key: text.optional(),
    logGroupName: text.optional(),
    logGroupIdentifier: text.optional(),
    logGroupNames: groups.optional(),
    logGroupIdentifiers: groups.optional(),
  }),
});

/** `arn:aws:logs:us-east-1:222222222222:log-group:/incidents/ex-1:*` is `/incidents/ex-1`. */
const groupName = (identifier: string): string =>
  identifier.replace(/^arn:[^:]*:logs:[^:]*:[^:]*:log-group:/, '').replace(/:\*$/, '');

/** Who read, when and where; never what. Undefined for an event that is no read. */
export function contentReadIn(event: unknown): ContentRead | undefined {
  const read = envelope.safeParse(event);
  if (!read.success || read.data['detail-type'] !== 'AWS API Call via CloudTrail') return undefined;
  const { id, time: at, account, region: where, detail } = read.data;
  const made = readCall.safeParse(detail);
  if (!made.success) return undefined;
  const { eventSource, eventName, userIdentity, requestParameters: asked } = made.data;
  const place: Pair = { accountId: account, region: where };
  const role = userIdentity.sessionContext?.sessionIssuer.arn ?? '';
  const common = {
    id,
    at,
    place,
    call: eventName,
    by: ARN.test(userIdentity.arn) ? userIdentity.arn : '',
    ...(ARN.test(role) ? { role } : {}),
  };
  if (eventSource === 's3.amazonaws.com' && OBJECT_READS.includes(eventName)) {
    const { bucketName, key } = asked;
    return bucketName === undefined || key === undefined ? undefined : { ...common, of: { bucketName, key } };
  }
  if (eventSource !== 'logs.amazonaws.com' || !LOG_READS.includes(eventName)) return undefined;
  const named = [
    asked.logGroupName,
    asked.logGroupIdentifier,
    ...(asked.logGroupNames ?? []),
    ...(asked.logGroupIdentifiers ?? []),
  ].filter((each) => each !== undefined);
  return named.length === 0 ? undefined : { ...common, of: { logGroups: named.map(groupName) } };
}

/** A sign of templates/member-events.yml that reads are forwarded from there. */
const SIGN = /^arn:aws(-[a-z]+)*:events:[a-z0-9-]+:[0-9]{12}:rule\/ProvisoReadsForwarded$/;
const sign = z.object({ resources: z.array(z.string()).max(10) });

export function forwardingIn(event: unknown): Pair | undefined {
  const read = envelope.safeParse(event);
  const signs = sign.safeParse(event);
  if (!read.success || !signs.success || read.data['detail-type'] !== 'Scheduled Event') return undefined;
  if (!signs.data.resources.some((arn) => SIGN.test(arn))) return undefined;
  return { accountId: read.data.account, region: read.data.region };
}

/**
 * Target of the event rules: detector 5. An event that cannot be read is not worth a retry: the same bytes come again. The sweeper and
 * the Config rule do not depend on it.
 */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const read = contentReadIn(event);
  if (read !== undefined) return noteRead(services, read);
  const pair = forwardingIn(event);
  if (pair !== undefined) return noteForwarding(services, pair);
  const detected = detectedIn(event);
  return detected === undefined ? { result: 'ignored' } : react(services, detected);
}

export const handler = lambda(handle);
