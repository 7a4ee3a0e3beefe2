import { DAY, type EpochMs, epochMs, formatInstant } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import { notSeen, outcomeOf } from './reading.ts';
import type {
  BucketRetention,
  ContentCopy,
  LifecycleRule,
  PurgeObstacle,
  Retention,
  RetentionStep,
} from './types.ts';

/** Content under `prefix` in a bucket, written by Bedrock: without tags, of any size. */
export interface ObjectsUnder {
  readonly prefix: string;
  readonly writtenAt: EpochMs;
}

/**
 * When S3 deletes what lies under `prefix`, if nobody else does.
 *
 * Lifecycle counts whole days from the writing and rounds up to the next midnight UTC (*Amazon S3 User Guide*, Lifecycle configuration
 * elements); a rule that does not take every object under the prefix counts for none of them; where several do, the earliest wins. In a
 * bucket that was ever versioned, expiry only hides: the bytes go with the noncurrent versions. A default Object Lock holds each version.
 * What is copied elsewhere (replication, backup) is named in `copies`.
 */
export function bucketRetention(bucket: BucketRetention, { prefix, writtenAt }: ObjectsUnder): Retention {
  const steps: RetentionStep[] = [];
  const copies = bucketCopies(bucket, prefix, steps);
  const expiry = expiryOf(bucket, prefix, writtenAt, steps);
  return outcomeOf(expiry, undefined, steps, copies);
}

/** What keeps a purge from deleting a version at once: a lock that is still running. */
export function bucketPurgeObstacles(bucket: BucketRetention, writtenAt: EpochMs): readonly PurgeObstacle[] {
  if (bucket.objectLock.kind === 'unobservable') return [notSeen('Object Lock', bucket.objectLock)];
  const until = lockedUntil(bucket, writtenAt);
  return until === undefined
    ? []
    : [
        {
          rule: 's3-object-lock',
          says: `Object Lock keeps every version until ${formatInstant(until)}`,
          until,
        },
      ];
}

type Expiry = EpochMs | 'never' | 'unknown';

function expiryOf(
  bucket: BucketRetention,
  prefix: string,
  writtenAt: EpochMs,
  steps: RetentionStep[],
): Expiry {
  const { lifecycle, versioning, objectLock } = bucket;
  if (lifecycle.kind === 'unobservable') {
    steps.push(notSeen('the lifecycle rules', lifecycle));
    return 'unknown';
  }
  const rules = lifecycle.kind === 'absent' ? [] : lifecycle.value;
  const taking = rules.filter((rule) => rule.status === 'Enabled' && takesAll(rule, prefix, steps));
  uploads(taking, steps);

  const hidden = earliest(taking, (rule) => expires(rule, writtenAt, steps), steps);
  if (hidden === undefined) {
    steps.push({
      rule: 's3-no-expiry',
      says: `no lifecycle rule expires everything under \`${prefix}\`, so it stays for ever`,
    });
    return 'never';
  }
  if (versioning.kind === 'unobservable') {
    steps.push(notSeen('whether the bucket keeps versions', versioning));
    return 'unknown';
  }
  const gone = versioning.kind === 'absent' ? hidden : versionsGone(taking, hidden, steps);
  if (gone === 'never') return 'never';
  if (objectLock.kind === 'unobservable') {
    steps.push(notSeen('Object Lock', objectLock));
    return 'unknown';
  }
  const locked = lockedUntil(bucket, writtenAt);
  if (locked === undefined || locked < gone) return gone;
  const due = nextMidnight(locked);
  steps.push({
    rule: 's3-object-lock',
    says: `Object Lock keeps every version until ${formatInstant(locked)}; lifecycle can delete it from ${formatInstant(due)}`,
  });
  return due;
}

/**
 * Strictly after `at`. AWS rounds "to the next day midnight UTC" and leaves open what that is for midnight itself: the later reading.
 */
const nextMidnight = (at: number): EpochMs => epochMs((Math.floor(at / DAY) + 1) * DAY);

/** A rule whose filter leaves out some object under the prefix gives no guarantee for any. */
function takesAll(rule: LifecycleRule, prefix: string, steps: RetentionStep[]): boolean {
  const name = `rule \`${rule.id}\``;
  const leavesOut = (why: string): false => {
    steps.push({ rule: 's3-filter', says: `${name} ${why}` });
    return false;
  };
  if (!prefix.startsWith(rule.prefix)) {
    // Of a rule for another folder there is nothing to say.
    return rule.prefix.startsWith(prefix) ? leavesOut(`takes only \`${rule.prefix}\`, a part of it`) : false;
  }
  if (rule.tags.length > 0) return leavesOut('takes only objects with tags, and Bedrock writes none');
  if (rule.objectSizeGreaterThan !== undefined)
    return leavesOut(`leaves out objects of ${rule.objectSizeGreaterThan} bytes and less`);
  if (rule.objectSizeLessThan !== undefined)
    return leavesOut(`leaves out objects of ${rule.objectSizeLessThan} bytes and more`);
  return true;
}

