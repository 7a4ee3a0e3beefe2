import { afterEach, describe, expect, it, test } from 'vitest';
import {
  type EmbeddedStacks,
  embeddedInspection,
  openAwsDatabase,
  readTemplate,
  resolveTemplate,
} from '../../src/adapters/embedded/aws/index.ts';
import { accountId, DAY, type EpochMs, epochMs, HOUR, region } from '../../src/core/index.ts';
import {
  type BackupCondition,
  type BackupSelection,
  type DestinationInput,
  describeFault,
  type Inspection,
  judgeDestination,
  judgeDisableRole,
  judgeOtherReaders,
  judgeSecondLever,
  selects,
} from '../../src/enforcement/index.ts';
import type { IamEvidence, IamRole, Observation, Organization } from '../../src/evidence/index.ts';
import type { Destination } from '../../src/exceptions/index.ts';
import { smallEstate } from '../simulation/harness.ts';

/*
 * The shipped destination passes, and every way of spoiling it that we know of is a refusal naming what and where. The evidence is what
 * templates/exception-destination.yml makes; each case changes one thing of it.
 */

const ACCOUNT = accountId('222222222222');
const PAIR = { accountId: ACCOUNT, region: region('us-east-1') };
const KEY = 'arn:aws:kms:us-east-1:222222222222:key/0f0f0f0f-1111-2222-3333-444444444444';
const READER = 'arn:aws:iam::222222222222:role/IncidentResponder';
const START = epochMs(Date.parse('2026-11-20T12:00:00Z'));
const END = epochMs(START + 6 * HOUR);
const clock = { now: (): EpochMs => START };
const BUCKET: Destination = {
  kind: 's3',
  bucketName: 'content',
  keyPrefix: 'incidents/ex-0123456789ab/',
  kmsKeyArn: KEY,
};
const LOG_GROUP: Destination = {
  kind: 'cloudwatch-logs',
  logGroupName: '/proviso/content/ex-0123456789ab',
  roleArn: 'arn:aws:iam::222222222222:role/proviso-content/writer',
  kmsKeyArn: KEY,
};
const EMPTY: IamEvidence = { users: [], groups: [], roles: [], managedPolicies: [] };
const observed = <T>(value: T): Observation<T> => ({
  kind: 'observed',
  value,
  at: START,
  source: { call: 'test' },
});
const DENIED = { kind: 'unobservable', reason: 'access-denied' } as const;

const databases: { close(): void }[] = [];
afterEach(() => {
  for (const database of databases.splice(0)) database.close();
});

interface World {
  readonly stacks: EmbeddedStacks & Inspection;
  readonly destination: Destination;
}

/** The shipped template over an embedded AWS, deployed with this request's values or with others. */
function world(destination: Destination, deployed: { endsAt?: EpochMs; retention?: number } = {}): World {
  const database = openAwsDatabase(':memory:');
  databases.push(database);
  const stacks = embeddedInspection(database, clock, { readIam: async () => observed(EMPTY) });
  const asked: Destination =
    destination.kind === 's3'
      ? { ...destination, keyPrefix: 'incidents/' }
      : { ...destination, logGroupName: '/proviso/content' };
  stacks.deployDestination({
    ...PAIR,
    destination: asked,
    readers: [READER],
    retention: (deployed.retention ?? 7 * DAY) as typeof DAY,
    endsAt: deployed.endsAt ?? END,
  });
  if (destination.kind === 'cloudwatch-logs') {
    database
      .prepare('INSERT INTO log_groups (account, region, name, kms_key) VALUES (?, ?, ?, ?)')
      .run(ACCOUNT, PAIR.region, destination.logGroupName, KEY);
    stacks.setLogGroupFeatures(PAIR, destination.logGroupName, { retentionDays: 7 });
  }
  return { stacks, destination };
}

async function inputOf({ stacks, destination }: World): Promise<DestinationInput> {
  return {
    request: { ...PAIR, readers: [READER], retention: (7 * DAY) as typeof DAY, topology: 'dedicated' },
    destination,
    startsAt: START,
    expiresAt: END,
    isVersioned: false,
    key: await stacks.inspectKey(PAIR, KEY),
    iam: await stacks.readIam(ACCOUNT),
    ...(destination.kind === 's3'
      ? { bucket: await stacks.inspectBucket(PAIR, destination.bucketName) }
      : { logGroup: await stacks.inspectLogGroup(PAIR, destination.logGroupName) }),
  };
}

