import { describe, expect, test } from 'vitest';
import type { Observation, OutputJob, RegionEvidence } from '../../src/evidence/index.ts';
import type { FactName } from '../../src/policy/index.ts';
import { deriveFacts } from '../../src/rules/index.ts';
import { SECTION_EXAMPLES } from '../evidence/section-examples.ts';
import { AT, absent, MEMBER, observed, snapshot } from '../evidence/snapshots.ts';
import { policyWith } from './policies.ts';

type Sections = NonNullable<RegionEvidence['sections']>;

/** `value`, `absent` or `unobservable reason`, and the lines behind it. */
function factOf(sections: Sections, fact: FactName): readonly [unknown, string] {
  const base = snapshot();
  const taken = { ...base, accountRegions: base.accountRegions.map((pair) => ({ ...pair, sections })) };
  const require = { fact: 'account.state', op: 'equal', value: 'ACTIVE' } as const;
  const policy = policyWith([{ id: 'CP-01', subject: 'account-region', require }]);
  const found = deriveFacts(taken, policy)['account-region'].find(
    ({ subject }) => subject.accountId === MEMBER,
  );
  const seen = found?.facts[fact];
  if (seen === undefined) throw new Error(`no fact ${fact}`);
  const lines = found?.evidenceOf(fact)?.join('; ') ?? '';
  if (seen.kind === 'observed') return [seen.value, lines];
  return [seen.kind === 'absent' ? 'absent' : `unobservable ${seen.reason}`, lines];
}
const seenAs = (sections: Sections, fact: FactName) => factOf(sections, fact)[0];
const DENIED = { kind: 'unobservable', reason: 'access-denied' } as const;

describe('counts', () => {
  const ROWS: readonly (readonly [string, Sections, FactName, unknown])[] = [
    [
      'sessions',
      { bedrockSessions: observed(SECTION_EXAMPLES['account-region'].bedrockSessions) },
      'bedrockSessions.count',
      1,
    ],
    ['no session', { bedrockSessions: observed([]) }, 'bedrockSessions.count', 0],
    ['sessions where they are not offered', { bedrockSessions: absent() }, 'bedrockSessions.count', 'absent'],
    [
      'sessions that were denied',
      { bedrockSessions: DENIED },
      'bedrockSessions.count',
      'unobservable access-denied',
    ],
    ['sessions that nobody asked for', {}, 'bedrockSessions.count', 'unobservable not-collected'],
    [
      'stored prompts',
      { storedPrompts: observed(SECTION_EXAMPLES['account-region'].storedPrompts) },
      'storedPrompts.count',
      1,
    ],
    [
      'agents with memory',
      { agentMemory: observed(SECTION_EXAMPLES['account-region'].agentMemory) },
      'agentMemory.agents',
      1,
    ],
    [
      'an agent without memory',
      { agentMemory: observed([{ agentId: 'A', name: 'a', memoryTypes: [] }]) },
      'agentMemory.agents',
      0,
    ],
    ['AgentCore where it is not offered', { agentCoreMemories: absent() }, 'agentCoreMemory.count', 0],
    [
      'AgentCore that was denied',
      { agentCoreMemories: DENIED },
      'agentCoreMemory.count',
      'unobservable access-denied',
    ],
    [
      'a group with content',
      {
        logGroupContent: observed([
          { logGroup: 'g', hits: 3 },
          { logGroup: 'h', hits: 0 },
        ]),
      },
      'contentLogGroups.withContent',
      1,
    ],
    ['candidates', { contentLogGroups: observed(['g', 'h']) }, 'contentLogGroups.candidates', 2],
  ];
  test.each(ROWS)('%s', (_name, sections, fact, expected) => {
    expect(seenAs(sections, fact)).toBe(expected);
  });

  test('a delivery of usage logs carries no content, a kind that AWS adds later counts', () => {
    const delivery = (logType: string) => ({
      id: logType,
      service: 'bedrock',
      logType,
      resourceArns: ['arn:kb'],
    });
    const kinds = (...types: readonly string[]) => ({ logDeliveries: observed(types.map(delivery)) });
    expect(seenAs(kinds('USAGE_LOGS'), 'logDeliveries.withContent')).toBe(0);
    expect(seenAs(kinds('USAGE_LOGS', 'APPLICATION_LOGS', 'THOUGHTS'), 'logDeliveries.withContent')).toBe(2);
  });

  test('many items do not bury the reader', () => {
    const groups = Array.from({ length: 30 }, (_, index) => `g${index}`);
    const [value, lines] = factOf({ contentLogGroups: observed(groups) }, 'contentLogGroups.candidates');
    expect(value).toBe(30);
    expect(lines).toMatch(/and 20 more$/);
  });
});

describe('D41: data retention on bedrock-mantle', () => {
  const mantle = (...modes: readonly (readonly [string, boolean?])[]): Sections => ({
    mantleRetention: observed({
      accountMode: 'none',
      projects: modes.map(([mode, isArchived = false], index) => ({ id: `p${index}`, mode, isArchived })),
    }),
  });
  test.each([
    ['inherit follows the account', mantle(['inherit']), 0],
    ['none keeps nothing', mantle(['none']), 0],
    ['a mode of its own beats the account’s', mantle(['none'], ['default']), 1],
    ['a mode of the future counts', mantle(['vault']), 1],
    ['an archived project takes no new request', mantle(['default', true]), 0],
  ])('%s', (_name, sections, expected) => {
    expect(seenAs(sections, 'mantleRetention.projectsThatMayKeep')).toBe(expected);
  });
  test('the account’s mode is as AWS spells it, and absent where there is no endpoint', () => {
    expect(seenAs(mantle(), 'mantleRetention.accountMode')).toBe('none');
    expect(seenAs({ mantleRetention: absent() }, 'mantleRetention.accountMode')).toBe('absent');
  });
});

