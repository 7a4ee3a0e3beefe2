import { describe, expect, test } from 'vitest';
import type { IamEvidence, Observation, SectionObservations, Snapshot } from '../../src/evidence/index.ts';
import type { FactName } from '../../src/policy/index.ts';
import { deriveFacts, type SubjectFacts } from '../../src/rules/index.ts';
import { FORCED_RETENTION } from '../../src/rules/retaining-models.ts';
import { SECTION_EXAMPLES } from '../evidence/section-examples.ts';
import { absent, FRANKFURT, MEMBER, noIam, observed, organization, snapshot } from '../evidence/snapshots.ts';
import { allow, deny, documentOf } from '../iam/documents.ts';
import { policyWith } from './policies.ts';

const POLICY = policyWith([
  {
    id: 'CP-01',
    subject: 'account-region',
    require: { fact: 'account.state', op: 'equal', value: 'ACTIVE' },
  },
]);
const DENIED = { kind: 'unobservable', reason: 'access-denied', detail: 'AccessDenied' } as const;

const under = (...documents: string[]) =>
  organization({
    serviceControlPolicies: observed([
      { id: 'p-0', name: 'Everything', document: documentOf(allow('*')) },
      ...documents.map((document, index) => ({ id: `p-${index + 1}`, name: `Fence${index + 1}`, document })),
    ]),
    attachments: observed(
      [...organization().units, ...organization().accounts].map(({ id }) => ({
        targetId: id,
        policyIds: ['p-0', ...(id === MEMBER ? documents.map((_, index) => `p-${index + 1}`) : [])],
      })),
    ),
  });

interface Given {
  readonly organization?: Snapshot['organization'];
  readonly iam?: Observation<IamEvidence>;
  readonly account?: SectionObservations<'account'>;
  readonly region?: SectionObservations<'account-region'>;
}

function memberOf(given: Given = {}): SubjectFacts | undefined {
  const base = snapshot(given.organization === undefined ? {} : { organization: given.organization });
  const taken: Snapshot = {
    ...base,
    accounts: base.accounts.map((each) => ({
      ...each,
      ...(given.iam === undefined ? {} : { iam: given.iam }),
      ...(given.account === undefined ? {} : { sections: given.account }),
    })),
    accountRegions: base.accountRegions.map((each) => ({
      ...each,
      ...(given.region === undefined ? {} : { sections: given.region }),
    })),
  };
  return deriveFacts(taken, POLICY).account.find(({ subject }) => subject.accountId === MEMBER);
}

function seen(fact: FactName, given: Given = {}) {
  const observation = memberOf(given)?.facts[fact];
  return observation?.kind === 'observed'
    ? observation.value
    : observation?.kind === 'unobservable'
      ? observation.reason
      : observation?.kind;
}

const holder = (document: string): Observation<IamEvidence> =>
  observed({
    ...noIam,
    users: [
      {
        arn: `arn:aws:iam::${MEMBER}:user/u`,
        name: 'u',
        inlinePolicies: [{ name: 'p', document }],
        attachedPolicies: [],
        groups: [],
        accessKeys: observed([]),
        serviceSpecificCredentials: observed([]),
      },
    ],
  });

const MODE = { StringNotEquals: { 'bedrock:DataRetentionMode': 'none' } };
const MANTLE_MODE = { StringNotEquals: { 'bedrock-mantle:DataRetentionMode': 'none' } };
const MANTLE = [
  'bedrock-mantle:PutAccountDataRetention',
  'bedrock-mantle:CreateProject',
  'bedrock-mantle:UpdateProject',
];
const lock = (more: object = {}) =>
  documentOf([
    deny('bedrock:PutAccountDataRetention', { Condition: { ...MODE, ...more } }),
    deny(MANTLE, { Condition: { ...MANTLE_MODE, ...more } }),
  ]);

