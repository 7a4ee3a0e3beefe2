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
  'kms:DisableKey',
  'kms:ScheduleKeyDeletion',
  'logs:FilterLogEvents',
  's3:ListObjectVersions',
  's3:DeleteObjects',
  's3:PutBucketPolicy',
  's3:GetObject',
  's3:PutObject',
  's3:CopyObject',
  'scheduler:CreateSchedule',
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

/** Databases in which no fault stands, as was seen; a fault is planted through `plantFault` alone. */
const faultless = new WeakSet<DatabaseSync>();
/** Databases whose faults strike nobody for now. */
const suspended = new WeakSet<DatabaseSync>();

/** Whether any fault is still there to strike. */
export function hasFaults(database: DatabaseSync): boolean {
  if (faultless.has(database)) return false;
  if (prepared(database, 'SELECT 1 FROM faults LIMIT 1').get() !== undefined) return true;
  faultless.add(database);
  return false;
}

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
  faultless.delete(database);
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
  if (suspended.has(database) || !hasFaults(database)) return undefined;
  const row = prepared(
    database,
    'SELECT id, kind, remaining, delay_ms FROM faults WHERE operation = ? AND (account IS NULL OR account = ?) AND (region IS NULL OR region = ?) ORDER BY id LIMIT 1',
  ).get(operation, accountId ?? null, region ?? null) as
    | { id: number; kind: FaultKind; remaining: number; delay_ms: number }
    | undefined;
  if (row === undefined) return undefined;
  if (row.remaining <= 1) prepared(database, 'DELETE FROM faults WHERE id = ?').run(row.id);
  else prepared(database, 'UPDATE faults SET remaining = remaining - 1 WHERE id = ?').run(row.id);
  return { kind: row.kind, delayMs: row.delay_ms };
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
