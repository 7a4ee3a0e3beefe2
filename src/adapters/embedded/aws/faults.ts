import type { DatabaseSync } from 'node:sqlite';
import { AwsCallError } from '../../../exceptions/index.ts';
import { prepared } from '../statements.ts';

/** Operations that can be made to misbehave, by their AWS names. */
export const FAULTY_OPERATIONS = [
  'bedrock:PutModelInvocationLoggingConfiguration',
  'bedrock:DeleteModelInvocationLoggingConfiguration',
  'bedrock:GetModelInvocationLoggingConfiguration',
  'bedrock:GetAccountDataRetention',
  'bedrock:PutAccountDataRetention',
  'cloudtrail:LookupEvents',
  'events:PutEvents',
  'iam:GetAccountAuthorizationDetails',
  'identitystore:ListUsers',
  'kms:DescribeKey',
  'kms:DisableKey',
  'kms:ScheduleKeyDeletion',
  'kms:Sign',
  'logs:FilterLogEvents',
  'organizations:DescribeOrganization',
  's3:AbortMultipartUpload',
  's3:GetLifecycleConfiguration',
  's3:HeadBucket',
  's3:ListMultipartUploads',
  's3:ListObjectVersions',
  's3:DeleteObjects',
  's3:PutBucketPolicy',
  's3:GetObject',
  's3:PutObject',
  's3:CopyObject',
  'scheduler:CreateSchedule',
  'scheduler:DeleteSchedule',
  'states:SendTaskSuccess',
  'states:StartExecution',
  'dynamodb:TransactWriteItems',
  'dynamodb:GetItem',
] as const;
export type FaultyOperation = (typeof FAULTY_OPERATIONS)[number];

/**
 * `fail`: nothing happens and the call fails. `fail-after`: it happens, then the call fails. `slow`: the call times out and the
 * effect lands later. `throttle`, `deny`: refused by AWS. `stale`: a reading answers as it was before the last write, up to a minute ago.
 */
export const FAULT_KINDS = ['fail', 'fail-after', 'slow', 'throttle', 'deny', 'stale'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly operation: FaultyOperation;
  readonly kind: FaultKind;
  /** How many calls it strikes. */
  readonly times: number;
  /** For `slow`: how long after the call the effect lands. */
  readonly delayMs?: number;
  readonly accountId?: string;
  readonly region?: string;
}

interface PlantedFault {
  readonly id: number;
  readonly operation: string;
  readonly kind: FaultKind;
  remaining: number;
  readonly delay_ms: number;
  readonly account: string | null;
  readonly region: string | null;
}

/** What stands in the table, oldest first. One process has the database, and it writes faults here alone; every call asks for them. */
const planted = new WeakMap<DatabaseSync, PlantedFault[]>();
/** Databases whose faults strike nobody for now. */
const suspended = new WeakSet<DatabaseSync>();

function plantedIn(database: DatabaseSync): PlantedFault[] {
  let faults = planted.get(database);
  if (faults === undefined) {
    faults = prepared(
      database,
      'SELECT id, operation, kind, remaining, delay_ms, account, region FROM faults ORDER BY id',
    )
      .all()
      .map((row) => ({ ...row }) as unknown as PlantedFault);
    planted.set(database, faults);
  }
  return faults;
}

/** Whether any fault is still there to strike. */
export const hasFaults = (database: DatabaseSync): boolean => plantedIn(database).length > 0;

/** Looks without being struck: what is planted stays planted. */
export async function withoutFaults<T>(database: DatabaseSync, look: () => Promise<T>): Promise<T> {
  suspended.add(database);
  try {
    return await look();
  } finally {
    suspended.delete(database);
  }
}

export function plantFault(database: DatabaseSync, fault: Fault): void {
  planted.delete(database);
  prepared(
    database,
    'INSERT INTO faults (operation, kind, remaining, delay_ms, account, region) VALUES (?, ?, ?, ?, ?, ?)',
  ).run(
    fault.operation,
    fault.kind,
    fault.times,
    fault.delayMs ?? 0,
    fault.accountId ?? null,
    fault.region ?? null,
  );
}

export function clearFaults(database: DatabaseSync, operation?: FaultyOperation): void {
  planted.delete(database);
  if (operation === undefined) database.exec('DELETE FROM faults');
  else prepared(database, 'DELETE FROM faults WHERE operation = ?').run(operation);
}

/** Takes one strike of the oldest fault that is planted for this call, if any. */
function strike(
  database: DatabaseSync,
  operation: FaultyOperation,
  accountId?: string,
  region?: string,
): { kind: FaultKind; delayMs: number } | undefined {
  if (suspended.has(database)) return undefined;
  const faults = plantedIn(database);
  const index = faults.findIndex(
    (fault) =>
      fault.operation === operation &&
      (fault.account === null || fault.account === accountId) &&
      (fault.region === null || fault.region === region),
  );
  const fault = faults[index];
  if (fault === undefined) return undefined;
  fault.remaining -= 1;
  if (fault.remaining > 0) {
    prepared(database, 'UPDATE faults SET remaining = remaining - 1 WHERE id = ?').run(fault.id);
  } else {
    faults.splice(index, 1);
    prepared(database, 'DELETE FROM faults WHERE id = ?').run(fault.id);
  }
  return { kind: fault.kind, delayMs: fault.delay_ms };
}

/**
 * Runs a call under the planted faults.
 * @param later - for `slow`: makes the effect land after the delay
 * @param stale - for `stale`: the older answer; where there is none, the call is as usual
 * @throws AwsCallError as the fault says
 */
export function withFaults<T>(
  database: DatabaseSync,
  operation: FaultyOperation,
  pair: { accountId?: string; region?: string },
  act: () => T,
  later?: (delayMs: number) => void,
  stale?: () => T,
): T {
  const fault = strike(database, operation, pair.accountId, pair.region);
  if (fault === undefined) return act();
  switch (fault.kind) {
    case 'fail':
      throw new AwsCallError('failed', `${operation} failed: InternalServerException`, true);
    case 'fail-after':
      act();
      throw new AwsCallError('timeout', `${operation} did not answer in time`, true);
    case 'slow':
      if (later) later(fault.delayMs);
      else act();
      throw new AwsCallError('timeout', `${operation} did not answer in time`, true);
    case 'stale':
      return stale ? stale() : act();
    case 'throttle':
      throw new AwsCallError('throttled', `${operation} failed: ThrottlingException`, false);
    case 'deny':
      throw new AwsCallError('access-denied', `${operation} failed: AccessDeniedException`, false);
  }
}

/** The same for a call that answers by a promise. What happened before it failed has happened when it fails. */
export async function underFaults<T>(
  database: DatabaseSync,
  operation: FaultyOperation,
  act: () => Promise<T>,
  stale?: () => Promise<T>,
): Promise<T> {
  const begun: Promise<T>[] = [];
  const called = (): Promise<T> => {
    const answer = act();
    begun.push(answer);
    return answer;
  };
  try {
    return await withFaults(database, operation, {}, called, undefined, stale);
  } catch (error) {
    await Promise.all(begun);
    throw error;
  }
}