const judged = async (made: World, change: Partial<DestinationInput> = {}) =>
  judgeDestination({ ...(await inputOf(made)), ...change });

const policyOf = async (
  made: World,
  change: (statement: Record<string, unknown>) => void,
  what = 'bucket',
) => {
  const input = await inputOf(made);
  const seen = what === 'bucket' ? input.bucket?.policy : input.key.policy;
  if (seen?.kind !== 'observed') throw new Error('no policy');
  const document = JSON.parse(seen.value) as { Statement: Record<string, unknown>[] };
  for (const statement of document.Statement) change(statement);
  return JSON.stringify(document);
};
const withoutDate = (sid: string) => (statement: Record<string, unknown>) => {
  if (statement['Sid'] !== sid) return;
  const condition = statement['Condition'] as Record<string, unknown>;
  delete condition['DateLessThan'];
};

describe('the shipped template', () => {
  it('passes as a bucket and as a log group', async () => {
    expect(await judged(world(BUCKET))).toEqual([]);
    expect(await judged(world(LOG_GROUP))).toEqual([]);
  });

  it('passes with a versioned bucket: old versions expire too', async () => {
    expect(await judged(world(BUCKET), { isVersioned: true })).toEqual([]);
  });

  it('is refused when it was deployed for another end or a longer retention', async () => {
    const later = (await judged(world(BUCKET, { endsAt: epochMs(END + HOUR) }))).map(describeFault);
    expect(later).toHaveLength(3);
    expect(later.join('\n')).toContain('Bedrock may write there after the end');
    expect(later.join('\n')).toContain('Bedrock may encrypt with it after the end');
    expect(later.join('\n')).toContain(`reader ${READER} may read after the end`);
    expect(await judged(world(BUCKET, { retention: 14 * DAY }))).toMatchObject([
      { what: expect.stringContaining('within the retention of 7 days') },
    ]);
  });

  it('is refused when its end has come before the start: nothing could be written', async () => {
    expect(await judged(world(BUCKET, { endsAt: START }))).toMatchObject([
      { what: 'at the start nothing says that Bedrock may write there' },
      { what: 'at the start nothing says that Bedrock may encrypt with it' },
    ]);
  });
});

test('lifecycle rules fit into a retention where one midnight of rounding does, with versions two', async () => {
  const made = world(BUCKET);
  const input = await inputOf(made);
  const { bucket } = input;
  if (bucket?.lifecycle.kind !== 'observed') throw new Error('no lifecycle');
  for (const days of [1, 2, 3, 4, 7, 14])
    for (const isVersioned of [false, true])
      for (let expirationDays = 1; expirationDays <= 14; expirationDays++)
        for (const noncurrentDays of [1, 3]) {
          const rules = [{ isEnabled: true, prefix: '', expirationDays, noncurrentDays }];
          const faults = judgeDestination({
            ...input,
            request: { ...input.request, readers: [], retention: (days * DAY) as typeof DAY },
            isVersioned,
            bucket: { ...bucket, lifecycle: { ...bucket.lifecycle, value: rules } },
          });
          const takes = expirationDays + (isVersioned ? noncurrentDays : 0);
          const most = isVersioned ? Math.max(2, days - 2) : Math.max(1, days - 1);
          const isRefused = faults.some(({ what }) => what.includes('no enabled lifecycle rule'));
          expect(isRefused, `${days} ${isVersioned} ${expirationDays} ${noncurrentDays}`).toBe(takes > most);
        }
});

const selection = (asked: Partial<BackupSelection>): BackupSelection => ({
  plan: 'nightly',
  selection: 'everything',
  resources: [],
  notResources: [],
  anyTag: [],
  conditions: [],
  ...asked,
});

