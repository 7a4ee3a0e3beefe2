import { AccountClient, ListRegionsCommand } from '@aws-sdk/client-account';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, test } from 'vitest';
import type { ClientSettings } from '../../src/adapters/aws/account-access.ts';
import { accountRegionReaders } from '../../src/adapters/aws/account-regions.ts';
import { type Region, region } from '../../src/core/index.ts';
import type { Observation, Organization, Snapshot, UnobservableReason } from '../../src/evidence/index.ts';
import type { FactName } from '../../src/policy/index.ts';
import { checkSnapshot, deriveFacts } from '../../src/rules/index.ts';
import {
  AT,
  absent,
  FRANKFURT,
  MANAGEMENT,
  MEMBER,
  observed,
  organization,
  snapshot,
} from '../evidence/snapshots.ts';
import { documentOf, type StatementJson } from '../iam/documents.ts';
import { shippedPolicy } from '../policy/shipped.ts';
import { policyWith } from './policies.ts';

const HONG_KONG = region('ap-east-1');
const refused = (reason: UnobservableReason, call = 'bedrock:Get'): Observation<never> => ({
  kind: 'unobservable',
  reason,
  source: { call },
});
const DENIED = refused('access-denied');
const FAILED = refused('failed');

interface Place {
  readonly region?: Region;
  readonly logging?: Observation<never> | Observation<object>;
  readonly retention?: Observation<never> | Observation<{ readonly mode: string }>;
  /** Of the Region, as AWS spells it; absent: nobody asked. */
  readonly optStatus?: string;
  readonly organization?: Organization;
}

function taken({ region: name = FRANKFURT, logging = DENIED, retention = DENIED, ...more }: Place): Snapshot {
  const base = snapshot({
    regions: [name],
    ...(more.organization === undefined ? {} : { organization: more.organization }),
  });
  const regions = more.optStatus === undefined ? [] : [{ region: name, optStatus: more.optStatus }];
  return {
    ...base,
    accounts: base.accounts.map((each) =>
      more.optStatus === undefined ? each : { ...each, sections: { regions: observed(regions) } },
    ),
    accountRegions: base.accountRegions.map((each) => ({
      ...each,
      invocationLogging: logging,
      dataRetention: retention,
    })),
  };
}

const withRegions = (regions: Observation<never>): Snapshot['accounts'] =>
  snapshot().accounts.map((each) => ({ ...each, sections: { regions } }));

function derivedOf(place: Place, fact: FactName, accountId = MEMBER) {
  const policy = policyWith(
    [{ id: 'CP-01', subject: 'account-region', require: { fact: 'account.state', op: 'equal', value: 'x' } }],
    { regions: [place.region ?? FRANKFURT] },
  );
  return deriveFacts(taken(place), policy)['account-region'].find(
    ({ subject }) => subject.accountId === accountId,
  )?.facts[fact];
}

/** The fact of one account: its value, or `absent`. */
function factOf(place: Place, fact: FactName = 'region.unusable', accountId = MEMBER): unknown {
  const found = derivedOf(place, fact, accountId);
  return found?.kind === 'observed' ? found.value : found?.kind;
}

const under = (...statements: readonly StatementJson[]): Organization =>
  organization({
    serviceControlPolicies: observed([{ id: 'p-1', name: 'Fence', document: documentOf(statements) }]),
    attachments: observed(
      [...organization().units, ...organization().accounts].map(({ id }) => ({
        targetId: id,
        policyIds: id === 'r-ex01' ? ['p-FullAWSAccess', 'p-1'] : ['p-FullAWSAccess'],
      })),
    ),
  });
