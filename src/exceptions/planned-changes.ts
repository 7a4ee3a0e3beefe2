import { durationMs, type EpochMs, epochMs, formatInstant, MINUTE } from '../core/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { endOf } from './lease.ts';
import type { PlacedLease } from './places.ts';
import { durationOf } from './request.ts';
import type { ExceptionRecord } from './types.ts';

/**
 * A call that is going to be made, so that whoever watches CloudTrail can tell it from an attack. Any other Put or Delete of the settings, or
 * one outside the window or by another role, is not ours.
 */
export interface PlannedChange {
  readonly exceptionId: string;
  readonly reference: string;
  readonly accountId: string;
  readonly region: string;
  readonly purpose: 'switch on' | 'switch off';
  /** As CloudTrail writes them. */
  readonly eventSource: 'bedrock.amazonaws.com';
  readonly eventNames: readonly string[];
  /** Name of the role in the account that makes the call, as templates/member-account.yml calls it. */
  readonly roleName: 'ProvisoEnable' | 'ProvisoDisable';
  readonly notBefore: string;
  readonly notAfter: string;
}

/** The sweeper's bound: switched off later than this is overdue, and somebody is told. */
const OFF_WITHIN = durationMs(15 * MINUTE);

/** What the exception is still going to change, place by place, by its leases; nothing where it is read back as off. */
export const plannedChanges = (
  record: Pick<ExceptionRecord, 'id' | 'request'>,
  leases: readonly PlacedLease[],
  policy: LoadedPolicy,
): readonly PlannedChange[] => leases.flatMap((placed) => changesOf(record, placed, policy));

function changesOf(
  { id, request }: Pick<ExceptionRecord, 'id' | 'request'>,
  { accountId, region, lease }: PlacedLease,
  { policy }: LoadedPolicy,
): readonly PlannedChange[] {
  if (lease.released === true || lease.offAt !== undefined) return [];
  const common = {
    exceptionId: id,
    reference: request.reference,
    accountId,
    region,
    eventSource: 'bedrock.amazonaws.com',
  } as const;
  const window = (from: EpochMs, length: number) => ({
    notBefore: formatInstant(from),
    notAfter: formatInstant(epochMs(from + length)),
  });
  const off = {
    ...common,
    purpose: 'switch off',
    // Which of the two depends on the baseline, which is fixed at the start; where a Put fails, a Delete follows.
    eventNames: [
      'DeleteModelInvocationLoggingConfiguration',
      ...(lease.enabling !== undefined && lease.baseline.kind === 'none'
        ? []
        : ['PutModelInvocationLoggingConfiguration']),
    ],
    roleName: 'ProvisoDisable',
    ...window(endOf(lease), OFF_WITHIN),
  } as const;
  if (lease.enabling !== undefined) return [off];
  if (lease.revoked !== undefined) return [];
  const on = {
    ...common,
    purpose: 'switch on',
    eventNames: ['PutModelInvocationLoggingConfiguration'],
    roleName: 'ProvisoEnable',
    ...window(lease.startsAt, durationOf(policy.exceptions.limits.enableWithin)),
  } as const;
  return [on, off];
}