describe('a selection of AWS Backup', () => {
  const ARN = 'arn:aws:s3:::content';
  const daily = { key: 'backup', value: 'daily' };
  const is = (operator: BackupCondition['operator'], value = 'daily') => ({
    operator,
    key: 'backup',
    value,
  });
  const TAGGED = observed({ backup: 'daily', stage: 'prod' });
  const ABSENT = { kind: 'absent', at: START, source: { call: 'test' } } as const;
  test.each<[string, Partial<BackupSelection>, Observation<Record<string, string>>, string]>([
    ['without any condition takes everything', {}, ABSENT, 'yes'],
    ['by its ARN', { resources: [ARN] }, ABSENT, 'yes'],
    [
      'by the beginning of its ARN',
      { resources: ['arn:aws:ec2:*:*:volume/*', 'arn:aws:s3:::con*'] },
      ABSENT,
      'yes',
    ],
    ['of all buckets', { resources: ['arn:*:s3:::*'] }, ABSENT, 'yes'],
    [
      'of another bucket whose name begins alike',
      { resources: [`${ARN}-of-others`, 'arn:aws:s3:::conten'] },
      ABSENT,
      'no',
    ],
    ['of a pattern whose star has nothing to stand for', { resources: [`${ARN}*t`] }, ABSENT, 'no'],
    ['that leaves it out', { resources: ['*'], notResources: ['arn:aws:s3:::*'] }, ABSENT, 'no'],
    [
      'a question mark stands for itself',
      { resources: ['*'], notResources: ['arn:aws:s3:::conten?'] },
      ABSENT,
      'yes',
    ],
    ['by one of several tags', { anyTag: [{ key: 'x', value: 'y' }, daily] }, TAGGED, 'yes'],
    ['by a tag with another value', { anyTag: [{ ...daily, value: 'Daily' }] }, TAGGED, 'no'],
    ['by a tag, of a bucket without tags', { anyTag: [daily] }, ABSENT, 'no'],
    [
      'by a tag that is named like a member of every object',
      { anyTag: [{ key: 'constructor', value: '' }] },
      TAGGED,
      'no',
    ],
    [
      'by a tag and all conditions',
      { resources: ['*'], conditions: [is('StringEquals'), is('StringLike', 'd*y')] },
      TAGGED,
      'yes',
    ],
    [
      'where one of its conditions does not hold',
      { resources: ['*'], conditions: [is('StringEquals'), is('StringNotLike', '*ai*')] },
      TAGGED,
      'no',
    ],
    [
      'by a tag that is not to be there, of a bucket without tags',
      { conditions: [is('StringNotEquals')] },
      ABSENT,
      'yes',
    ],
    ['the same with a pattern', { conditions: [is('StringNotLike', '*')] }, ABSENT, 'yes'],
    [
      'by tags, of other resources',
      { resources: ['arn:aws:ec2:*:*:volume/*'], conditions: [is('StringEquals')] },
      DENIED,
      'no',
    ],
    ['by tags that cannot be read', { conditions: [is('StringNotEquals')] }, DENIED, 'unknown'],
    ['by a list of tags that cannot be read', { anyTag: [daily] }, DENIED, 'unknown'],
    ['by a list of tags beside ARNs that match', { resources: ['*'], anyTag: [daily] }, ABSENT, 'unknown'],
    ['by both', { resources: ['*'], anyTag: [daily], conditions: [is('StringEquals')] }, TAGGED, 'yes'],
    ['by neither', { resources: ['arn:aws:ec2:*:*:volume/*'], anyTag: [daily] }, ABSENT, 'no'],
  ])('%s', (_, asked, tags, kind) => {
    expect(selects(selection(asked), ARN, tags).kind).toBe(kind);
  });

  it('that depends on what cannot be read keeps content storage off without refusing it', async () => {
    const made = world(BUCKET);
    const input = await inputOf(made);
    if (input.bucket === undefined) throw new Error('no bucket');
    const backups = observed([selection({ anyTag: [daily] })]);
    expect(judgeDestination({ ...input, bucket: { ...input.bucket, backups, tags: DENIED } })).toMatchObject([
      { kind: 'unknown', what: expect.stringContaining('its tags could not be read (access-denied)') },
    ]);
  });
});

type Spoil = (made: World) => void | Promise<void>;

