import {
  DAY,
  type EpochMs,
  epochMs,
  formatInstant,
  HOUR,
  partitionOfRegion,
  type Region,
} from '../core/index.ts';
import { notSeen, outcomeOf } from './reading.ts';
import type { ContentCopy, LogGroupRetention, PurgeObstacle, Retention, RetentionStep } from './types.ts';

/** "It typically takes up to 72 hours", and in rare situations longer (*CloudWatch Logs API Reference*, PutRetentionPolicy). */
export const LOG_DELETION_LAG = 72 * HOUR;

/**
 * When CloudWatch Logs deletes an event of `writtenAt`, if nobody deletes the group.
 *
 * The period in effect counts for every event that is still there, also for those written under another one: raising it before they
 * are deleted revives them. An account-level retention policy (30 days at least) replaces the group's own period, longer or shorter.
 *
 * @param region - of the group
 */
export function logGroupRetention(group: LogGroupRetention, writtenAt: EpochMs, region: Region): Retention {
  const steps: RetentionStep[] = [];
  const copies = logCopies(group, region, steps);
  if (group.retentionPolicyName.kind === 'observed')
    steps.push({
      rule: 'logs-account-policy',
      says: `the account-level policy \`${group.retentionPolicyName.value}\` decides, and not the group: a shorter period set on the group has no effect`,
    });
  else if (group.retentionPolicyName.kind === 'unobservable')
    steps.push(notSeen('whether an account-level retention policy decides', group.retentionPolicyName));
  const { retentionInDays } = group;
  if (retentionInDays.kind === 'unobservable') {
    steps.push(notSeen('the retention of the log group', retentionInDays));
    return outcomeOf('unknown', undefined, steps, copies);
  }
  if (retentionInDays.kind === 'absent') {
    steps.push({ rule: 'logs-no-expiry', says: 'no retention is set, so events never expire' });
    return outcomeOf('never', undefined, steps, copies);
  }
  const due = epochMs(writtenAt + retentionInDays.value * DAY);
  const by = epochMs(due + LOG_DELETION_LAG);
  steps.push({
    rule: 'logs-days',
    says: `events expire ${retentionInDays.value} days after they were written, at ${formatInstant(due)}, and are deleted by ${formatInstant(by)} (72 hours, "in rare situations" longer)`,
  });
  return outcomeOf(due, by, steps, copies);
}

/** What keeps a purge from deleting the group at once. */
export function logGroupPurgeObstacles({ deletionProtection }: LogGroupRetention): readonly PurgeObstacle[] {
  if (deletionProtection.kind === 'unobservable') return [notSeen('deletion protection', deletionProtection)];
  return deletionProtection.kind === 'observed' && deletionProtection.value
    ? [
        {
          rule: 'logs-deletion-protection',
          says: 'deletion protection refuses to delete the log group until somebody switches it off',
        },
      ]
    : [];
}

function logCopies(group: LogGroupRetention, region: Region, steps: RetentionStep[]): readonly ContentCopy[] {
  const copies: ContentCopy[] = [];
  if (group.subscriptions.kind === 'unobservable')
    steps.push(notSeen('subscription filters', group.subscriptions));
  for (const { name, destinationArn, level } of group.subscriptions.kind === 'observed'
    ? group.subscriptions.value
    : []) {
    steps.push({
      rule: 'logs-subscription',
      says: `subscription filter \`${name}\`${level === 'account' ? ' of the whole account' : ''} sends events to ${destinationArn} as they come`,
    });
    copies.push({ rule: 'logs-subscription', to: destinationArn });
  }
  if (group.exportTasks.kind === 'unobservable') steps.push(notSeen('export tasks', group.exportTasks));
  for (const { taskId, bucketName, prefix } of group.exportTasks.kind === 'observed'
    ? group.exportTasks.value
    : []) {
    const to = `arn:${partitionOfRegion(region)}:s3:::${bucketName}/${prefix}`;
    steps.push({ rule: 'logs-export', says: `export task \`${taskId}\` copies events to ${to}` });
    copies.push({ rule: 'logs-export', to });
  }
  return copies;
}
