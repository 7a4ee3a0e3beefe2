import { describe, expect, test } from 'vitest';
import { deployTemplate } from '../../src/adapters/embedded/aws/index.ts';
import type { LoggingConfiguration, Observation, RegionEvidence, Trail } from '../../src/evidence/index.ts';
import type { FactName } from '../../src/policy/index.ts';
import { deriveFacts } from '../../src/rules/index.ts';
import { SECTION_EXAMPLES } from '../evidence/section-examples.ts';
import { AT, absent, FRANKFURT, MEMBER, observed, snapshot } from '../evidence/snapshots.ts';
import { policyWith } from './policies.ts';

type Sections = NonNullable<RegionEvidence['sections']>;
const OTHER = '333333333333';
const DENIED = { kind: 'unobservable', reason: 'access-denied' } as const;

/** `value`, `absent` or `unobservable reason`, and the lines behind it. */
function factOf(
  fact: FactName,
  sections: Sections,
  invocationLogging: Observation<LoggingConfiguration> = absent(),
): readonly [unknown, string] {
  const base = snapshot();
  const taken = {
    ...base,
    accountRegions: base.accountRegions.map((pair) => ({ ...pair, invocationLogging, sections })),
  };
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
const seenAs = (...given: Parameters<typeof factOf>) => factOf(...given)[0];

const TO_BUCKET = observed<LoggingConfiguration>({ s3Config: { bucketName: 'logs', keyPrefix: 'p' } });
const ARN = 'arn:aws:s3:::logs';
const nothingElse: Sections = {
  batchJobs: observed([]),
  evaluationJobs: observed([]),
  asyncInvocations: observed([]),
  logDeliveries: observed([]),
};
type Statement = Readonly<Record<string, unknown>>;
const held = (...Statement: readonly Statement[]): Sections => ({
  ...nothingElse,
  destinationPolicies: observed([
    { resourceArn: ARN, policy: observed(JSON.stringify({ Version: '2012-10-17', Statement })) },
  ]),
});
const noPolicy: Sections = {
  ...nothingElse,
  destinationPolicies: observed([{ resourceArn: ARN, policy: absent() }]),
};
const damaged: Sections = {
  ...nothingElse,
  destinationPolicies: observed([{ resourceArn: ARN, policy: observed('{') }]),
};
const bedrock = (Condition?: object): Statement => ({
  Effect: 'Allow',
  Principal: { Service: 'bedrock.amazonaws.com' },
  Action: 's3:PutObject',
  Resource: `${ARN}/*`,
  ...(Condition === undefined ? {} : { Condition }),
});
const OURS = { StringEquals: { 'aws:SourceAccount': MEMBER } };
const allow = (Principal: unknown, more: Statement = {}): Statement => ({
  Effect: 'Allow',
  Principal,
  Action: 's3:GetObject',
  Resource: `${ARN}/*`,
  ...more,
});

describe('PT-5: whom the policy of a logging bucket lets in', () => {
  test.each<[string, Sections, unknown]>([
    ['Bedrock for this account', held(bedrock(OURS)), 0],
    [
      'Bedrock for ARNs of this account',
      held(bedrock({ ArnLike: { 'aws:SourceArn': `arn:aws:bedrock:${FRANKFURT}:${MEMBER}:*` } })),
      0,
    ],
    ['Bedrock for anybody', held(bedrock()), 1],
    [
      'Bedrock for ARNs of any account',
      held(bedrock({ ArnLike: { 'aws:SourceArn': 'arn:aws:bedrock:*:*:*' } })),
      1,
    ],
    [
      'Bedrock for the account if the key is there at all',
      held(bedrock({ StringEqualsIfExists: { 'aws:SourceAccount': MEMBER } })),
      0,
    ],
    [
      'Bedrock for anybody, and a Deny for other accounts',
      held(bedrock(), {
        Effect: 'Deny',
        Principal: { Service: 'bedrock.amazonaws.com' },
        Action: 's3:*',
        Resource: [ARN, `${ARN}/*`],
        Condition: { StringNotEquals: { 'aws:SourceAccount': MEMBER } },
      }),
      0,
    ],
    ['a role of the account', held(bedrock(OURS), allow({ AWS: `arn:aws:iam::${MEMBER}:role/Reader` })), 0],
    ['the account itself', held(bedrock(OURS), allow({ AWS: `arn:aws:iam::${MEMBER}:root` })), 0],
    ['everybody', held(bedrock(OURS), allow('*')), 1],
    [
      'everybody whose account is this: what that key is of a service is not documented',
      held(bedrock(OURS), allow('*', { Condition: { StringEquals: { 'aws:PrincipalAccount': MEMBER } } })),
      1,
    ],
    [
      'everybody of some organization',
      held(bedrock(OURS), allow('*', { Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } })),
      1,
    ],
    [
      'another account by its number, one of its roles by a condition',
      held(
        bedrock(OURS),
        allow(
          { AWS: OTHER },
          { Condition: { ArnEquals: { 'aws:PrincipalArn': `arn:aws:iam::${OTHER}:role/x` } } },
        ),
      ),
      1,
    ],
    [
      'another account by its number, a role of this account by a condition that nobody there meets',
      held(
        bedrock(OURS),
        allow(
          { AWS: OTHER },
          { Condition: { ArnEquals: { 'aws:PrincipalArn': `arn:aws:iam::${MEMBER}:role/x` } } },
        ),
      ),
      0,
    ],
    [
      'everybody but one',
      held({ ...allow(undefined), NotPrincipal: { AWS: `arn:aws:iam::${MEMBER}:root` } }),
      1,
    ],
    ['a role of another account', held(allow({ AWS: 'arn:aws:iam::333333333333:role/x' })), 1],
    ['another account by its number', held(allow({ AWS: '333333333333' })), 1],
    ['a canonical id', held(allow({ CanonicalUser: 'abc' })), 1],
    ['another service', held(bedrock(OURS), allow({ Service: 'delivery.logs.amazonaws.com' })), 1],
    ['whoever may rewrite the policy', held(allow('*', { Action: 's3:PutBucketPolicy', Resource: ARN })), 1],
    ['no policy at all lets in nobody', noPolicy, 0],
    ['a damaged policy', damaged, 'unobservable not-evaluated'],
    [
      'a bucket of another account, whose policy AWS does not show',
      nothingElse,
      'unobservable not-collected',
    ],
    [
      'a policy that was refused',
      { ...nothingElse, destinationPolicies: observed([{ resourceArn: ARN, policy: DENIED }]) },
      'unobservable not-evaluated',
    ],
  ])('%s', (_name, sections, expected) => {
    expect(seenAs('loggingBuckets.openToOthers', sections, TO_BUCKET)).toBe(expected);
  });

  test.each([
    ['another account', { StringEquals: { 'aws:PrincipalAccount': OTHER } }],
    ['a role of another account', { ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${OTHER}:role/x` } }],
  ])('everybody under a condition that lets in %s is not nobody', (_name, Condition) => {
    const [, lines] = factOf(
      'loggingBuckets.openToOthers',
      held(bedrock(OURS), allow('*', { Condition })),
      TO_BUCKET,
    );
    expect(lines).toContain('everybody, also outside the account');
  });

  test('a Deny for all principals of other accounts leaves Bedrock’s own, and no stranger', () => {
    const [, lines] = factOf(
      'loggingBuckets.openToOthers',
      held(allow('*'), {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [ARN, `${ARN}/*`],
        Condition: {
          StringNotEquals: { 'aws:PrincipalAccount': MEMBER },
          Bool: { 'aws:PrincipalIsAWSService': 'false' },
        },
      }),
      TO_BUCKET,
    );
    expect(lines).toContain('on behalf of other accounts');
    expect(lines).not.toContain('everybody');
  });

  test('the evidence says who', () => {
    const [, lines] = factOf(
      'loggingBuckets.openToOthers',
      held(bedrock(), allow({ Service: 'delivery.logs.amazonaws.com' })),
      TO_BUCKET,
    );
    expect(lines).toBe(
      'bucket `logs` lets in `bedrock.amazonaws.com` on behalf of other accounts (nothing binds `aws:SourceAccount` or `aws:SourceArn`), the service `delivery.logs.amazonaws.com`',
    );
  });

  const [example] = SECTION_EXAMPLES['account-region'].destinations;
  if (example?.kind !== 's3') throw new Error('the example has no bucket');
  const under = (encryption: typeof example.encryption, manager?: Observation<string>): Sections => ({
    destinations: observed([{ ...example, bucketName: 'logs', encryption }]),
    keyGrants: observed([
      { keyArn: 'arn:k', grants: observed([]), ...(manager === undefined ? {} : { manager }) },
    ]),
  });
  const byId = observed({ algorithm: 'aws:kms', keyArn: 'arn:k' });
  test.each<[string, Sections, unknown]>([
    ['a key of ours', under(byId, observed('CUSTOMER')), 0],
    ['the key that AWS makes', under(observed({ algorithm: 'aws:kms', keyArn: 'alias/aws/s3' })), 1],
    ['the key that AWS makes, named by its id', under(byId, observed('AWS')), 1],
    ['a key of which nobody asked whose it is', under(byId), 'unobservable not-evaluated'],
    ['a key that did not say whose it is', under(byId, DENIED), 'unobservable not-evaluated'],
    ['a key of a manager that nobody knows', under(byId, observed('PARTNER')), 'unobservable not-evaluated'],
    ['a key that no section describes', { ...under(byId), keyGrants: DENIED }, 'unobservable not-evaluated'],
    ['KMS without a key named', under(observed({ algorithm: 'aws:kms' })), 1],
    ['no encryption of its own', under(absent()), 1],
    ['encryption that was refused', under(DENIED), 'unobservable not-evaluated'],
    ['a bucket that nobody looked at', {}, 'unobservable not-evaluated'],
  ])('under %s', (_name, sections, expected) => {
    expect(seenAs('loggingBuckets.withoutCustomerKey', sections, TO_BUCKET)).toBe(expected);
  });

  test('the bucket for large bodies counts, an empty name does not, and logging that was refused is no zero', () => {
    const count = (logging: Observation<LoggingConfiguration>) => seenAs('loggingBuckets.count', {}, logging);
    expect(count(TO_BUCKET)).toBe(1);
    expect(
      count(
        observed({
          s3Config: { bucketName: '' },
          cloudWatchConfig: { logGroupName: 'g', largeDataDeliveryS3Config: { bucketName: 'large' } },
        }),
      ),
    ).toBe(1);
    expect(count(absent())).toBe(0);
    expect(count(DENIED)).toBe('unobservable access-denied');
  });
});

describe('PT-7: who reads, and who knows of it', () => {
  const readers = (Condition: object, more: Statement = {}): Sections =>
    held({
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: `${ARN}/*`,
      Condition,
      ...more,
    });
  const ROLE = `arn:aws:iam::${MEMBER}:role/Reader`;

  test.each<[string, Sections, unknown]>([
    ['a Deny for all but a role', readers({ ArnNotLike: { 'aws:PrincipalArn': ROLE } }), 0],
    ['a Deny for all but the sessions of an id', readers({ StringNotLike: { 'aws:userId': 'AROAX:*' } }), 0],
    [
      'a Deny of everything for all but a role',
      readers({ ArnNotEquals: { 'aws:PrincipalArn': ROLE } }, { Action: 's3:*' }),
      0,
    ],
    [
      'a list that every role of the account is on',
      readers({ ArnNotLike: { 'aws:PrincipalArn': `arn:aws:iam::${MEMBER}:role/*` } }),
      1,
    ],
    [
      'a list that every user of the account is on',
      readers({ ArnNotLike: { 'aws:PrincipalArn': [ROLE, `arn:aws:iam::${MEMBER}:user/*`] } }),
      1,
    ],
    ['a Deny without TLS alone', readers({ Bool: { 'aws:SecureTransport': 'false' } }), 1],
    ['a Deny that a tag lifts', readers({ StringNotEquals: { 'aws:PrincipalTag/reader': 'yes' } }), 1],
    [
      'a Deny for another prefix than the one that is written to',
      readers({ ArnNotLike: { 'aws:PrincipalArn': ROLE } }, { Resource: `${ARN}/other/*` }),
      1,
    ],
    [
      'a Deny for the prefix that is written to',
      readers({ ArnNotLike: { 'aws:PrincipalArn': ROLE } }, { Resource: `${ARN}/p/AWSLogs/*` }),
      0,
    ],
    ['an Allow for a reader keeps nobody else out', held(allow({ AWS: ROLE })), 1],
    ['no policy', noPolicy, 1],
    ['a damaged policy', damaged, 'unobservable not-evaluated'],
    [
      'policies that were refused',
      { ...nothingElse, destinationPolicies: DENIED },
      'unobservable access-denied',
    ],
  ])('%s', (_name, sections, expected) => {
    expect(seenAs('contentBuckets.withoutReaderList', sections, TO_BUCKET)).toBe(expected);
  });

  const trail = (selectors: Trail['selectors'], more: Partial<Trail> = {}): Trail => ({
    arn: 'arn:t',
    homeRegion: FRANKFURT,
    isMultiRegion: true,
    isOrganizationTrail: false,
    includesGlobalServiceEvents: true,
    isLogging: true,
    selectors,
    ...more,
  });
  const basic = (value: string, readWriteType = 'All', type = 'AWS::S3::Object') =>
    trail({
      basic: [
        {
          readWriteType,
          includeManagementEvents: false,
          excludedSources: [],
          dataResources: [{ type, values: [value] }],
        },
      ],
    });
  type Field = NonNullable<NonNullable<Trail['selectors']>['advanced']>[number][number];
  const advanced = (...fields: readonly Field[]) =>
    trail({
      advanced: [
        [
          { field: 'eventCategory', equals: ['Data'] },
          { field: 'resources.type', equals: ['AWS::S3::Object'] },
          ...fields,
        ],
      ],
    });
  const reads = { field: 'readOnly', equals: ['true'] };

  test.each<[string, readonly Trail[], unknown]>([
    ['all buckets', [basic('arn:aws:s3')], 0],
    ['all buckets, spelled longer', [basic('arn:aws:s3:::')], 0],
    ['this bucket', [basic(`${ARN}/`)], 0],
    ['the prefix that is written to', [basic(`${ARN}/p/`)], 0],
    ['another prefix', [basic(`${ARN}/q/`)], 1],
    ['another bucket', [basic('arn:aws:s3:::logs-2/')], 1],
    ['a bucket without its slash', [basic(ARN)], 'unobservable not-evaluated'],
    ['reads alone', [basic(`${ARN}/`, 'ReadOnly')], 1],
    [
      'reads by one trail and writes by another',
      [basic(`${ARN}/`, 'ReadOnly'), basic(`${ARN}/`, 'WriteOnly')],
      0,
    ],
    ['functions of Lambda', [basic('arn:aws:lambda', 'All', 'AWS::Lambda::Function')], 1],
    ['advanced, every object', [advanced()], 0],
    ['advanced, this bucket', [advanced({ field: 'resources.ARN', startsWith: [`${ARN}/`] })], 0],
    ['advanced, not this bucket', [advanced({ field: 'resources.ARN', notStartsWith: [`${ARN}/`] })], 1],
    ['advanced, reads alone', [advanced(reads)], 1],
    [
      'advanced, objects that end so',
      [advanced({ field: 'resources.ARN', endsWith: ['.gz'] })],
      'unobservable not-evaluated',
    ],
    [
      'advanced, by somebody',
      [advanced({ field: 'userIdentity.arn', equals: ['x'] })],
      'unobservable not-evaluated',
    ],
    ['a trail that stopped', [{ ...basic('arn:aws:s3'), isLogging: false }], 1],
    [
      'a trail that hides whether it logs',
      [{ ...basic('arn:aws:s3'), isLogging: null }],
      'unobservable not-evaluated',
    ],
    ['a trail that hides its selectors', [trail(null)], 'unobservable not-evaluated'],
    [
      'a trail of one Region',
      [{ ...basic('arn:aws:s3'), isMultiRegion: false }],
      'unobservable not-evaluated',
    ],
    ['management events', [trail({ advanced: [[{ field: 'eventCategory', equals: ['Management'] }]] })], 1],
    ['no trail', [], 1],
  ])('recorded by a trail for %s', (_name, trails, expected) => {
    const sections = { ...nothingElse, trails: observed(trails) };
    expect(seenAs('contentBuckets.withoutDataEvents', sections, TO_BUCKET)).toBe(expected);
  });

  test('trails that were refused record nothing that is known; without a bucket they do not matter', () => {
    const sections = { ...nothingElse, trails: DENIED };
    expect(seenAs('contentBuckets.withoutDataEvents', sections, TO_BUCKET)).toBe(
      'unobservable access-denied',
    );
    expect(seenAs('contentBuckets.withoutDataEvents', sections)).toBe(0);
  });

  test('every bucket that anything names counts, each once', () => {
    const job = { arn: 'arn:j', status: 'Completed', submittedAt: AT };
    const delivery = { id: 'd', service: 'bedrock', logType: 'APPLICATION_LOGS', resourceArns: ['arn:kb'] };
    const sections: Sections = {
      ...nothingElse,
      batchJobs: observed([
        { ...job, outputS3Uri: 's3://logs/out/' },
        { ...job, outputS3Uri: 's3://batch' },
      ]),
      logDeliveries: observed([{ ...delivery, destinationArn: 'arn:aws:s3:::vended/x' }]),
    };
    expect(factOf('contentBuckets.count', sections, TO_BUCKET)).toEqual([
      3,
      'bucket `batch`; bucket `logs`; bucket `vended`',
    ]);
  });

  test.each(['batchJobs', 'evaluationJobs', 'asyncInvocations', 'logDeliveries'] as const)(
    'without %s nobody knows that there is no bucket, nor that none is locked',
    (name) => {
      const sections: Sections = { ...nothingElse, [name]: DENIED, destinations: observed([]) };
      expect(seenAs('contentBuckets.count', sections)).toBe('unobservable access-denied');
      expect(seenAs('contentBuckets.locked', sections)).toBe('unobservable not-evaluated');
    },
  );
});

describe('the destination that an exception gets', () => {
  const resources = deployTemplate('exception-destination', {
    accountId: MEMBER,
    region: FRANKFURT,
    parameters: {
      ContentName: 'logs',
      KeyPrefix: '',
      ExpiresAt: '2026-12-01T00:00:00Z',
      ReaderArns: [`arn:aws:iam::${MEMBER}:role/Reader`],
      BackstopDays: '3',
    },
    attributes: { 'ContentKey.Arn': 'arn:k', ContentBucket: 'logs', 'ContentBucket.Arn': ARN },
  });
  const made = resources['ContentBucketPolicy']?.properties;
  if (typeof made !== 'object' || made === null || !('PolicyDocument' in made))
    throw new Error('the template makes no policy');
  const { PolicyDocument } = made;
  const sections: Sections = {
    ...nothingElse,
    destinationPolicies: observed([{ resourceArn: ARN, policy: observed(JSON.stringify(PolicyDocument)) }]),
  };

  test('lets in Bedrock for this account alone, and names its readers', () => {
    expect(factOf('loggingBuckets.openToOthers', sections, TO_BUCKET)).toEqual([0, expect.any(String)]);
    expect(factOf('contentBuckets.withoutReaderList', sections, TO_BUCKET)).toEqual([0, expect.any(String)]);
  });
});

describe('PT-3: tags on what has a cost of its own', () => {
  type Resource = Extract<NonNullable<Sections['costResources']>, { kind: 'observed' }>['value'][number];
  const tagged = (tagKeys: Resource['tagKeys'], arn = 'arn:a'): Resource => ({ arn, kind: 'agent', tagKeys });
  const ALL = ['Environment', 'Project', 'Team', 'x'];
  test.each<[string, Observation<readonly Resource[]>, unknown, unknown]>([
    ['all three', observed([tagged(observed(ALL))]), 1, 0],
    ['one missing', observed([tagged(observed(['Project', 'Team']))]), 1, 1],
    ['keys tell case apart', observed([tagged(observed(['environment', 'Project', 'Team']))]), 1, 1],
    ['no tags', observed([tagged(observed([]))]), 1, 1],
    ['tags that were refused', observed([tagged(DENIED)]), 1, 'unobservable not-evaluated'],
    [
      'tags refused of one, missing on another',
      observed([tagged(DENIED), tagged(observed([]), 'arn:b')]),
      2,
      1,
    ],
    ['nothing to tag', observed([]), 0, 0],
    ['resources that were refused', DENIED, 'unobservable access-denied', 'unobservable access-denied'],
  ])('%s', (_name, costResources, resources, incomplete) => {
    expect(seenAs('costTags.resources', { costResources })).toBe(resources);
    expect(seenAs('costTags.incomplete', { costResources })).toBe(incomplete);
  });

  test('the evidence names the resource and what it lacks', () => {
    const costResources = observed([tagged(observed(['Team']))]);
    expect(factOf('costTags.incomplete', { costResources })[1]).toBe(
      '`arn:a` lacks `Project`, `Environment`',
    );
  });
});