describe('a spoilt bucket', () => {
  test.each<[string, Spoil, string]>([
    [
      'whose objects can have owners of their own',
      ({ stacks }) => stacks.setBucketFeatures('content', { ownership: 'ObjectWriter' }),
      'ownership is ObjectWriter',
    ],
    [
      'without a lifecycle rule over the prefix',
      ({ stacks }) =>
        stacks.setBucketFeatures('content', {
          lifecycle: [{ isEnabled: true, prefix: 'others/', expirationDays: 1 }],
        }),
      'no enabled lifecycle rule over the whole prefix',
    ],
    [
      'whose lifecycle rule is disabled',
      ({ stacks }) =>
        stacks.setBucketFeatures('content', {
          lifecycle: [{ isEnabled: false, prefix: '', expirationDays: 1 }],
        }),
      'no enabled lifecycle rule',
    ],
    [
      'whose lifecycle rule takes only some objects',
      ({ stacks }) =>
        stacks.setBucketFeatures('content', {
          lifecycle: [{ isEnabled: true, prefix: '', isPartial: true }],
        }),
      'no enabled lifecycle rule over the whole prefix',
    ],
    [
      'that is replicated',
      ({ stacks }) =>
        stacks.setBucketFeatures('content', { copies: ['it is replicated to arn:aws:s3:::elsewhere'] }),
      'replicated to arn:aws:s3:::elsewhere: copies would outlive the exception',
    ],
    [
      'that a plan of AWS Backup takes in',
      ({ stacks }) => stacks.setBucketFeatures('content', { backups: [selection({ resources: ['*'] })] }),
      'selection everything of the AWS Backup plan nightly takes it in: copies would outlive the exception (arn:aws:s3:::content)',
    ],
    [
      'whose policy lets Bedrock write for ever',
      async (made) =>
        made.stacks.setBucketFeatures('content', {
          policy: await policyOf(made, withoutDate('BedrockWritesUntilTheEnd')),
        }),
      'Bedrock may write there after the end',
    ],
    [
      'whose policy opens again a day later',
      async (made) =>
        made.stacks.setBucketFeatures('content', {
          policy: await policyOf(made, (statement) => {
            if (statement['Sid'] === 'BedrockWritesUntilTheEnd')
              statement['Condition'] = {
                DateNotEquals: { 'aws:CurrentTime': '2026-11-20T18:00:00Z' },
              };
          }),
        }),
      'not certainly denied at 2026-11-20T18:00:01Z',
    ],
    [
      'whose policy ends by a condition that is not about time',
      async (made) =>
        made.stacks.setBucketFeatures('content', {
          policy: await policyOf(made, (statement) => {
            if (statement['Sid'] === 'BedrockWritesUntilTheEnd')
              statement['Condition'] = { StringEquals: { 'aws:SourceVpc': 'vpc-1' } };
          }),
        }),
      'Bedrock may write there after the end',
    ],
    [
      'whose policy cannot be understood',
      ({ stacks }) => stacks.setBucketFeatures('content', { policy: '{"Statement":' }),
      'not certainly denied',
    ],
    [
      'whose reads nobody records',
      ({ stacks }) =>
        stacks.setTrails([
          {
            name: 't',
            isLogging: true,
            dataEvents: [{ includesReads: false, arnPrefixes: 'all' }],
          },
        ]),
      'no running trail records who reads its objects',
    ],
    [
      'whose trail is stopped',
      ({ stacks }) =>
        stacks.setTrails([
          { name: 't', isLogging: false, dataEvents: [{ includesReads: true, arnPrefixes: 'all' }] },
        ]),
      'no running trail',
    ],
    [
      'whose trail records another bucket',
      ({ stacks }) =>
        stacks.setTrails([
          {
            name: 't',
            isLogging: true,
            dataEvents: [{ includesReads: true, arnPrefixes: ['arn:aws:s3:::content-of-others/'] }],
          },
        ]),
      'no running trail',
    ],
    [
      'whose key lets Bedrock encrypt for ever',
      async (made) =>
        made.stacks.setKeyFeatures(KEY, {
          policy: await policyOf(made, withoutDate('BedrockWritesUntilTheEnd'), 'key'),
        }),
      'Bedrock may encrypt with it after the end',
    ],
    [
      'whose key has a grant',
      ({ stacks }) => stacks.setKeyFeatures(KEY, { grants: ['arn:aws:iam::222222222222:role/etl'] }),
      'a grant lets arn:aws:iam::222222222222:role/etl use the key',
    ],
    [
      'whose key is disabled',
      ({ stacks }) => stacks.setKeyFeatures(KEY, { isEnabled: false }),
      'the key is not enabled',
    ],
  ])('%s is refused', async (_name, spoil, says) => {
    const made = world(BUCKET);
    await spoil(made);
    const faults = await judged(made);
    expect(faults.map(describeFault).join('\n')).toContain(says);
    expect(
      faults.every(({ kind, remedy, where }) => kind === 'defect' && remedy !== '' && where !== ''),
    ).toBe(true);
  });

  it('whose key alone ends reading passes, and one whose bucket alone does too; without either it is refused', async () => {
    const open = async (made: World, ...what: ('bucket' | 'key')[]) => {
      const policy = async (which: 'bucket' | 'key') =>
        policyOf(
          made,
          (statement) => {
            if (statement['Sid'] === 'NobodyReadsLater') statement['Effect'] = 'Allow';
            withoutDate('ReadersReadForAWhile')(statement);
            withoutDate('ReadersDecryptForAWhile')(statement);
            delete (statement['Condition'] as Record<string, unknown> | undefined)?.['DateGreaterThanEquals'];
          },
          which,
        );
      if (what.includes('bucket'))
        made.stacks.setBucketFeatures('content', { policy: await policy('bucket') });
      if (what.includes('key')) made.stacks.setKeyFeatures(KEY, { policy: await policy('key') });
      return judged(made);
    };
    expect(await open(world(BUCKET), 'bucket')).toEqual([]);
    expect(await open(world(BUCKET), 'key')).toEqual([]);
    expect(await open(world(BUCKET), 'bucket', 'key')).toMatchObject([
      { what: expect.stringContaining('may read after the end') },
    ]);
  });

  it('of which something could not be read is unknown and not refused', async () => {
    const input = await inputOf(world(BUCKET));
    if (input.bucket === undefined) throw new Error('no bucket');
    for (const field of ['policy', 'ownership', 'lifecycle', 'copies', 'backups', 'trails'] as const) {
      const faults = judgeDestination({ ...input, bucket: { ...input.bucket, [field]: DENIED } });
      expect(faults.map(({ kind }) => kind)).toEqual(['unknown']);
    }
    for (const field of ['policy', 'grants', 'isEnabled'] as const) {
      const faults = judgeDestination({ ...input, key: { ...input.key, [field]: DENIED } });
      expect(faults.map(({ kind }) => kind)).toEqual(['unknown']);
    }
  });
});

