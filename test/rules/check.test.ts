import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exitCodeFor } from '../../src/cli/report/exit-code.ts';
import { canonicalJson, epochMs, exceptionId } from '../../src/core/index.ts';
import type { IamEvidence, LoggingConfiguration, Observation, Snapshot } from '../../src/evidence/index.ts';
import {
  type CheckReport,
  type Coverage,
  checkSnapshot,
  type Finding,
  findingId,
} from '../../src/rules/index.ts';
import { snapshotArb } from '../evidence/snapshot-arbitraries.ts';
import {
  AT,
  absent,
  FRANKFURT,
  MANAGEMENT,
  MEMBER,
  noIam,
  observed,
  snapshot,
} from '../evidence/snapshots.ts';
import { allow, documentOf } from '../iam/documents.ts';
import { type ControlJson, policyWith } from './policies.ts';

const DENIED = { kind: 'unobservable', reason: 'access-denied' } as const;

const CONTENT_OFF: ControlJson = {
  id: 'CP-01',
  subject: 'account-region',
  coverableByException: true,
  when: { fact: 'account.state', op: 'notIn', value: ['SUSPENDED', 'CLOSED'] },
  require: {
    any: [
      { fact: 'invocationLogging.isConfigured', op: 'equal', value: false },
      {
        all: [
          { fact: 'invocationLogging.textDataDelivery', op: 'equal', value: 'disabled' },
          { fact: 'invocationLogging.audioDataDelivery', op: 'equal', value: 'disabled' },
          { not: { fact: 'invocationLogging.largeDataBucket', op: 'present', value: true } },
        ],
      },
    ],
  },
};
const RETENTION: ControlJson = {
  id: 'CP-03',
  subject: 'account-region',
  require: { fact: 'dataRetention.mode', op: 'equal', value: 'none' },
};
const WHO: ControlJson = {
  id: 'CP-17',
  subject: 'principal',
  require: {
    any: [
      { fact: 'principal.isStorageAdministrator', op: 'equal', value: true },
      { fact: 'principal.promptStorageChange', op: 'equal', value: 'denied' },
    ],
  },
};
const KEYS: ControlJson = {
  id: 'RB-01',
  subject: 'principal',
  when: { fact: 'principal.type', op: 'equal', value: 'user' },
  require: { not: { fact: 'principal.activeAccessKeys', op: 'greaterThan', value: 0 } },
};
const policy = policyWith([CONTENT_OFF, RETENTION, WHO, KEYS]);

const COVERAGE: Coverage = {
  kind: 'exception',
  exceptionId: exceptionId('ex-test-0001'),
  until: epochMs(AT + 1000),
};
const check = (
  taken: Snapshot,
  coverage: (() => Coverage) | (() => undefined) = () => undefined,
): Promise<CheckReport> => checkSnapshot({ snapshot: taken, policy, now: AT, coverage });

const withLogging = (invocationLogging: Observation<LoggingConfiguration>): Snapshot => {
  const base = snapshot();
  return {
    ...base,
    accountRegions: base.accountRegions.map((each) =>
      each.accountId === MEMBER ? { ...each, invocationLogging } : each,
    ),
  };
};
const withIam = (iam: Observation<IamEvidence>): Snapshot => {
  const base = snapshot();
  return {
    ...base,
    accounts: base.accounts.map((each) => (each.accountId === MEMBER ? { ...each, iam } : each)),
  };
};
const ofMember = ({ findings }: CheckReport, controlId: string): Finding | undefined =>
  findings.find((finding) => finding.controlId === controlId && finding.subject.accountId === MEMBER);

const CONTENT = {
  s3Config: { bucketName: 'prompts' },
  textDataDeliveryEnabled: true,
  audioDataDeliveryEnabled: false,
};

