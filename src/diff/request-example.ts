import {
  accountId,
  DAY,
  type DurationMs,
  durationMs,
  type EpochMs,
  epochMs,
  exceptionId,
  formatDuration,
  HOUR,
  hashOf,
  principalId,
  region,
} from '../core/index.ts';
import type { Organization } from '../evidence/index.ts';
import {
  type BucketFacts,
  durationOf,
  type ExceptionRecord,
  type ExceptionRequest,
  type Judgement,
  judge,
  type LeaseRow,
  type Person,
  quorum,
} from '../exceptions/index.ts';
import type { Policy } from '../policy/index.ts';
import { hashOfPolicy } from './policy-hash.ts';
import { listed } from './say.ts';
import type { RequestExample } from './types.ts';

/*
 * A small made-up world in which nothing but the policy decides on a request: one living member account, one person for each role,
 * a bucket as it should be. What an example needs to differ in is changed in it, and `judge` is asked.
 */

const ACCOUNT = accountId('111122223333');
const REQUESTER = principalId('requester');
const KEY_ID = '11111111-2222-3333-4444-555555555555';

/** Any instant would do; examples read better with a round one. */
export const EXAMPLE_NOW: EpochMs = epochMs(Date.UTC(2030, 0, 7, 9));

const ORGANIZATION: Organization = {
  id: 'o-example0000',
  managementAccountId: accountId('999988887777'),
  units: [{ id: 'r-exam', name: 'Root' }],
  accounts: [{ id: ACCOUNT, name: 'example', state: 'ACTIVE', parentId: 'r-exam' }],
  serviceControlPolicies: { kind: 'absent', at: EXAMPLE_NOW, source: { call: 'this example' } },
  attachments: { kind: 'absent', at: EXAMPLE_NOW, source: { call: 'this example' } },
  delegatedAdministrators: { kind: 'absent', at: EXAMPLE_NOW, source: { call: 'this example' } },
};

/** What may be chosen; everything else of a request never decides in the made-up world. */
export interface Choices {
  readonly regionCode: string;
  readonly modalities: ExceptionRequest['modalities'];
  readonly topology: ExceptionRequest['topology'];
  readonly destinationKind: 's3' | 'cloudwatch-logs';
  readonly subjects: number;
  readonly length: DurationMs;
  readonly retention: DurationMs;
  readonly startsIn: DurationMs;
  readonly isVersioned: boolean;
  readonly othersInvoke: boolean;
  readonly notice: ExceptionRequest['notice'];
  readonly assessment: ExceptionRequest['dataProtectionAssessment'];
  readonly roles: readonly string[];
  readonly row?: LeaseRow;
}

/** A request that both policies admit, if there is one at all. */
export function commonChoices(one: Policy, other: Policy): Choices {
  const [left, right] = [one.exceptions, other.exceptions];
  const shared = <T>(mine: readonly T[], theirs: readonly T[]): readonly T[] => {
    const both = mine.filter((each) => theirs.includes(each));
    return both.length > 0 ? both : mine;
  };
  const least = (...lengths: readonly string[]): number => Math.min(...lengths.map(durationOf));
  return {
    regionCode: shared(one.storage.scope.regions, other.storage.scope.regions)[0] ?? '',
    modalities: shared(left.scope.modalities, right.scope.modalities).slice(0, 1),
    topology: shared(left.scope.topologies, right.scope.topologies)[0] ?? 'dedicated',
    destinationKind: shared(left.destination.kinds, right.destination.kinds)[0] ?? 's3',
    subjects: 1,
    length: durationMs(Math.min(HOUR, least(left.limits.enablement, right.limits.enablement))),
    retention: durationMs(least(left.limits.retention, right.limits.retention)),
    startsIn: durationMs(0),
    isVersioned: false,
    othersInvoke: false,
    notice: { kind: 'given', how: 'by mail' },
    assessment: { kind: 'made', reference: 'DPIA-1' },
    roles: [
      ...new Set([
        ...[...left.approvals.roles, ...right.approvals.roles].map(({ role }) => role),
        ...left.notice.withheldBy,
        ...right.notice.withheldBy,
      ]),
    ],
  };
}

export function requestOf(choices: Choices): RequestExample {
  const startsAt = epochMs(EXAMPLE_NOW + choices.startsIn);
  const kmsKeyArn = `arn:aws:kms:${choices.regionCode}:${ACCOUNT}:key/${KEY_ID}`;
  const request: ExceptionRequest = {
    reference: 'INC-1',
    justification: 'an example',
    subjects: Array.from(
      { length: choices.subjects },
      (_, index) => `arn:aws:iam::${ACCOUNT}:role/subject-${index + 1}`,
    ),
    models: ['a-model'],
    modalities: choices.modalities,
    accountId: ACCOUNT,
    region: region(choices.regionCode),
    topology: choices.topology,
    destination:
      choices.destinationKind === 's3'
        ? { kind: 's3', bucketName: 'example-content', keyPrefix: '', kmsKeyArn }
        : {
            kind: 'cloudwatch-logs',
            logGroupName: 'example/content',
            roleArn: `arn:aws:iam::${ACCOUNT}:role/bedrock-logs`,
            kmsKeyArn,
          },
    readers: [`arn:aws:iam::${ACCOUNT}:role/reader`],
    startsAt,
    endsAt: epochMs(startsAt + choices.length),
    retention: choices.retention,
    notice: choices.notice,
    ...(choices.assessment === undefined ? {} : { dataProtectionAssessment: choices.assessment }),
    purgedBy: 'the requester',
  };
  const bucket: BucketFacts = {
    isInSameAccountAndRegion: true,
    isVersioned: choices.isVersioned,
    hasObjectLock: false,
    kmsKeyArn,
  };
  return {
    request,
    now: EXAMPLE_NOW,
    roles: choices.roles,
    bucket,
    othersInvoke: choices.othersInvoke,
    ...(choices.row === undefined ? {} : { row: choices.row }),
  };
}