describe('a spoilt log group', () => {
  const name = '/proviso/content/ex-0123456789ab';
  test.each<[string, Spoil, string]>([
    [
      'with a subscription filter',
      ({ stacks }) =>
        stacks.setLogGroupFeatures(PAIR, name, { copies: ['subscription filter x sends it to y'] }),
      'copies would outlive',
    ],
    [
      'that is protected from deletion',
      ({ stacks }) => stacks.setLogGroupFeatures(PAIR, name, { isProtected: true }),
      'deletion protection is on',
    ],
    [
      'that keeps events longer',
      ({ stacks }) => stacks.setLogGroupFeatures(PAIR, name, { retentionDays: 365 }),
      'it keeps events for 365 days',
    ],
  ])('%s is refused', async (_name, spoil, says) => {
    const made = world(LOG_GROUP);
    await spoil(made);
    expect((await judged(made)).map(describeFault).join('\n')).toContain(says);
  });

  it('whose role writes for ever is refused, and so is a role that does not exist', async () => {
    const input = await inputOf(world(LOG_GROUP));
    if (input.iam.kind !== 'observed') throw new Error('no roles');
    const roles = input.iam.value.roles.map(
      (role): IamRole => ({
        ...role,
        inlinePolicies: role.inlinePolicies.map(({ name: policy, document }) => ({
          name: policy,
          document: document.replaceAll('DateLessThan', 'DateGreaterThan'),
        })),
      }),
    );
    const open = judgeDestination({ ...input, iam: observed({ ...EMPTY, roles }) });
    expect(open.map(describeFault).join('\n')).toContain('at the start nothing says that it may write');
    const gone = judgeDestination({ ...input, iam: observed(EMPTY) });
    expect(gone.map(({ what }) => what)).toEqual(['it does not exist']);
  });
});