describe('a check', () => {
  test('of an organization without anything to find', async () => {
    const report = await check(snapshot());
    expect(report).toMatchObject({
      policy: { id: 'test', version: '1.0.0', hash: policy.hash },
      snapshotTakenAt: AT,
      now: AT,
      accounts: 2,
      regions: 1,
      counts: { compliant: 4, 'non-compliant': 0, covered: 0, 'not-applicable': 0, indeterminate: 0 },
    });
    expect(exitCodeFor(report.findings)).toBe(0);
  });

  test('finds content logging, with flags and bucket named', async () => {
    const report = await check(withLogging(observed(CONTENT)));
    expect(ofMember(report, 'CP-01')).toMatchObject({
      outcome: 'non-compliant',
      decidingClause: 'require.any[0]',
      accountName: 'member',
      evidence: [
        'invocation logging is configured, to bucket `prompts`',
        '`textDataDeliveryEnabled` is true',
      ],
    });
    expect(exitCodeFor(report.findings)).toBe(1);
  });

  test('names an omitted flag', async () => {
    const finding = ofMember(await check(withLogging(observed({ textDataDeliveryEnabled: false }))), 'CP-01');
    expect(finding?.evidence).toContain(
      '`audioDataDeliveryEnabled` is not set, which AWS is believed to read as true',
    );
  });

  test('D36: of a denied call is indeterminate and exits 3', async () => {
    const report = await check(withLogging(DENIED));
    expect(ofMember(report, 'CP-01')).toMatchObject({
      outcome: 'indeterminate',
      evidence: ['invocation logging could not be read: access was denied'],
    });
    expect(exitCodeFor(report.findings)).toBe(3);
  });

  test('of an account whose IAM was denied has one indeterminate finding per principal control', async () => {
    const report = await check(withIam(DENIED));
    const findings = report.findings.filter(({ subject }) => subject.kind === 'principals');
    expect(findings.map(({ controlId, outcome }) => [controlId, outcome])).toEqual([
      ['CP-17', 'indeterminate'],
      ['RB-01', 'indeterminate'],
    ]);
    expect(exitCodeFor(report.findings)).toBe(3);
  });

  test('names the statement that lets a role change prompt storage', async () => {
    const role = {
      arn: `arn:aws:iam::${MEMBER}:role/r`,
      name: 'r',
      path: '/',
      assumeRolePolicyDocument: documentOf([]),
      inlinePolicies: [
        { name: 'wide', document: documentOf([allow('s3:*'), allow('bedrock:*', { Sid: 'All' })]) },
      ],
      attachedPolicies: [],
    };
    const report = await check(withIam(observed({ ...noIam, roles: [role] })));
    expect(ofMember(report, 'CP-17')?.evidence).toEqual([
      '`storage.administrators` of the policy does not name it',
      'it may change prompt storage',
      'inline policy `wide`, Statement[1] (`All`), allows by `bedrock:*`: bedrock:PutModelInvocationLoggingConfiguration, ' +
        'bedrock:DeleteModelInvocationLoggingConfiguration, bedrock:PutAccountDataRetention',
    ]);
  });

  test('of a suspended account is not applicable, by the clause in when', async () => {
    const base = withLogging(DENIED);
    const accounts = base.organization.accounts.map((each) => ({ ...each, state: 'SUSPENDED' }));
    const report = await check({ ...base, organization: { ...base.organization, accounts } });
    expect(ofMember(report, 'CP-01')).toMatchObject({ outcome: 'not-applicable', decidingClause: 'when' });
  });

  test('orders findings by the policy’s controls, then by account', async () => {
    const { findings, byControl } = await check(withIam(DENIED));
    expect(findings.map(({ controlId, subject }) => `${controlId} ${subject.accountId}`)).toEqual([
      `CP-01 ${MANAGEMENT}`,
      `CP-01 ${MEMBER}`,
      `CP-03 ${MANAGEMENT}`,
      `CP-03 ${MEMBER}`,
      `CP-17 ${MEMBER}`,
      `RB-01 ${MEMBER}`,
    ]);
    expect(byControl.map(({ controlId, counts }) => [controlId, counts.compliant])).toEqual([
      ['CP-01', 2],
      ['CP-03', 2],
      ['CP-17', 0],
      ['RB-01', 0],
    ]);
  });
});

describe('an exception', () => {
  test('covers a violation, which stays visible and does not count for the exit code', async () => {
    const report = await check(withLogging(observed(CONTENT)), () => COVERAGE);
    expect(ofMember(report, 'CP-01')).toMatchObject({ outcome: 'non-compliant', coveredBy: COVERAGE });
    expect(report.counts).toMatchObject({ 'non-compliant': 0, covered: 1 });
    expect(exitCodeFor(report.findings)).toBe(0);
  });

  test('covers no violation of a control that it may not cover', async () => {
    const base = snapshot();
    const accountRegions = base.accountRegions.map((each) => ({
      ...each,
      dataRetention: observed({ mode: 'default' }),
    }));
    const report = await check({ ...base, accountRegions }, () => COVERAGE);
    expect(ofMember(report, 'CP-03')?.coveredBy).toBeUndefined();
    expect(exitCodeFor(report.findings)).toBe(1);
  });

  test('covers nothing that could not be decided, and nothing that is compliant', async () => {
    expect(ofMember(await check(withLogging(DENIED), () => COVERAGE), 'CP-01')?.coveredBy).toBeUndefined();
    expect(ofMember(await check(withLogging(absent()), () => COVERAGE), 'CP-01')?.coveredBy).toBeUndefined();
  });
});