describe('the lock of the retention mode', () => {
  test.each([
    ['nothing denies it', under(), 'open'],
    ['both endpoints are locked to `none`', under(lock()), 'locked'],
    ['everything of Bedrock is denied', under(documentOf(deny(['bedrock:*', 'bedrock-mantle:*']))), 'locked'],
    [
      'only what is allowed is allowed, and Bedrock is not',
      under(documentOf(deny([], { Action: undefined, NotAction: ['s3:*'] }))),
      'locked',
    ],
    [
      'mantle is forgotten',
      under(documentOf(deny('bedrock:PutAccountDataRetention', { Condition: MODE }))),
      'open',
    ],
    [
      'one role is exempted',
      under(lock({ ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/breakglass' } })),
      'conditional',
    ],
    [
      'it holds in another Region alone',
      under(lock({ StringEquals: { 'aws:RequestedRegion': 'us-east-1' } })),
      'open',
    ],
    [
      'it lists the modes of today, so one of tomorrow gets through',
      under(
        documentOf([
          deny('bedrock:PutAccountDataRetention', {
            Condition: {
              StringEquals: {
                'bedrock:DataRetentionMode': ['default', 'inherit', 'aws_review', 'provider_data_share'],
              },
            },
          }),
          deny(MANTLE),
        ]),
      ),
      'open',
    ],
    ['the control policies could not be listed', organization({ attachments: DENIED }), 'access-denied'],
    ['one of them is damaged', under(lock(), '{'), 'locked'],
    ['the one that would lock is damaged', under('{'), 'malformed'],
  ])('%s', (_name, tree, expected) => {
    expect(seen('dataRetention.lock', { organization: tree })).toBe(expected);
  });
});

describe('what anybody in the account can do', () => {
  const MANTLE_USE = 'mantle.inference';
  /** As many organizations have it: the root user does nothing, so that the others are what is asked about. */
  const NO_ROOT = under(
    documentOf(deny('*', { Condition: { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:root' } } })),
  );
  const ROOT = `arn:aws:iam::${MEMBER}:root`;

  test.each<[string, Given, string]>([
    ['nobody else is there', { iam: observed(noIam) }, 'allowed'],
    ['nobody else is known', { iam: DENIED }, 'allowed'],
    ['control policies stop it', { organization: NO_ROOT, iam: observed(noIam) }, 'denied'],
    [
      'control policies could not be listed',
      { organization: organization({ attachments: DENIED }) },
      'access-denied',
    ],
  ])('the root user may do what nothing above the account denies: %s', (_name, given, expected) => {
    expect(seen(MANTLE_USE, given)).toBe(expected);
  });

  test('the evidence names the root user', () => {
    expect(memberOf({ iam: DENIED })?.evidenceOf(MANTLE_USE)?.[0]).toBe(
      `\`${ROOT}\` may use models of \`bedrock-mantle\` in ${FRANKFURT}`,
    );
  });

  test.each([
    ['nobody is there', { iam: observed(noIam) }, 'denied'],
    ['a user may', { iam: holder(documentOf(allow('bedrock-mantle:*'))) }, 'allowed'],
    [
      'a user may under a condition',
      {
        iam: holder(
          documentOf(
            allow('bedrock-mantle:*', { Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } }),
          ),
        ),
      },
      'conditionally-allowed',
    ],
    [
      'a user may in another Region alone',
      {
        iam: holder(
          documentOf(
            allow('bedrock-mantle:*', {
              Condition: { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } },
            }),
          ),
        ),
      },
      'denied',
    ],
    [
      'a control policy denies it to all',
      { organization: under(documentOf(deny('bedrock-mantle:*'))), iam: DENIED },
      'denied',
    ],
    ['principals could not be listed', { iam: DENIED }, 'access-denied'],
    ['a policy is damaged', { iam: holder('{') }, 'malformed'],
  ] as [string, Given, string][])('%s', (_name, given, expected) => {
    expect(seen(MANTLE_USE, { organization: NO_ROOT, ...given })).toBe(expected);
  });

  test('a model that forces retention counts by its own ARN', () => {
    const invocation = (resource: string) =>
      seen('forcedRetentionModels.invocation', {
        organization: NO_ROOT,
        iam: holder(documentOf(allow('bedrock:InvokeModel', { Resource: resource }))),
      });
    const [id] = FORCED_RETENTION[0]?.ids ?? [];
    expect(invocation(`arn:aws:bedrock:*::foundation-model/${id}`)).toBe('allowed');
    expect(invocation('arn:aws:bedrock:*::foundation-model/amazon.nova-pro-v1:0')).toBe('denied');
    expect(invocation(`arn:aws:bedrock:us-east-1::foundation-model/${id}`)).toBe('denied');
    expect(
      memberOf({ organization: NO_ROOT, iam: holder(documentOf(allow('bedrock:*'))) })?.evidenceOf(
        'forcedRetentionModels.invocation',
      )?.[0],
    ).toBe(
      `\`arn:aws:iam::${MEMBER}:user/u\` may invoke a model that cannot be used without AWS keeping its traffic (Claude Fable 5, Claude Fable 5.1, Claude Mythos 5) in ${FRANKFURT}`,
    );
  });
});

describe('who records and who is told', () => {
  const { trails, metricAlarms } = SECTION_EXAMPLES['account-region'];

  test('sections that nobody collected are unknown, whatever the fact', () => {
    for (const fact of [
      'trail.managementEvents',
      'changeAlarms.unwatchedCalls',
      'throttling.alarm',
      'mantle.metering',
      'bedrockMetrics.unknownNames',
      'identityCenter.userAssignments',
      'aiServicesOptOut.default',
    ] as const)
      expect([fact, seen(fact)]).toEqual([fact, 'not-collected']);
  });

  test.each([
    ['a trail of the organization', observed(trails), 'read-and-write'],
    ['no trails', observed([]), 'none'],
    ['CloudTrail is not offered there', absent<typeof trails>(), 'none'],
    [
      'a trail of which nothing was shown',
      observed(trails.slice(1).map((each) => ({ ...each, isMultiRegion: true }))),
      'not-evaluated',
    ],
    ['trails that could not be read', DENIED, 'access-denied'],
  ] as [string, Observation<typeof trails>, string][])('%s', (_name, given, expected) => {
    expect(seen('trail.managementEvents', { region: { trails: given } })).toBe(expected);
  });

  test('throttling: the native metric, only a metric filter, or nothing', () => {
    const alarm = (namespace: string, name: string) =>
      observed([{ name: 'a', isTelling: true, metrics: [{ namespace, name, dimensions: [] }] }]);
    const filter = observed([
      {
        name: 'f',
        logGroupName: 'g',
        pattern: '{ $.status = 429 }',
        metrics: [{ namespace: 'GenAI', name: 'T' }],
      },
    ]);
    const told = (region: SectionObservations<'account-region'>) => seen('throttling.alarm', { region });
    expect(told({ metricAlarms: alarm('AWS/Bedrock', 'InvocationThrottles') })).toBe('native');
    expect(told({ metricAlarms: alarm('GenAI', 'T'), metricFilters: filter })).toBe('metric-filter');
    expect(told({ metricAlarms: observed([]), metricFilters: filter })).toBe('none');
    expect(told({ metricAlarms: observed([]), metricFilters: DENIED })).toBe('access-denied');
  });

  test('an alarm on a metric of the runbook is told the one that AWS has', () => {
    const wrong = observed([
      {
        name: 'a',
        isTelling: true,
        metrics: [{ namespace: 'AWS/Bedrock', name: 'TotalTokens', dimensions: [] }],
      },
      {
        name: 'b',
        isTelling: true,
        metrics: [{ namespace: 'AWS/Bedrock', name: 'Invocations', dimensions: ['Region'] }],
      },
      {
        name: 'c',
        isTelling: true,
        metrics: [{ namespace: 'AWS/BedrockMantle', name: 'InputTokens', dimensions: [] }],
      },
    ]);
    const quietly = { metricStreams: observed([]) };
    const found = memberOf({
      account: { dashboards: observed([]) },
      region: { ...quietly, metricAlarms: wrong },
    });
    expect(found?.facts['bedrockMetrics.unknownNames']).toMatchObject({ value: 2 });
    expect(found?.evidenceOf('bedrockMetrics.unknownNames')).toEqual([
      'alarm `a` in eu-central-1 asks for `TotalTokens`, which `AWS/Bedrock` does not have; AWS has nothing: add `InputTokenCount` and `OutputTokenCount`',
      'alarm `b` in eu-central-1 asks for the dimension `Region`, which `AWS/Bedrock` does not have',
    ]);
    expect(
      seen('bedrockMetrics.unknownNames', {
        account: { dashboards: observed([]) },
        region: { ...quietly, metricAlarms: observed(metricAlarms) },
      }),
    ).toBe(0);
  });

  describe('dashboards and metric streams', () => {
    type Boards = NonNullable<SectionObservations<'account'>['dashboards']>;
    type Streams = NonNullable<SectionObservations<'account-region'>['metricStreams']>;
    const board = (name: string, hasUnreadNames = false, namespace = 'AWS/Bedrock'): Boards =>
      observed([{ name: 'd', metrics: [{ namespace, name, dimensions: ['ModelId'] }], hasUnreadNames }]);
    const stream = (...names: readonly string[]): Streams =>
      observed([
        { name: 's', state: 'running', includes: [{ namespace: 'AWS/Bedrock', names }], excludes: [] },
      ]);
    const none = observed([]) as Boards & Streams;

    test.each<[string, Boards, Streams, unknown]>([
      ['real names', board('InvocationLatency'), stream('InputTokenCount'), 0],
      ['a dashboard on TotalTokens', board('TotalTokens'), none, 1],
      ['the same name in another namespace', board('InputTokens', false, 'AWS/BedrockMantle'), none, 0],
      ['a stream of InputTokens and Latency', none, stream('InputTokens', 'Latency', 'Invocations'), 2],
      ['a stream of the whole namespace', none, stream(), 0],
      ['a dashboard with a search', board('Invocations', true), none, 'not-evaluated'],
      ['a dashboard with a search, and a wrong name', board('Errors', true), none, 1],
      ['dashboards that were denied', DENIED, none, 'access-denied'],
      ['streams that were denied', none, DENIED, 'access-denied'],
      ['a wrong name, though streams were denied', board('Errors'), DENIED, 1],
    ])('%s', (_name, dashboards, metricStreams, expected) => {
      expect(
        seen('bedrockMetrics.unknownNames', {
          account: { dashboards },
          region: { metricAlarms: observed([]), metricStreams },
        }),
      ).toBe(expected);
    });
  });

  test('changes: what is certainly not watched is counted, whatever else is unknown', () => {
    const rule = {
      name: 'r',
      state: 'ENABLED',
      eventPattern: '{"detail-type":["AWS API Call via CloudTrail"]}',
      targets: ['arn:aws:sns:x'],
    };
    const quiet = { metricFilters: observed([]), metricAlarms: observed([]) };
    // Seven calls in eu-central-1; the Region us-east-1, where IAM's events appear, was not asked.
    expect(seen('changeAlarms.unwatchedCalls', { region: { ...quiet, eventRules: observed([]) } })).toBe(7);
    expect(seen('changeAlarms.unwatchedCalls', { region: { ...quiet, eventRules: observed([rule]) } })).toBe(
      'not-collected',
    );
    expect(seen('changeAlarms.unwatchedCalls', { region: { ...quiet, eventRules: DENIED } })).toBe(
      'access-denied',
    );
  });

  test('changes: a filter on the log group of a trail tells, on another group it does not, in another account nobody knows', () => {
    const GROUP = `arn:aws:logs:${FRANKFURT}:${MEMBER}:log-group:trail:*`;
    const watched = (logGroupArn: string | null) => {
      const found = memberOf({
        region: {
          trails: observed(trails.slice(0, 1).map((each) => ({ ...each, logGroupArn }))),
          eventRules: observed([]),
          metricFilters: observed([
            {
              name: 'f',
              logGroupName: 'trail',
              pattern: '{ $.eventName = "*" }',
              metrics: [{ namespace: 'A', name: 'M' }],
            },
          ]),
          metricAlarms: observed([
            { name: 'a', isTelling: true, metrics: [{ namespace: 'A', name: 'M', dimensions: [] }] },
          ]),
        },
      });
      return [
        found?.facts['changeAlarms.unwatchedCalls'],
        found?.evidenceOf('changeAlarms.unwatchedCalls') ?? [],
      ] as const;
    };
    // What is left open is the call that appears in us-east-1, a Region that was not asked.
    expect(watched(GROUP)[0]).toMatchObject({ kind: 'unobservable', reason: 'not-collected' });
    expect(watched(null)[0]).toMatchObject({ value: 7 });
    const [fact, lines] = watched(GROUP.replace(MEMBER, '111111111111'));
    expect(fact).toMatchObject({ kind: 'unobservable' });
    expect(lines).toEqual([
      expect.stringContaining('of another account, whose metric filters are not in this evidence'),
    ]);
  });

  test('mantle is metered by data events and an alarm, both', () => {
    const data = trails.slice(0, 1).map((each) => ({
      ...each,
      selectors: {
        advanced: [
          [
            { field: 'eventCategory', equals: ['Data'] },
            { field: 'resources.type', equals: ['AWS::BedrockMantle::Project'] },
          ],
        ],
      },
    }));
    const alarm = [
      {
        name: 'a',
        isTelling: true,
        metrics: [{ namespace: 'AWS/BedrockMantle', name: 'Inferences', dimensions: [] }],
      },
    ];
    const metered = (region: SectionObservations<'account-region'>) => seen('mantle.metering', { region });
    expect(metered({ trails: observed(data), metricAlarms: observed(alarm) })).toBe('metered');
    expect(metered({ trails: observed(data), metricAlarms: observed([]) })).toBe('unmetered');
    expect(metered({ trails: observed(trails), metricAlarms: observed(alarm) })).toBe('unmetered');
    expect(metered({ trails: DENIED, metricAlarms: observed(alarm) })).toBe('access-denied');
  });
});

describe('what the organization’s services know', () => {
  const assigned = (principalType: string, permissionSetName = 'BedrockDeveloper') =>
    observed([{ permissionSetName, principalType, principalId: 'id-1' }]);
  const role = (document: string): Observation<IamEvidence> =>
    observed({
      ...noIam,
      roles: [
        {
          arn: `arn:aws:iam::${MEMBER}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_BedrockDeveloper_0123456789abcdef`,
          name: 'AWSReservedSSO_BedrockDeveloper_0123456789abcdef',
          path: '/aws-reserved/sso.amazonaws.com/',
          assumeRolePolicyDocument: documentOf({
            Effect: 'Allow',
            Action: 'sts:AssumeRole',
            Principal: { Service: 'ec2.amazonaws.com' },
          }),
          inlinePolicies: [{ name: 'p', document }],
          attachedPolicies: [],
        },
      ],
    });

  test.each([
    ['a group', assigned('GROUP'), holder(documentOf(allow('s3:*'))), 0],
    ['a user, of a set whose role is not in the evidence', assigned('USER'), observed(noIam), 1],
    [
      'a user, of a set that may invoke models',
      assigned('USER'),
      role(documentOf(allow('bedrock:Invoke*'))),
      1,
    ],
    ['a user, of a set that may not', assigned('USER'), role(documentOf(allow('s3:*'))), 0],
    ['a kind of tomorrow', assigned('DEVICE'), observed(noIam), 1],
  ] as const)('a permission set given to %s', (_name, permissionSetAssignments, iam, expected) => {
    expect(seen('identityCenter.userAssignments', { iam, account: { permissionSetAssignments } })).toBe(
      expected,
    );
  });

  test.each([
    ['optOut for all', '{"services":{"default":{"opt_out_policy":"optOut"}}}', 'optOut'],
    [
      'as the inheritance operator writes it',
      '{"services":{"default":{"opt_out_policy":{"@@assign":"optIn"}}}}',
      'optIn',
    ],
    ['one service alone', '{"services":{"rekognition":{"opt_out_policy":"optOut"}}}', 'unset'],
    ['no policy of this type', '{"tags":{}}', 'malformed'],
    ['no JSON', '{', 'malformed'],
    ['a name that objects inherit', '{"services":{"__proto__":{"opt_out_policy":"optOut"}}}', 'unset'],
  ])('an opt-out policy: %s', (_name, policy, expected) => {
    expect(seen('aiServicesOptOut.default', { account: { aiServicesOptOut: observed({ policy }) } })).toBe(
      expected,
    );
  });

  test('no opt-out policy in effect is not opted out', () => {
    expect(seen('aiServicesOptOut.default', { account: { aiServicesOptOut: absent() } })).toBe('unset');
  });

  test('billing: tags that are active, and an export that carries principals and works', () => {
    const ask = (sections: SectionObservations<'organization'>) =>
      deriveFacts(snapshot({ organization: organization({ sections }) }), POLICY).organization[0]?.facts;
    const tag = (key: string, status = 'Active') => ({ key, type: 'UserDefined', status });
    expect(
      ask({ costAllocationTags: observed([tag('Project'), tag('Team'), tag('Environment', 'Inactive')]) })?.[
        'costAllocationTags.missing'
      ],
    ).toMatchObject({ value: 1 });
    expect(ask({})?.['costAllocationTags.missing']).toMatchObject({ reason: 'not-collected' });
    const { costExports } = SECTION_EXAMPLES.organization;
    expect(ask({ costExports: observed(costExports) })?.['costExport.carriesPrincipals']).toMatchObject({
      value: true,
    });
    expect(
      ask({ costExports: observed(costExports.map((each) => ({ ...each, status: 'UNHEALTHY' }))) })?.[
        'costExport.carriesPrincipals'
      ],
    ).toMatchObject({ value: false });
    for (const status of ['', 'PAUSED'])
      expect(
        ask({ costExports: observed(costExports.map((each) => ({ ...each, status }))) })?.[
          'costExport.carriesPrincipals'
        ],
      ).toMatchObject({ kind: 'unobservable', reason: 'not-evaluated' });
    expect(ask({ costExports: observed([]) })?.['costExport.carriesPrincipals']).toMatchObject({
      value: false,
    });
  });
});
