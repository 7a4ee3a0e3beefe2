import { type AccountId, accountId, type EpochMs, principalId } from '../core/index.ts';
import type { Organization, Snapshot } from '../evidence/index.ts';
import { type ExceptionRequest, type Judgement, judge, placesOf } from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { type CheckRequest, checkSnapshot, type Finding, type SubjectRef } from '../rules/index.ts';
import { directionOf } from './compare-outcomes.ts';
import type { PolicyDiff } from './types.ts';

/** What a policy says of one subject: an outcome, `covered` by a live exception, or nothing at all. */
export type Standing = Finding['outcome'] | 'covered' | 'not-checked';

/** One subject that a policy change would make a difference to. */
export interface StandingChange {
  readonly accountId: string;
  readonly accountName: string;
  readonly subject: SubjectRef;
  readonly old: Standing;
  readonly new: Standing;
  /** `neither`: only the word changes, such as compliant for not applicable. */
  readonly direction: 'loosening' | 'tightening' | 'neither';
  /** The finding of the policy that has one; of the new policy where both have. */
  readonly finding: Finding;
}

export interface SnapshotImpact {
  /** As the caller named it. */
  readonly name: string;
  readonly takenAt: EpochMs;
  readonly accounts: number;
  readonly affectedAccounts: number;
  /** The gravest first: loosenings, then tightenings; each in the order of the policy. */
  readonly changes: readonly StandingChange[];
}

export interface EstateToJudge {
  readonly name: string;
  readonly snapshot: Snapshot;
  readonly coverage: CheckRequest['coverage'];
}

/** Judges one snapshot by both policies, as of its own time, and tells what comes out differently. */
export async function impactOnSnapshot(
  { name, snapshot, coverage }: EstateToJudge,
  old: LoadedPolicy,
  next: LoadedPolicy,
  renamed: PolicyDiff['renamedControls'] = {},
): Promise<SnapshotImpact> {
  const now = snapshot.takenAt;
  const [before, after] = [
    await checkSnapshot({ snapshot, policy: old, now, coverage }),
    await checkSnapshot({ snapshot, policy: next, now, coverage }),
  ];
  const keyOf = (controlId: string, { subject }: Finding): string =>
    `${controlId} ${JSON.stringify(subject)}`;
  const earlier = new Map(
    before.findings.map((finding) => [
      keyOf(renamed[finding.controlId] ?? finding.controlId, finding),
      finding,
    ]),
  );
  const changes: StandingChange[] = [];
  const add = (was: Finding | undefined, is: Finding | undefined): void => {
    const finding = is ?? was;
    const [from, to] = [standingOf(was), standingOf(is)];
    if (finding === undefined || from === to) return;
    changes.push({
      accountId: finding.subject.accountId,
      accountName: finding.accountName,
      subject: finding.subject,
      old: from,
      new: to,
      direction: directionOfStandings(from, to),
      finding,
    });
  };
  for (const finding of after.findings) {
    const key = keyOf(finding.controlId, finding);
    add(earlier.get(key), finding);
    earlier.delete(key);
  }
  for (const finding of earlier.values()) add(finding, undefined);
  return {
    name,
    takenAt: now,
    accounts: after.accounts,
    affectedAccounts: new Set(changes.map(({ accountId }) => accountId)).size,
    changes: (['loosening', 'tightening', 'neither'] as const).flatMap((direction) =>
      changes.filter((change) => change.direction === direction),
    ),
  };
}

function standingOf(finding: Finding | undefined): Standing {
  if (finding === undefined) return 'not-checked';
  return finding.coveredBy === undefined ? finding.outcome : 'covered';
}

/** A covered violation is accepted by people, so it stands between compliant and non-compliant; not being looked at is as loose as it gets. */
function directionOfStandings(from: Standing, to: Standing): StandingChange['direction'] {
  if (from === 'non-compliant' && to === 'covered') return 'loosening';
  if (from === 'covered' && to === 'non-compliant') return 'tightening';
  return directionOf(asOutcome(from), asOutcome(to));
}