const deny = (more: StatementJson): StatementJson => ({ Effect: 'Deny', Resource: '*', ...more });
const ELSEWHERE = { StringNotEquals: { 'aws:RequestedRegion': ['us-east-1'] } };
/** As organizations fence their Regions: everything but the global services. */
const FENCE = deny({ NotAction: ['iam:*', 'organizations:*', 'sts:*'], Condition: ELSEWHERE });
const EXEMPT = { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/breakglass' } };

test.each<readonly [string, Place, string]>([
  [
    'a setting that AWS showed',
    { retention: observed({ mode: 'none' }, 'bedrock:Shown'), optStatus: 'ENABLED' },
    'bedrock:Shown',
  ],
  ['the list of Regions, where no setting was shown', { optStatus: 'ENABLED' }, 'test:Call'],
  ['the call that was refused, where nobody listed Regions', {}, 'bedrock:Get'],
])('that nothing shows it is said by %s', (_name, place, call) => {
  expect(derivedOf(place, 'region.unusable')).toMatchObject({ kind: 'absent', source: { call } });
});

describe('that nobody can use Bedrock in a Region is said', () => {
  const ROWS: readonly (readonly [string, Place, string])[] = [
    ['where the account has not opted in', { optStatus: 'DISABLED' }, 'not-opted-in'],
    [
      'where a control policy denies the Region to everybody',
      { organization: under(FENCE) },
      'denied-to-everybody',
    ],
    [
      'where a control policy denies all of Bedrock everywhere',
      { organization: under(deny({ Action: ['bedrock*:*'] })) },
      'denied-to-everybody',
    ],
    [
      'where AWS does not offer Bedrock and nothing answered',
      { region: HONG_KONG, logging: FAILED, retention: FAILED },
      'not-offered',
    ],
  ];
  test.each(ROWS)('%s', (_name, place, expected) => {
    expect(factOf(place)).toBe(expected);
  });
});

// D36: not applicable only on positive evidence, and a denial is unknown.
describe('D36: it is not said', () => {
  const ROWS: readonly (readonly [string, Place])[] = [
    ['because a read was denied', {}],
    ['because a call failed', { logging: FAILED, retention: FAILED }],
    [
      'where AWS answered about a setting, whatever a list says',
      { optStatus: 'DISABLED', logging: absent() },
    ],
    [
      'where AWS answered in a Region that our list has as not offered',
      { region: HONG_KONG, logging: observed({}), retention: FAILED },
    ],
    ['where our list has the Region as not offered and reading was denied', { region: HONG_KONG }],
    [
      'of a Region that no list of ours has',
      { region: region('xx-north-9'), logging: FAILED, retention: FAILED },
    ],
    ['while a Region is being disabled', { optStatus: 'DISABLING' }],
    ['while a Region is being enabled', { optStatus: 'ENABLING' }],
    ['where the Region is enabled', { optStatus: 'ENABLED' }],
    [
      'where the policy exempts somebody, whoever that is',
      { organization: under(deny({ Action: ['bedrock*:*'], Condition: EXEMPT })) },
    ],
    [
      'where the policy denies changes of the settings but not calls of models',
      { organization: under(deny({ Action: ['bedrock:Put*'] })) },
    ],
    [
      'where the policy leaves one way to a model open',
      { organization: under(deny({ NotAction: ['bedrock-mantle:CreateInference'], Condition: ELSEWHERE })) },
    ],
    [
      'where the policy denies everything, and one of two reads was answered',
      { organization: under(FENCE), retention: observed({ mode: 'default' }) },
    ],
    [
      'where the policy denies everything, and the role could not be assumed',
      {
        organization: under(FENCE),
        logging: refused('access-denied', 'sts:AssumeRole'),
        retention: refused('access-denied', 'sts:AssumeRole'),
      },
    ],
    [
      'where the policy denies everything, and nothing was tried',
      { organization: under(FENCE), logging: refused('not-collected'), retention: refused('not-collected') },
    ],
    [
      'where the policies cannot be read',
      { organization: organization({ attachments: refused('access-denied') }) },
    ],
  ];
  test.each(ROWS)('%s', (_name, place) => {
    expect(factOf(place)).toBe('absent');
  });

  test('of the management account, which no control policy reaches', () => {
    expect(factOf({ organization: under(FENCE) }, 'region.unusable', MANAGEMENT)).toBe('absent');
  });

  test('of stores that may hold what was put there before: only a Region without Bedrock has none', () => {
    const store: FactName = 'bedrockSessions.count';
    expect(factOf({ optStatus: 'DISABLED' }, store)).toBe('unobservable');
    expect(factOf({ organization: under(FENCE) }, store)).toBe('unobservable');
    expect(factOf({ region: HONG_KONG, logging: FAILED, retention: FAILED }, store)).toBe('absent');
    expect(
      factOf({ region: HONG_KONG, logging: FAILED, retention: FAILED }, 'contentLogGroups.candidates'),
    ).toBe('unobservable');
  });
});

test('the shipped controls of what is stored from now on do not apply there; those of what lies there stay open', async () => {
  const { findings } = await checkSnapshot({
    snapshot: taken({ optStatus: 'DISABLED' }),
    policy: shippedPolicy(),
    now: AT,
    coverage: () => undefined,
  });
  const outcomeOf = (id: string) =>
    findings.find(
      ({ controlId, subject }) =>
        controlId === id &&
        'region' in subject &&
        subject.region === FRANKFURT &&
        subject.accountId === MEMBER,
    );
  for (const id of ['CP-01', 'CP-03', 'CP-04']) {
    expect(outcomeOf(id)?.outcome, id).toBe('not-applicable');
    expect(outcomeOf(id)?.evidence.join(), id).toContain('has not opted in to eu-central-1');
  }
  for (const id of ['CP-08', 'CP-09', 'CP-11']) expect(outcomeOf(id)?.outcome, id).toBe('indeterminate');
});

describe('Regions that nobody asked', () => {
  const FACT = 'account.regionsNotAsked';
  const policy = policyWith(
    [{ id: 'CP-22', subject: 'account', require: { fact: FACT, op: 'equal', value: 0 } }],
    { regions: [FRANKFURT] },
  );
  /** Frankfurt was asked, and what else is named; the account has listed `optStatus`. */
  const given = (optStatus: Readonly<Record<string, string>>, ...further: readonly string[]): Snapshot => {
    const base = taken({ logging: absent(), retention: observed({ mode: 'none' }) });
    const list = Object.entries(optStatus).map(([name, status]) => ({ region: name, optStatus: status }));
    return {
      ...base,
      accounts: base.accounts.map((each) => ({ ...each, sections: { regions: observed(list) } })),
      accountRegions: base.accountRegions.flatMap((each) => [
        each,
        ...further.map((name) => ({ ...each, region: region(name) })),
      ]),
    };
  };
  const factsOf = (from: Snapshot) => {
    const found = deriveFacts(from, policy).account.find(({ subject }) => subject.accountId === MEMBER);
    return { fact: found?.facts[FACT], evidence: found?.evidenceOf(FACT) };
  };

  test('make the answer missing evidence, with their names', () => {
    const { fact, evidence } = factsOf(
      given({ 'us-west-2': 'ENABLED_BY_DEFAULT', 'af-south-1': 'DISABLED', 'me-south-1': 'DISABLING' }),
    );
    expect(fact).toMatchObject({ kind: 'unobservable', reason: 'not-collected' });
    expect(evidence).toEqual([
      'what is stored in me-south-1, us-west-2, which the account can use, could not be read: nobody asked',
    ]);
  });

  test('are none where every one was asked or is in the policy’s list', () => {
    const listed = { 'us-west-2': 'ENABLED', [FRANKFURT]: 'ENABLED_BY_DEFAULT', 'af-south-1': 'DISABLED' };
    expect(factsOf(given(listed, 'us-west-2')).fact).toMatchObject({ kind: 'observed', value: 0 });
  });

  test.each([
    ['the list was denied', { ...taken({}), accounts: withRegions(DENIED) }, 'access-denied'],
    ['nobody asked for the list', taken({}), 'not-collected'],
    ['the list names no Region', given({}), 'malformed'],
  ])('are not known where %s', (_name, from, reason) => {
    expect(factsOf(from).fact).toMatchObject({ kind: 'unobservable', reason });
  });

  test('one outside the policy’s list that was asked is judged like one of the list', async () => {
    const from = given({ 'us-west-2': 'ENABLED', [FRANKFURT]: 'ENABLED' }, 'us-west-2');
    const stores = {
      ...from,
      accountRegions: from.accountRegions.map((each) =>
        each.region === 'us-west-2' ? { ...each, dataRetention: observed({ mode: 'default' }) } : each,
      ),
    };
    const { findings } = await checkSnapshot({
      snapshot: stores,
      policy: shippedPolicy(),
      now: AT,
      coverage: () => undefined,
    });
    const outcomes = findings.flatMap(({ controlId, subject, outcome }) =>
      controlId === 'CP-03' && subject.kind === 'account-region' && subject.accountId === MEMBER
        ? [`${subject.region} ${outcome}`]
        : [],
    );
    expect(outcomes).toEqual([
      `${FRANKFURT} compliant`,
      'eu-west-1 indeterminate',
      'us-east-1 indeterminate',
      'us-west-2 non-compliant',
    ]);
  });
});

describe('account:ListRegions', () => {
  const mock = mockClient(AccountClient);
  afterEach(() => {
    mock.reset();
  });
  const settings = { region: 'eu-central-1', maxAttempts: 1, retryMode: 'adaptive', requestHandler: {} };
  const read = () =>
    accountRegionReaders(
      { settingsFor: async () => settings as unknown as ClientSettings },
      { now: () => AT },
    ).regions({ accountId: MEMBER, iam: absent() });

  test('gives every page, as AWS spells it', async () => {
    mock.on(ListRegionsCommand, { MaxResults: 50 }).resolves({
      Regions: [{ RegionName: 'us-east-1', RegionOptStatus: 'ENABLED_BY_DEFAULT' }],
      NextToken: 'more',
    });
    mock.on(ListRegionsCommand, { MaxResults: 50, NextToken: 'more' }).resolves({
      Regions: [{ RegionName: 'ap-east-1', RegionOptStatus: 'DISABLED' }],
    });
    expect(await read()).toMatchObject({
      kind: 'observed',
      value: [
        { region: 'us-east-1', optStatus: 'ENABLED_BY_DEFAULT' },
        { region: 'ap-east-1', optStatus: 'DISABLED' },
      ],
      source: { call: 'account:ListRegions', accountId: MEMBER },
    });
  });

  test('denied is denied, and a Region without a status is no answer', async () => {
    mock.on(ListRegionsCommand).rejects(
      Object.assign(new Error('CANARY'), {
        name: 'AccessDeniedException',
        $metadata: { httpStatusCode: 403 },
      }),
    );
    expect(await read()).toMatchObject({ kind: 'unobservable', reason: 'access-denied' });
    mock.reset();
    mock.on(ListRegionsCommand).resolves({ Regions: [{ RegionName: 'us-east-1' }] });
    expect(await read()).toMatchObject({ kind: 'unobservable', reason: 'malformed' });
  });
});