describe('the exit code', () => {
  const counts = { compliant: 1, 'non-compliant': 0, covered: 0, 'not-applicable': 1, indeterminate: 0 };
  test.each([
    ['0 when all is well', {}, 0],
    ['0 when all violations are covered', { covered: 2 }, 0],
    ['3 when something could not be decided', { indeterminate: 1, covered: 1 }, 3],
    ['1 for a violation, also beside what could not be decided', { indeterminate: 1, 'non-compliant': 1 }, 1],
  ] as const)('is %s', (_name, more, expected) => {
    const findings = Object.entries({ ...counts, ...more }).flatMap(([standing, count]) =>
      Array.from({ length: count }, () =>
        standing === 'covered'
          ? { severity: 'high', outcome: 'non-compliant', coveredBy: { kind: 'exception' } }
          : { severity: 'high', outcome: standing },
      ),
    );
    expect(exitCodeFor(findings as unknown as readonly Finding[])).toBe(expected);
  });
});

describe('the id of a finding', () => {
  test('never changes for a control and a subject', () => {
    // Written down once: reports, exceptions and histories refer to it.
    const subject = { kind: 'account-region', accountId: MEMBER, region: FRANKFURT } as const;
    expect(findingId('CP-01', subject)).toBe('b809a71fc0ab9eab');
  });

  test('does not depend on the order of keys, and differs between controls', () => {
    const one = findingId('CP-01', { kind: 'principal', accountId: MEMBER, arn: 'a' });
    expect(findingId('CP-01', { arn: 'a', accountId: MEMBER, kind: 'principal' })).toBe(one);
    expect(findingId('CP-17', { kind: 'principal', accountId: MEMBER, arn: 'a' })).not.toBe(one);
  });
});

describe('properties of a check', () => {
  test('the same input gives the same bytes, in whatever order it is listed', async () => {
    await fc.assert(
      fc.asyncProperty(snapshotArb, async (taken) => {
        const first = canonicalJson(await check(taken));
        expect(canonicalJson(await check(taken))).toBe(first);
        expect(canonicalJson(await check(reversed(taken)))).toBe(first);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  test('evidence that is denied never makes anything compliant, nor takes a violation out of sight', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(snapshotArb, fc.func(fc.boolean()), async (taken, isDenied) => {
        const before = new Map((await check(taken)).findings.map((finding) => [finding.id, finding.outcome]));
        const report = await check(withDenied(taken, isDenied));
        const after = new Map(report.findings.map((finding) => [finding.id, finding.outcome]));
        for (const [id, outcome] of before) {
          seen.add(outcome);
          if (outcome !== 'non-compliant' && outcome !== 'indeterminate') continue;
          // A principal that can no longer be listed is stood for by its account, which is indeterminate.
          const now = after.get(id);
          expect(now === undefined || now === 'indeterminate' || now === outcome).toBe(true);
          if (now === undefined) expect(report.counts.indeterminate).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
    expect([...seen].sort()).toEqual(['compliant', 'indeterminate', 'non-compliant', 'not-applicable']);
  }, 120_000);
});

/** The same organization, everything listed backwards. Principals only: AWS promises no order for them. */
function reversed(taken: Snapshot): Snapshot {
  const { organization } = taken;
  return {
    ...taken,
    organization: {
      ...organization,
      accounts: organization.accounts.toReversed(),
      units: organization.units.toReversed(),
    },
    accounts: taken.accounts.toReversed(),
    accountRegions: taken.accountRegions.toReversed(),
  };
}

function withDenied(taken: Snapshot, isDenied: (what: string) => boolean): Snapshot {
  const hide = <T>(what: string, observation: Observation<T>): Observation<T> =>
    isDenied(what) ? DENIED : observation;
  const { organization } = taken;
  return {
    ...taken,
    organization: { ...organization, attachments: hide('attachments', organization.attachments) },
    accounts: taken.accounts.map((each) => {
      const iam = hide(`iam ${each.accountId}`, each.iam);
      if (iam.kind !== 'observed') return { ...each, iam };
      const users = iam.value.users.map((user) => ({
        ...user,
        accessKeys: hide(`keys ${user.arn}`, user.accessKeys),
      }));
      return { ...each, iam: { ...iam, value: { ...iam.value, users } } };
    }),
    accountRegions: taken.accountRegions.map((each) => ({
      ...each,
      invocationLogging: hide(`logging ${each.accountId} ${each.region}`, each.invocationLogging),
      dataRetention: hide(`retention ${each.accountId} ${each.region}`, each.dataRetention),
    })),
  };
}