describe('who else in the account can read', () => {
  const ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';
  const MFA =
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}';
  const role = (name: string, document = ALL): IamRole => ({
    ...adminRole,
    name,
    arn: `arn:aws:iam::222222222222:role/${name}`,
    inlinePolicies: [{ name: 'inline', document }],
  });
  const adminRole: IamRole = {
    name: 'Administrator',
    arn: 'arn:aws:iam::222222222222:role/Administrator',
    path: '/',
    assumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
    inlinePolicies: [],
    attachedPolicies: [],
  };
  const OPEN_KEY = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::222222222222:root' },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  });
  const others = async (
    made: World,
    roles: readonly IamRole[],
    {
      bucketPolicy,
      keyPolicy,
      organization,
    }: { bucketPolicy?: null; keyPolicy?: string; organization?: Organization } = {},
  ) => {
    const input = await inputOf(made);
    const bucket =
      input.bucket === undefined || bucketPolicy === undefined
        ? input.bucket
        : { ...input.bucket, policy: { kind: 'absent', at: START, source: { call: 'test' } } as const };
    return judgeOtherReaders({
      ...input,
      ...(bucket === undefined ? {} : { bucket }),
      ...(keyPolicy === undefined ? {} : { key: { ...input.key, policy: observed(keyPolicy) } }),
      iam: observed({ ...EMPTY, roles }),
      organization: organization ?? smallEstate().organization,
    });
  };

  it('nobody, of the shipped template, whatever their own policies allow', async () => {
    expect(await others(world(BUCKET), [role('Administrator'), role('proviso/ProvisoDrain')])).toEqual([]);
  });

  it('nobody, where the bucket lets them and the key does not', async () => {
    expect(await others(world(BUCKET), [role('Administrator')], { bucketPolicy: null })).toEqual([]);
  });

  it('an administrator, where neither bucket nor key keeps it out: a defect that names it, and not the reader', async () => {
    const found = await others(world(BUCKET), [role('Administrator'), role('IncidentResponder')], {
      bucketPolicy: null,
      keyPolicy: OPEN_KEY,
    });
    expect(found).toMatchObject([{ kind: 'defect', where: 'bucket content and its key' }]);
    expect(found[0]?.what).toBe(
      'arn:aws:iam::222222222222:role/Administrator can read it and is no named reader',
    );
  });

  it('of many, five by name', async () => {
    const many = ['A', 'B', 'C', 'D', 'E', 'F', 'G'].map((name) => role(name));
    const [found] = await others(world(BUCKET), many, { bucketPolicy: null, keyPolicy: OPEN_KEY });
    expect(found?.what).toMatch(/role\/E and 2 more can read it and are no named reader$/);
  });

  it('is not decided where it depends: unknown, and named', async () => {
    const found = await others(world(BUCKET), [role('WithMfa', MFA)], {
      bucketPolicy: null,
      keyPolicy: OPEN_KEY,
    });
    expect(found).toMatchObject([{ kind: 'unknown' }]);
    expect(found[0]?.what).toContain('role/WithMfa can read it is not decided');
  });

  it('is unknown where the identities cannot be read, and nothing where they do not exist', async () => {
    const input = { ...(await inputOf(world(BUCKET))), organization: smallEstate().organization };
    expect(judgeOtherReaders({ ...input, iam: DENIED }).map(({ kind }) => kind)).toEqual(['unknown']);
    expect(judgeOtherReaders({ ...input, iam: observed(EMPTY) })).toEqual([]);
  });

  it('a log group: whoever may read events, whatever the key says of people', async () => {
    const reading = ALL.replace('"Action":"*"', '"Action":"logs:FilterLogEvents"');
    const found = await others(world(LOG_GROUP), [
      role('Operator', reading),
      role('Nobody', ALL.replace('"*"', '"ec2:*"')),
    ]);
    expect(found).toMatchObject([{ kind: 'defect', where: 'log group /proviso/content/ex-0123456789ab' }]);
    expect(found[0]?.what).toBe('arn:aws:iam::222222222222:role/Operator can read it and is no named reader');
  });
});