/** What the real `judge` says of an example under a policy. */
export function judgeExample(example: RequestExample, policy: Policy): Judgement {
  return judge({
    request: example.request,
    requesterId: REQUESTER,
    policy: { policy, hash: hashOfPolicy(policy), file: '' },
    organization: ORGANIZATION,
    people: peopleFor(example.roles),
    rows: [example.row],
    buckets: [{ kind: 'observed', value: example.bucket, at: example.now, source: { call: 'this example' } }],
    invokers: [{ others: example.othersInvoke ? ['another role'] : [], undecided: [] }],
    scope: 'submission',
    now: example.now,
  });
}

/** Whether one approval of each role, by different people, suffices under a policy: what the real `quorum` says. */
export function approvalsSuffice(roles: readonly string[], policy: Policy): boolean {
  const policyHash = hashOfPolicy(policy);
  const { request } = requestOf(commonChoices(policy, policy));
  const requestHash = hashOf(request);
  const record: ExceptionRecord = {
    id: exceptionId('ex-example00000'),
    request,
    requestHash,
    requesterId: REQUESTER,
    submittedAt: EXAMPLE_NOW,
    policyHashes: [policyHash],
    // Whatever the sheet says, everybody here signs it.
    admissions: [
      {
        policyHash,
        policyId: policy.metadata.id,
        policyVersion: policy.metadata.version,
        at: EXAMPLE_NOW,
        roles: [],
        conditions: [],
        sheetHash: requestHash,
      },
    ],
    requiredRoles: policy.exceptions.approvals.roles.map(({ role }) => role),
    approvalsDeadline: epochMs(EXAMPLE_NOW + durationOf(policy.exceptions.approvals.expireAfter)),
    state: 'submitted',
    decisions: roles.map((role, index) => ({
      principalId: principalId(`approver-${index + 1}`),
      role,
      decision: 'approve',
      at: EXAMPLE_NOW,
      policyHash,
      subjectHash: requestHash,
    })),
    emptyListings: [],
  };
  return quorum(record, peopleFor(roles)).kind === 'reached';
}

/** One living person for each role, under ids in its order; and the one who asks. */
const peopleFor = (roles: readonly string[]): readonly Person[] => [
  { id: REQUESTER, name: 'the requester', roles: [], isActive: true },
  ...roles.map((role, index) => ({
    id: principalId(`approver-${index + 1}`),
    name: role,
    roles: [role],
    isActive: true,
  })),
];

const DESTINATION_WORDS = { s3: 'an S3 bucket', 'cloudwatch-logs': 'a CloudWatch log group' } as const;

/** The example in words: what every request says, then what is unusual in this one. */
export function sayRequest(example: RequestExample): readonly string[] {
  const { request, bucket, othersInvoke, row } = example;
  const subjects = request.subjects.length;
  const ahead = durationMs(request.startsAt - example.now);
  return [
    `a request to store ${listed(request.modalities)} of ${subjects === 1 ? 'one subject' : `${subjects} subjects`} in ${request.region} for ${sayTime(durationMs(request.endsAt - request.startsAt))}, purged within ${sayTime(request.retention)}`,
    ...(request.destination.kind === 's3'
      ? bucket.isVersioned
        ? ['it writes to an S3 bucket that keeps versions']
        : []
      : [`it writes to ${DESTINATION_WORDS[request.destination.kind]}`]),
    ...(othersInvoke ? ['somebody else than its subjects can invoke a model there'] : []),
    ...(ahead === 0 ? [] : [`it starts ${sayTime(ahead)} after it was asked for`]),
    ...(request.notice.kind === 'withheld' && request.notice.decidedBy === ''
      ? ['the people concerned are not told, and nobody decided that']
      : request.notice.kind === 'withheld'
        ? [`the people concerned are not told; ${deciderOf(example)} decided that`]
        : []),
    ...(request.dataProtectionAssessment === undefined ? ['it names no data-protection assessment'] : []),
    ...(row?.leases ?? []).toReversed().map((lease) => {
      const end = lease.offAt ?? lease.expiresAt;
      const before = durationMs(request.startsAt - end);
      return `an exception was on there for ${sayTime(durationMs(end - lease.startsAt))}, ${before === 0 ? 'right up to it' : `until ${sayTime(before)} before it`}`;
    }),
  ];
}

/** In `peopleFor`'s world. */
export const holderOf = (role: string, roles: readonly string[]): string =>
  `approver-${roles.indexOf(role) + 1}`;

function deciderOf({ request, roles }: RequestExample): string {
  const { notice } = request;
  const role = roles.find((each) => notice.kind === 'withheld' && holderOf(each, roles) === notice.decidedBy);
  return role === undefined ? 'somebody without a role' : `a person with the role \`${role}\``;
}

const WORDS: Readonly<Record<string, string>> = { d: 'day', h: 'hour', m: 'minute', s: 'second' };

/** `14 days and 23 hours`: at most two units, the second one only where the first leaves something. */
export function sayTime(length: DurationMs): string {
  const days = Math.floor(length / DAY) * DAY;
  const parts = days === 0 || days === length ? [length] : [days, length - days];
  return listed(
    parts.map((part) => {
      const text = formatDuration(durationMs(part));
      const amount = Number(text.slice(0, -1));
      return `${amount} ${WORDS[text.slice(-1)] ?? ''}${amount === 1 ? '' : 's'}`;
    }),
  );
}