function expires(rule: LifecycleRule, writtenAt: EpochMs, steps: RetentionStep[]): EpochMs | undefined {
  if (rule.expirationDays !== undefined) {
    const due = nextMidnight(writtenAt + rule.expirationDays * DAY);
    steps.push({
      rule: 's3-days',
      says: `rule \`${rule.id}\` expires it ${rule.expirationDays} days after it was written, rounded up to ${formatInstant(due)}`,
    });
    return due;
  }
  if (rule.expirationDate !== undefined) {
    // The rule stays in force after its date: what is written later is expired at the next run.
    const due = rule.expirationDate > writtenAt ? rule.expirationDate : nextMidnight(writtenAt);
    steps.push({
      rule: 's3-date',
      says: `rule \`${rule.id}\` expires what is there on ${formatInstant(rule.expirationDate)}, and from then on what is written: ${formatInstant(due)}`,
    });
    return due;
  }
  return undefined;
}

function versionsGone(
  taking: readonly LifecycleRule[],
  hidden: EpochMs,
  steps: RetentionStep[],
): EpochMs | 'never' {
  const gone = earliest(
    taking,
    (rule) => {
      if (rule.noncurrentVersionExpirationDays === undefined) return undefined;
      if (rule.newerNoncurrentVersions !== undefined && rule.newerNoncurrentVersions > 0) {
        steps.push({
          rule: 's3-newer-versions',
          says: `rule \`${rule.id}\` keeps the ${rule.newerNoncurrentVersions} newest noncurrent versions at any age`,
        });
        return undefined;
      }
      const due = nextMidnight(hidden + rule.noncurrentVersionExpirationDays * DAY);
      steps.push({
        rule: 's3-versions',
        says: `the bucket keeps versions: expiry only hides it, and rule \`${rule.id}\` deletes noncurrent versions ${rule.noncurrentVersionExpirationDays} days later, rounded up to ${formatInstant(due)}`,
      });
      return due;
    },
    steps,
  );
  if (gone !== undefined) return gone;
  steps.push({
    rule: 's3-versions',
    says: 'the bucket keeps versions, and no rule deletes noncurrent ones by age alone: expiry hides it, and the bytes stay for ever',
  });
  return 'never';
}

function earliest(
  rules: readonly LifecycleRule[],
  dueOf: (rule: LifecycleRule) => EpochMs | undefined,
  steps: RetentionStep[],
): EpochMs | undefined {
  const dues = rules.map(dueOf).filter((due) => due !== undefined);
  if (new Set(dues).size > 1)
    steps.push({ rule: 's3-shortest', says: 'several rules take it; the earliest expiry counts' });
  return dues.length === 0 ? undefined : epochMs(Math.min(...dues));
}

/** Parts of an upload that was never completed are content too, and no expiry reaches them. */
function uploads(taking: readonly LifecycleRule[], steps: RetentionStep[]): void {
  const days = taking
    .map((rule) => rule.abortIncompleteMultipartUploadDays)
    .filter((value) => value !== undefined);
  steps.push({
    rule: 's3-uploads',
    says:
      days.length === 0
        ? 'parts of an upload that is never completed stay until somebody aborts it: no rule does'
        : `parts of an upload that is never completed are aborted ${Math.min(...days)} days after it began`,
  });
}

function lockedUntil({ objectLock }: BucketRetention, writtenAt: EpochMs): EpochMs | undefined {
  if (objectLock.kind !== 'observed') return undefined;
  const { defaultMode, defaultDays } = objectLock.value;
  return defaultMode === undefined || defaultDays === undefined
    ? undefined
    : epochMs(writtenAt + defaultDays * DAY);
}

function bucketCopies(
  bucket: BucketRetention,
  prefix: string,
  steps: RetentionStep[],
): readonly ContentCopy[] {
  const overlapping = (of: string) => of.startsWith(prefix) || prefix.startsWith(of);
  const replicated = known(bucket.replication, 'replication', steps)
    .filter((rule) => rule.tags.length === 0 && overlapping(rule.prefix))
    .map((rule) => {
      steps.push({
        rule: 's3-replication',
        says: `replication rule \`${rule.id}\` copies it to ${rule.destinationBucketArn}, which has a lifecycle of its own; deleting here does not delete there`,
      });
      return { rule: 's3-replication', to: rule.destinationBucketArn } as const;
    });
  const backedUp = known(bucket.backups, 'backups', steps).map((rule) => {
    steps.push({
      rule: 's3-backup',
      says:
        rule.deleteAfterDays === undefined
          ? `backup plan \`${rule.planName}\` keeps copies for ever`
          : `backup plan \`${rule.planName}\` keeps copies for ${rule.deleteAfterDays} days from each backup`,
    });
    return { rule: 's3-backup', to: rule.planName } as const;
  });
  return [...replicated, ...backedUp];
}

function known<T>(
  observation: Observation<readonly T[]>,
  what: string,
  steps: RetentionStep[],
): readonly T[] {
  if (observation.kind === 'unobservable') steps.push(notSeen(what, observation));
  return observation.kind === 'observed' ? observation.value : [];
}