describe('the role that switches off', () => {
  const input = async (change: Partial<Organization> = {}) => ({
    request: PAIR,
    organization: { ...smallEstate().organization, ...change },
    iam: await world(BUCKET).stacks.readIam(ACCOUNT),
    baseline: { kind: 'none' } as const,
  });
  const controlled = (document: string, ...unread: readonly string[]) => {
    const { organization } = smallEstate();
    const targets = [
      ...organization.units.map(({ id }) => id),
      ...organization.accounts.map(({ id }) => String(id)),
    ];
    return {
      serviceControlPolicies: observed([{ id: 'p-test', name: 'test', document }]),
      attachments: observed(
        targets.map((targetId) => ({ targetId, policyIds: ['p-FullAWSAccess', 'p-test', ...unread] })),
      ),
    };
  };
  const deny = (condition = '') =>
    `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"bedrock:Delete*","Resource":"*"${condition}}]}`;

  it('of the shipped template can', async () => {
    expect(judgeDisableRole(await input())).toEqual([]);
  });

  test.each<[string, () => Promise<Parameters<typeof judgeDisableRole>[0]>, string]>([
    ['that does not exist', async () => ({ ...(await input()), iam: observed(EMPTY) }), 'does not exist'],
    [
      'under a service control policy that denies it',
      () => input(controlled(deny())),
      'a statement denies it',
    ],
    [
      'under one that denies it by a tag, which nobody knows',
      () => input(controlled(deny(',"Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"x"}}'))),
      'only under conditions',
    ],
    [
      'under one that denies it, and another that could not be read',
      () => input(controlled(deny(), 'p-unread')),
      'a statement denies it',
    ],
  ])('%s is refused', async (_name, make, says) => {
    const faults = judgeDisableRole(await make());
    expect(faults.map(describeFault).join('\n')).toContain(says);
    expect(faults.every(({ kind }) => kind === 'defect')).toBe(true);
  });

  test.each<[string, Partial<Organization>]>([
    ['that could not be listed', { attachments: DENIED }],
    ['of which a document is missing', controlled(deny().replace('bedrock:', 'ec2:'), 'p-unread')],
  ])('under control policies %s is unknown, and said once', async (_name, change) => {
    expect(judgeDisableRole(await input(change))).toMatchObject([
      { kind: 'unknown', what: expect.stringContaining('the control policies could not be read: ') },
    ]);
  });

  it('of the second lever under control policies that could not be read is unknown, and a defect where its key denies it', async () => {
    const { request: _pair, ...own } = await input({ attachments: DENIED });
    const asked = async (made: World) =>
      judgeSecondLever({ ...own, ...(await inputOf(made)), iam: own.iam, exceptionId: 'ex-0123456789ab' });
    const made = world(BUCKET);
    expect(await asked(made)).toMatchObject([
      { kind: 'unknown', what: expect.stringContaining('what the second lever may do is not decided') },
    ]);
    const policy =
      '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:DisableKey","Resource":"*"}]}';
    made.stacks.setKeyFeatures(KEY, { policy });
    expect(await asked(made)).toMatchObject([
      { kind: 'unknown' },
      { kind: 'defect', what: expect.stringContaining('may call kms:DisableKey') },
    ]);
  });

  it('under a policy that denies it in another Region can', async () => {
    const elsewhere = deny(',"Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}');
    expect(judgeDisableRole(await input(controlled(elsewhere)))).toEqual([]);
  });
});

describe('a template', () => {
  const stack = { accountId: ACCOUNT, region: 'us-east-1', parameters: {}, attributes: {} };
  it('with a function that is not understood is a fault, never a guess', () => {
    const template = readTemplate(
      'Resources: { A: { Type: T, Properties: { X: { Fn::Select: [0, [a]] } } } }',
    );
    expect(() => resolveTemplate(template, stack)).toThrow('Fn::Select');
  });
  it('that asks for a parameter nobody gave is a fault', () => {
    const template = readTemplate('Resources: { A: { Type: T, Properties: { X: !Ref Missing } } }');
    expect(() => resolveTemplate(template, stack)).toThrow('`Missing`');
  });
});