describe('outputs of jobs', () => {
  const KEPT = 'batchInference.outputsKeptTooLong';
  const KEY = 'batchInference.outputsWithoutCustomerKey';
  const job = (more: Partial<OutputJob> = {}): OutputJob => ({
    arn: 'arn:j',
    status: 'Completed',
    submittedAt: AT,
    outputS3Uri: 's3://out-bucket/x/',
    ...more,
  });
  type Bucket = Extract<
    Extract<NonNullable<Sections['destinations']>, { kind: 'observed' }>['value'][number],
    { kind: 's3' }
  >;
  const expiring = (days: number): Bucket['lifecycle'] =>
    observed([{ id: 'e', status: 'Enabled', prefix: '', tags: [], expirationDays: days }]);
  const bucket = (more: Partial<Bucket> = {}): Bucket => ({
    kind: 's3',
    bucketName: 'out-bucket',
    usedBy: ['batchJobs'],
    versioning: absent(),
    lifecycle: expiring(7),
    objectLock: absent(),
    encryption: observed({ algorithm: 'aws:kms', keyArn: 'arn:k' }),
    replication: absent(),
    backups: observed([]),
    ...more,
  });
  const holding = (jobs: readonly OutputJob[], ...buckets: readonly Bucket[]): Sections => ({
    batchJobs: observed(jobs),
    destinations: observed(buckets),
    keyGrants: observed([
      { keyArn: 'arn:k', grants: observed([]), manager: observed('CUSTOMER') },
      { keyArn: 'arn:made-by-aws', grants: observed([]), manager: observed('AWS') },
    ]),
  });
  const hidden: Observation<never> = DENIED;

  test.each<[string, Sections, unknown]>([
    ['no job at all', holding([]), 0],
    ['gone within the limit', holding([job()], bucket()), 0],
    [
      'a limit of 14 days is not kept by a rule of 30',
      holding([job()], bucket({ lifecycle: expiring(30) })),
      1,
    ],
    ['never gone', holding([job()], bucket({ lifecycle: absent() })), 1],
    ['old versions stay', holding([job()], bucket({ versioning: observed('Enabled') })), 1],
    ['copied elsewhere', holding([job()], bucket({ backups: observed([{ planName: 'v' }]) })), 1],
    [
      'a lifecycle that was denied',
      holding([job()], bucket({ lifecycle: hidden })),
      'unobservable not-evaluated',
    ],
    ['a bucket that nobody looked at', holding([job()]), 'unobservable not-evaluated'],
    [
      'one found is enough, though another could not be seen',
      holding([job(), job({ outputS3Uri: 's3://gone/' })], bucket({ lifecycle: absent() })),
      1,
    ],
    [
      'a place that is no bucket',
      holding([job({ outputS3Uri: 'https://x' })], bucket()),
      'unobservable not-evaluated',
    ],
    ['two jobs to one place are one', holding([job(), job()], bucket({ lifecycle: absent() })), 1],
    ['jobs that could not be listed', { batchJobs: hidden }, 'unobservable access-denied'],
  ])('%s', (_name, sections, expected) => {
    expect(seenAs(sections, KEPT)).toBe(expected);
  });

  test.each<[string, Sections, unknown]>([
    ['the bucket’s key', holding([job()], bucket()), 0],
    [
      'AES256 is no key of ours',
      holding([job()], bucket({ encryption: observed({ algorithm: 'AES256' }) })),
      1,
    ],
    ['no default encryption', holding([job()], bucket({ encryption: absent() })), 1],
    [
      'a key of AWS’s own, named by its id',
      holding([job()], bucket({ encryption: observed({ algorithm: 'aws:kms', keyArn: 'arn:made-by-aws' }) })),
      1,
    ],
    [
      'a key of which nobody knows whose it is',
      holding([job()], bucket({ encryption: observed({ algorithm: 'aws:kms', keyArn: 'arn:other' }) })),
      'unobservable not-evaluated',
    ],
    ['AWS’s own key, named by the job', holding([job({ keyArn: 'alias/aws/s3' })], bucket()), 1],
    ['the job’s own key', holding([job({ keyArn: 'arn:k' })], bucket({ encryption: absent() })), 0],
    [
      'one of two jobs without it',
      holding([job({ keyArn: 'arn:k' }), job()], bucket({ encryption: absent() })),
      1,
    ],
    [
      'an encryption that was denied',
      holding([job()], bucket({ encryption: hidden })),
      'unobservable not-evaluated',
    ],
  ])('under a customer-managed key: %s', (_name, sections, expected) => {
    expect(seenAs(sections, KEY)).toBe(expected);
  });

  test.each<[string, Sections, unknown]>([
    [
      'compliance mode',
      holding([], bucket({ objectLock: observed({ defaultMode: 'COMPLIANCE', defaultDays: 1 }) })),
      1,
    ],
    [
      'governance mode can be taken back',
      holding([], bucket({ objectLock: observed({ defaultMode: 'GOVERNANCE', defaultDays: 1 }) })),
      0,
    ],
    ['a lock without a default', holding([], bucket({ objectLock: observed({}) })), 0],
    ['no lock', holding([], bucket()), 0],
    ['a lock that was denied', holding([], bucket({ objectLock: hidden })), 'unobservable not-evaluated'],
  ])('Object Lock: %s', (_name, sections, expected) => {
    // Whatever else can name a bucket names none.
    const others = {
      evaluationJobs: observed([]),
      asyncInvocations: observed([]),
      logDeliveries: observed([]),
    };
    expect(seenAs({ ...others, ...sections }, 'contentBuckets.locked')).toBe(expected);
  });
});
