import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decideAnyOf,
  decideIdentity,
  type Guardrails,
  holdsNoAllow,
  type IdentityPolicies,
  NO_GUARDRAILS,
  PROMPT_STORAGE_CHANGES,
  rootPolicies,
} from '../../src/iam/index.ts';
import {
  ALLOW_ALL,
  allow,
  bounded,
  DENY_ALL,
  deny,
  documentOf,
  holding,
  levels,
  MFA,
  missing,
  type StatementJson,
} from './documents.ts';

const PUT = 'bedrock:PutModelInvocationLoggingConfiguration';
const NONE = NO_GUARDRAILS;
const UNREADABLE: Guardrails = {
  kind: 'unobservable',
  reason: 'access-denied',
  detail: 'attachments were denied',
};
const NARROW = 'arn:aws:s3:::reports/*';

const decide = (identity: IdentityPolicies, guardrails: Guardrails = NONE) => {
  const decision = decideIdentity(identity, PUT, { guardrails });
  return decision.kind === 'cannot-decide' ? decision.reason : decision.kind;
};

/*
 * Rules: IAM User Guide, "Policy evaluation logic" (E), "IAM JSON policy elements" (J): each row names the one it shows.
 */
const STATEMENTS: readonly (readonly [string, StatementJson | readonly StatementJson[], string])[] = [
  ['E: nothing allows, so it is denied', [], 'denied'],
  ['J Action: the exact action', allow(PUT), 'allowed'],
  ['J Action: in another case', allow(PUT.toUpperCase()), 'allowed'],
  ['J Action: a star for everything', ALLOW_ALL, 'allowed'],
  ['J Action: a star for the service', allow('bedrock:*'), 'allowed'],
  ['J Action: a star inside the name', allow('bedrock:Put*Configuration'), 'allowed'],
  ['J Action: question marks', allow('bedrock:PutModelInvocationLoggingConfiguratio?'), 'allowed'],
  ['J Action: one of a list', allow(['s3:GetObject', 'bedrock:Put*']), 'allowed'],
  ['J Action: another service', allow('s3:*'), 'denied'],
  ['J Action: the sister service alone', allow('bedrock-mantle:*'), 'denied'],
  ['J Action: reading is not changing', allow('bedrock:Get*'), 'denied'],
  ['J Action: a name that does not exist grants nothing', allow('bedrock:Converse'), 'denied'],
  ['J Statement: an object instead of a list', allow(PUT), 'allowed'],
  [
    'J NotAction: everything but other things',
    { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*'], Resource: '*' },
    'allowed',
  ],
  ['J NotAction: everything but this', { Effect: 'Allow', NotAction: 'bedrock:*', Resource: '*' }, 'denied'],
  [
    'J NotAction: everything but this, in another case',
    { Effect: 'Allow', NotAction: 'BEDROCK:PUT*', Resource: '*' },
    'denied',
  ],
  ['J NotAction: a star leaves nothing', { Effect: 'Allow', NotAction: '*', Resource: '*' }, 'denied'],
  ['E: a deny outweighs an allow', [allow(PUT), deny(PUT)], 'denied'],
  ['E: a deny outweighs an allow, whatever the order', [deny(PUT), allow(PUT)], 'denied'],
  ['E: a wider deny outweighs', [allow(PUT), deny('bedrock:*')], 'denied'],
  ['E: a deny of everything outweighs', [ALLOW_ALL, DENY_ALL], 'denied'],
  ['E: a deny of something else does not matter', [ALLOW_ALL, deny('s3:*')], 'allowed'],
  [
    'E: a deny of one change leaves the others',
    [allow(PUT), deny('bedrock:DeleteModelInvocationLoggingConfiguration')],
    'allowed',
  ],
  [
    'J NotAction in a deny: everything but reading',
    [ALLOW_ALL, { Effect: 'Deny', NotAction: 'bedrock:Get*', Resource: '*' }],
    'denied',
  ],
  [
    'J NotAction in a deny: everything but Bedrock',
    [ALLOW_ALL, { Effect: 'Deny', NotAction: 'bedrock:*', Resource: '*' }],
    'allowed',
  ],
  ['J Condition: an allow with a condition', allow(PUT, { Condition: MFA }), 'conditionally-allowed'],
  [
    'J Condition: an unconditional allow beside it',
    [allow(PUT, { Condition: MFA }), allow('bedrock:*')],
    'allowed',
  ],
  ['J Condition: an empty condition is none', allow(PUT, { Condition: {} }), 'allowed'],
  [
    'J Condition: an operator without a key stays a condition',
    allow(PUT, { Condition: { Bool: {} } }),
    'conditionally-allowed',
  ],
  [
    'J Condition: a deny with a condition does not remove the permission',
    [allow(PUT), deny(PUT, { Condition: MFA })],
    'conditionally-allowed',
  ],
  ['J Condition: a deny with a condition where nothing allows', deny(PUT, { Condition: MFA }), 'denied'],
  [
    'J Condition: a deny without condition beside one with',
    [allow(PUT), deny(PUT, { Condition: MFA }), deny(PUT)],
    'denied',
  ],
  ['J Resource: several stars are everything', allow(PUT, { Resource: '**' }), 'allowed'],
  ['J Resource: everything among other things', allow(PUT, { Resource: [NARROW, '*'] }), 'allowed'],
  [
    'J Resource: a narrower resource never means denied',
    allow(PUT, { Resource: NARROW }),
    'conditionally-allowed',
  ],
  [
    'J Resource: a Bedrock ARN with stars',
    allow(PUT, { Resource: 'arn:aws:bedrock:*:*:*' }),
    'conditionally-allowed',
  ],
  [
    'J Resource: a deny on a narrower resource is not certain',
    [allow(PUT), deny(PUT, { Resource: NARROW })],
    'conditionally-allowed',
  ],
  ['J Resource: a deny on everything is', [allow(PUT), deny(PUT, { Resource: ['*'] })], 'denied'],
  [
    'J NotResource: everything but something',
    { Effect: 'Allow', Action: PUT, NotResource: NARROW },
    'conditionally-allowed',
  ],
  [
    'J NotResource: everything but everything is nothing',
    { Effect: 'Allow', Action: PUT, NotResource: '*' },
    'denied',
  ],
  [
    'J NotResource in a deny: everything but something is not certain',
    [allow(PUT), { Effect: 'Deny', Action: PUT, NotResource: NARROW }],
    'conditionally-allowed',
  ],
  [
    'J NotResource in a deny: everything but everything denies nothing',
    [allow(PUT), { Effect: 'Deny', Action: PUT, NotResource: '*' }],
    'allowed',
  ],
  [
    'J NotAction with NotResource',
    { Effect: 'Allow', NotAction: 's3:*', NotResource: NARROW },
    'conditionally-allowed',
  ],
  [
    'J Principal: does not belong in an identity policy',
    { ...allow(PUT), Principal: '*' },
    'damaged-document',
  ],
  [
    'J Resource: must not be missing in an identity policy',
    { Effect: 'Allow', Action: PUT },
    'damaged-document',
  ],
];

describe('identity policies decide', () => {
  test.each(STATEMENTS)('%s', (_name, statements, expected) => {
    expect(decide(holding(documentOf(statements)))).toBe(expected);
  });
});

describe('several documents', () => {
  const ROWS: readonly (readonly [string, IdentityPolicies, Guardrails, string])[] = [
    [
      'an allow in one and a deny in another',
      holding(documentOf(allow(PUT)), documentOf(deny(PUT))),
      NONE,
      'denied',
    ],
    ['a damaged one may hold an allow', holding('{'), NONE, 'damaged-document'],
    ['a damaged one may hold a deny', holding(documentOf(ALLOW_ALL), '{'), NONE, 'damaged-document'],
    [
      'a certain deny stands whatever the damaged one says',
      holding('{', documentOf(deny(PUT))),
      NONE,
      'denied',
    ],
    [
      'a deny with a condition beside a damaged one decides nothing',
      holding('{', documentOf(deny(PUT, { Condition: MFA }))),
      NONE,
      'damaged-document',
    ],
    [
      'a managed policy without document may hold an allow',
      missing(holding(), 'the document of managed policy `x`'),
      NONE,
      'missing-document',
    ],
    [
      'a certain deny stands whatever is missing',
      missing(holding(documentOf(deny(PUT))), 'x'),
      NONE,
      'denied',
    ],
    [
      'a boundary that allows too leaves the permission',
      bounded(holding(documentOf(ALLOW_ALL)), documentOf(allow('bedrock:*'))),
      NONE,
      'allowed',
    ],
    [
      'a boundary that does not allow takes it',
      bounded(holding(documentOf(ALLOW_ALL)), documentOf(allow('s3:*'))),
      NONE,
      'denied',
    ],
    [
      'a boundary that denies takes it',
      bounded(holding(documentOf(ALLOW_ALL)), documentOf([ALLOW_ALL, deny('bedrock:Put*')])),
      NONE,
      'denied',
    ],
    [
      'a boundary under a condition makes it conditional',
      bounded(holding(documentOf(ALLOW_ALL)), documentOf(allow('*', { Condition: MFA }))),
      NONE,
      'conditionally-allowed',
    ],
    [
      'a boundary whose document is missing leaves it open',
      bounded(holding(documentOf(ALLOW_ALL)), '', ['the boundary']),
      NONE,
      'missing-document',
    ],
    [
      'a damaged boundary leaves it open',
      bounded(holding(documentOf(ALLOW_ALL)), '{'),
      NONE,
      'damaged-document',
    ],
    [
      'a boundary never adds anything',
      bounded(holding(documentOf(allow('s3:*'))), documentOf(ALLOW_ALL)),
      NONE,
      'denied',
    ],
    [
      'a missing boundary does not matter where nothing allows',
      bounded(holding(documentOf(allow('s3:*'))), '', ['the boundary']),
      NONE,
      'denied',
    ],
    [
      'a boundary does not undo a deny',
      bounded(holding(documentOf([ALLOW_ALL, DENY_ALL])), documentOf(ALLOW_ALL)),
      NONE,
      'denied',
    ],
    [
      'every level must allow',
      holding(documentOf(ALLOW_ALL)),
      levels(documentOf(ALLOW_ALL), documentOf(allow('s3:*'))),
      'denied',
    ],
    [
      'every level does allow',
      holding(documentOf(ALLOW_ALL)),
      levels(documentOf(ALLOW_ALL), documentOf(allow('bedrock:*'))),
      'allowed',
    ],
    [
      'one level denies',
      holding(documentOf(ALLOW_ALL)),
      levels(documentOf([ALLOW_ALL, deny(PUT)])),
      'denied',
    ],
    ['a level that is damaged may deny', holding(documentOf(ALLOW_ALL)), levels('{'), 'damaged-document'],
    ['a damaged level never adds anything', holding(documentOf(allow('s3:*'))), levels('{'), 'denied'],
    [
      'a service control policy never adds anything',
      holding(documentOf(allow('s3:*'))),
      levels(documentOf(ALLOW_ALL)),
      'denied',
    ],
    [
      'unreadable attachments matter where something allows',
      holding(documentOf(ALLOW_ALL)),
      UNREADABLE,
      'guardrails-unobservable',
    ],
    ['unreadable attachments do not matter where nothing allows', holding(), UNREADABLE, 'denied'],
  ];
  test.each(ROWS)('%s', (_name, identity, guardrails, expected) => {
    expect(decide(identity, guardrails)).toBe(expected);
  });
});

describe('a decision', () => {
  test('names the statements, what matched, and what they depend on', () => {
    const decision = decideIdentity(
      holding(
        documentOf([
          { Effect: 'Allow', NotAction: ['iam:*', 'sts:*'], Resource: '*', Sid: 'AllButIam' },
          deny('bedrock:Put*', { Condition: MFA, Resource: NARROW }),
        ]),
      ),
      PUT,
      { guardrails: NONE },
    );
    expect(decision).toEqual({
      kind: 'conditionally-allowed',
      action: PUT,
      statements: [
        {
          policy: 'inline policy `p0`',
          index: 0,
          sid: 'AllButIam',
          effect: 'Allow',
          actions: 'NotAction iam:*, sts:*',
          onlyIf: [],
        },
        {
          policy: 'inline policy `p0`',
          index: 1,
          effect: 'Deny',
          actions: 'bedrock:Put*',
          onlyIf: [`the resource is among ${NARROW}`, 'aws:MultiFactorAuthPresent is true'],
        },
      ],
    });
  });

  test.each([
    ['one allowed action is enough', [allow('bedrock-mantle:CreateProject')], 'allowed'],
    ['a deny of one action leaves the others', [ALLOW_ALL, deny(PUT)], 'allowed'],
    ['all six denied', [ALLOW_ALL, deny(['bedrock:*', 'bedrock-mantle:*'])], 'denied'],
    ['a deny that forgets the sister service', [ALLOW_ALL, deny('bedrock:*')], 'allowed'],
    [
      'one conditional action',
      [allow('bedrock:PutAccountDataRetention', { Condition: MFA })],
      'conditionally-allowed',
    ],
  ])('over all prompt storage changes: %s', (_name, statements, expected) => {
    const { kind } = decideAnyOf(holding(documentOf(statements)), PROMPT_STORAGE_CHANGES, {
      guardrails: NONE,
    });
    expect(kind).toBe(expected);
  });
});

describe('properties', () => {
  const pattern = fc.constantFrom('*', 'bedrock:*', PUT, 'bedrock:put*', 's3:*', 'bedrock-mantle:*');
  const statement: fc.Arbitrary<StatementJson> = fc
    .tuple(
      fc.constantFrom('Allow', 'Deny'),
      fc.constantFrom('Action', 'NotAction'),
      fc.array(pattern, { minLength: 1, maxLength: 2 }),
      fc.constantFrom('Resource', 'NotResource'),
      fc.constantFrom('*', NARROW),
      fc.boolean(),
    )
    .map(([Effect, actionKey, actions, resourceKey, resource, isConditional]) => ({
      Effect,
      [actionKey]: actions,
      [resourceKey]: resource,
      ...(isConditional ? { Condition: MFA } : {}),
    }));
  const statements = fc.array(statement, { maxLength: 5 });
  const ORDER = ['denied', 'conditionally-allowed', 'allowed'];

  test('adding a Deny never allows more', () => {
    fc.assert(
      fc.property(statements, statement, fc.nat(5), (before, added, at) => {
        const after = before.toSpliced(at, 0, { ...added, Effect: 'Deny' });
        expect(ORDER.indexOf(decide(holding(documentOf(after))))).toBeLessThanOrEqual(
          ORDER.indexOf(decide(holding(documentOf(before)))),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('adding an Allow never denies more', () => {
    fc.assert(
      fc.property(statements, statement, (before, added) => {
        const after = [...before, { ...added, Effect: 'Allow' }];
        expect(ORDER.indexOf(decide(holding(documentOf(after))))).toBeGreaterThanOrEqual(
          ORDER.indexOf(decide(holding(documentOf(before)))),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('order, repetition and distribution over documents change nothing', () => {
    const shuffled = statements.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 })),
    );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        const expected = decide(holding(documentOf(list)));
        expect(decide(holding(documentOf(other)))).toBe(expected);
        expect(decide(holding(...other.map((one) => documentOf(one))))).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test('a damaged document beside others never makes them a certain allow, nor a denial that was none', () => {
    fc.assert(
      fc.property(statements, (list) => {
        const before = decide(holding(documentOf(list)));
        const after = decide(holding(documentOf(list), '{"Statement":'));
        expect(['denied', 'damaged-document']).toContain(after);
        if (after === 'denied') expect(before).toBe('denied');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('holds no Allow for any of the actions', () => {
  const READS = holding(documentOf([allow('bedrock:Get*'), deny('*')]));
  test.each<[string, IdentityPolicies, boolean]>([
    ['a role that may do other things', READS, true],
    ['a role whose Allow hangs on a condition', holding(documentOf(allow(PUT, { Condition: MFA }))), false],
    ['a role whose other policy is damaged', holding(documentOf([]), 'no policy'), false],
    ['the root user, whom no identity policy limits', rootPolicies('aws', '222222222222'), false],
  ])('%s', (_name, identity, expected) => {
    expect(holdsNoAllow(identity, ['s3:PutObject', PUT])).toBe(expected);
    if (expected) expect(decideAnyOf(identity, [PUT], { guardrails: NONE }).kind).toBe('denied');
  });
});