const asOutcome = (standing: Standing): Finding['outcome'] =>
  standing === 'covered' ? 'non-compliant' : standing === 'not-checked' ? 'not-applicable' : standing;

export interface RequestImpact {
  readonly file: string;
  readonly reference: string;
  readonly old: Judgement;
  readonly new: Judgement;
  readonly direction: 'loosening' | 'tightening' | 'neither';
}

export interface RequestsImpact {
  readonly requests: number;
  /** Those judged otherwise; loosenings first. */
  readonly changes: readonly RequestImpact[];
}

/**
 * Judges requests, past or planned, by the standing conditions of both policies. A file does not know the estate it was meant for: its
 * account is taken to be a living member, its bucket to be as the request says and without versions, and every role to be held by
 * somebody. Start times and the cap on leased time are left out, since they are about the day of the request.
 */
export function impactOnRequests(
  requests: readonly { readonly file: string; readonly request: ExceptionRequest }[],
  old: LoadedPolicy,
  next: LoadedPolicy,
): RequestsImpact {
  const judged = requests.map(({ file, request }): RequestImpact => {
    const [before, after] = [judgeStanding(request, old), judgeStanding(request, next)];
    return {
      file,
      reference: request.reference,
      old: before,
      new: after,
      direction: directionOfJudgements(before, after),
    };
  });
  return {
    requests: requests.length,
    changes: (['loosening', 'tightening', 'neither'] as const).flatMap((direction) =>
      judged.filter((each) => each.direction === direction && each.old.outcome !== each.new.outcome),
    ),
  };
}

const STRICTNESS = { admitted: 0, undecided: 1, refused: 2 } as const satisfies Record<
  Judgement['outcome'],
  number
>;

function directionOfJudgements(from: Judgement, to: Judgement): RequestImpact['direction'] {
  const step = STRICTNESS[to.outcome] - STRICTNESS[from.outcome];
  return step === 0 ? 'neither' : step < 0 ? 'loosening' : 'tightening';
}

function judgeStanding(request: ExceptionRequest, policy: LoadedPolicy): Judgement {
  const at = request.startsAt;
  const source = { call: 'the request' };
  const organization: Organization = {
    id: 'o-unknown',
    managementAccountId: noneOf(placesOf(request).map((place) => place.accountId)),
    units: [{ id: 'r-root', name: 'Root' }],
    accounts: [...new Set(placesOf(request).map((place) => place.accountId))].map((id) => ({
      id,
      name: id,
      state: 'ACTIVE',
      parentId: 'r-root',
    })),
    serviceControlPolicies: { kind: 'absent', at, source },
    attachments: { kind: 'absent', at, source },
    delegatedAdministrators: { kind: 'absent', at, source },
  };
  return judge({
    request,
    requesterId: principalId('requester'),
    policy,
    organization,
    people: policy.policy.exceptions.approvals.roles.map(({ role }) => ({
      id: principalId(`approver-${role}`),
      name: role,
      roles: [role],
      isActive: true,
    })),
    rows: [],
    buckets: placesOf(request).map(({ destination }) => ({
      kind: 'observed',
      value: {
        isInSameAccountAndRegion: true,
        isVersioned: false,
        hasObjectLock: false,
        kmsKeyArn: destination.kmsKeyArn,
      },
      at,
      source,
    })),
    invokers: placesOf(request).map(() => ({ others: [], undecided: [] })),
    scope: 'standing',
    now: at,
  });
}

/** The management account can hold no exception; nobody knows which one it was, so it is another one. */
function noneOf(ids: readonly AccountId[]): AccountId {
  for (let number = 0; ; number++) {
    const id = accountId(String(number).padStart(12, '0'));
    if (!ids.includes(id)) return id;
  }
}
