import { type EpochMs, epochMs, formatDuration, formatInstant, HOUR } from '../core/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { isActive } from './lease.ts';
import { isTerminal } from './lifecycle.ts';
import {
  allOffSince,
  enablingSince,
  isUnsettled,
  type PlacedLease,
  type PlacedRequest,
  placesOf,
} from './places.ts';
import { quorum } from './quorum.ts';
import { durationOf } from './request.ts';
import { isPastRetention } from './standing.ts';
import type { ExceptionRecord } from './types.ts';

/** Everything a state knows of one exception, as far as its hygiene asks. */
export interface KeptException {
  readonly record: ExceptionRecord;
  /** None once its rows have let go of them: they were read back as off long before. */
  readonly leases: readonly PlacedLease[];
  /** When it was last looked at by a review tick. */
  readonly lastReviewedAt?: EpochMs;
}

/**
 * What is wrong with exceptions under which enabling was attempted, by kind; of each kind one line for each exception. The facts of the
 * controls CP-18 and CP-19.
 */
export interface ExceptionHygiene {
  readonly at: EpochMs;
  /** How many were looked at: those that are not closed, and those that ended within `review.every` of the policy. */
  readonly enabled: number;
  readonly faults: Readonly<Record<keyof typeof FAULTS, readonly string[]>>;
}

/** The wait for the next look is exact; carrying it out takes a while, and a sweep may have to do it. */
const REVIEW_GRACE = HOUR;

interface Looked extends KeptException {
  readonly policy: LoadedPolicy['policy'];
  readonly now: EpochMs;
}

/** Each says what is wrong, or nothing. */
const FAULTS = {
  /** Only of what still lives: an older policy may have admitted more, and what is over was judged by that. */
  beyondLimits: ({ record: { request, state }, leases, policy }: Looked): string | undefined => {
    if (isTerminal(state)) return undefined;
    const { enablement, retention } = policy.exceptions.limits;
    const lease = leases[0]?.lease;
    const length = (lease?.expiresAt ?? request.endsAt) - (lease?.startsAt ?? request.startsAt);
    if (length > durationOf(enablement)) return `is on for more than ${enablement}`;
    return request.retention > durationOf(retention)
      ? `keeps content for ${formatDuration(request.retention)}; at most ${retention} is allowed`
      : undefined;
  },
  /** By the quorum that opened it; a break-glass exception must have been confirmed by all at its end. */
  unapproved: ({ record, leases }: Looked): string | undefined => {
    const at = enablingSince(leases) ?? record.enabledAt;
    if (at === undefined) return undefined;
    const before = quorum({ ...record, decisions: record.decisions.filter((each) => each.at <= at) });
    if (before.kind === 'rejected') return `was enabled at ${formatInstant(at)} although it was rejected`;
    if (before.kind === 'open')
      return `was enabled at ${formatInstant(at)} without the approval of ${before.missing.join(', ')}`;
    return record.breach === undefined
      ? undefined
      : `was opened by break-glass and never confirmed by ${record.breach.missing.join(', ')}`;
  },
  unscoped: ({ record: { request } }: Looked): string | undefined => {
    if (request.subjects.every(isAnything)) return 'names nobody whose prompts are meant';
    return request.modalities.length === 0 || request.models.length === 0
      ? 'names no modality or no model'
      : undefined;
  },
  unreviewed: ({ record, leases, lastReviewedAt, policy, now }: Looked): string | undefined => {
    if (!leases.some(({ lease }) => lease.offAt === undefined && isActive(lease, now))) return undefined;
    const { every } = policy.exceptions.review;
    const looked = Math.max(lastReviewedAt ?? 0, record.enabledAt ?? enablingSince(leases) ?? 0);
    return now > looked + durationOf(every) + REVIEW_GRACE
      ? `was last looked at ${formatInstant(epochMs(looked))}; every ${every} is asked`
      : undefined;
  },
  leftOn: ({ leases, now }: Looked): string | undefined =>
    leases.some(({ lease }) => isUnsettled(lease) && !isActive(lease, now))
      ? 'is over and was not read back as off since'
      : undefined,
  unproven: ({ record, leases, now }: Looked): string | undefined => {
    if (record.state === 'closed-unproven')
      return `was closed without proof: ${record.reason ?? 'no reason given'}`;
    if (record.state === 'closed' && record.certificate === undefined)
      return 'is closed without a certificate';
    if (record.isPurgeOverdue === true)
      return `was not proven purged within ${formatDuration(record.request.retention)}`;
    return !isTerminal(record.state) && leases.length > 0 && isPastRetention(record, leases, now)
      ? `is not proven purged after ${formatDuration(record.request.retention)}`
      : undefined;
  },
} as const;

const where = (request: PlacedRequest): string =>
  placesOf(request)
    .map(({ accountId, region }) => `${accountId} ${region}`)
    .join('; ');

/** A principal pattern that leaves nobody out. */
const isAnything = (subject: string): boolean => /^[*?\s]*$/.test(subject);

/**
 * Judges the exceptions of a state as an auditor would: by what their records say, not by what the workflow should have done.
 * Source: *AI Prompt Storage & Traceability Policy*, section 7. What ended longer ago than `review.every` is the past of an earlier review
 * and not looked at any more.
 */
export function exceptionHygiene(
  exceptions: readonly KeptException[],
  { policy }: LoadedPolicy,
  now: EpochMs,
): ExceptionHygiene {
  const since = now - durationOf(policy.review.every);
  const looked = exceptions
    .filter(({ record, leases }) => {
      if ((enablingSince(leases) ?? record.enabledAt) === undefined) return false;
      return (
        !isTerminal(record.state) || (allOffSince(leases) ?? record.offAt ?? record.request.endsAt) > since
      );
    })
    .toSorted((left, right) => (left.record.id < right.record.id ? -1 : 1));
  const lines = (fault: (input: Looked) => string | undefined): readonly string[] =>
    looked.flatMap((each) => {
      const says = fault({ ...each, policy, now });
      const { id, request } = each.record;
      return says === undefined ? [] : [`${id} (${where(request)}) ${says}`];
    });
  return {
    at: now,
    enabled: looked.length,
    faults: {
      beyondLimits: lines(FAULTS.beyondLimits),
      unapproved: lines(FAULTS.unapproved),
      unscoped: lines(FAULTS.unscoped),
      unreviewed: lines(FAULTS.unreviewed),
      leftOn: lines(FAULTS.leftOn),
      unproven: lines(FAULTS.unproven),
    },
  };
}
