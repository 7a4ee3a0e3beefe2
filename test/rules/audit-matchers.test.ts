import { describe, expect, test } from 'vitest';
import type { EventRule, Trail } from '../../src/evidence/index.ts';
import {
  deliversElsewhere,
  type FilterPlace,
  isWatchedByMetric,
  isWatchedByRule,
  WATCHED_CALLS,
} from '../../src/rules/change-alarms.ts';
import { ABSENT, matchEventPattern, matchesWildcard } from '../../src/rules/event-pattern.ts';
import { matchMetricFilter } from '../../src/rules/metric-filter.ts';
import { managementCoverage, recordsDataEvents } from '../../src/rules/trail-coverage.ts';

describe('event patterns', () => {
  const event = {
    source: 'aws.bedrock',
    'detail-type': 'AWS API Call via CloudTrail',
    detail: { eventName: 'PutAccountDataRetention', readOnly: false, errorCode: ABSENT },
  } as const;

  test.each([
    ['the empty pattern matches everything', {}, 'true'],
    ['a value that is listed', { source: ['aws.bedrock'] }, 'true'],
    ['one of several values', { detail: { eventName: ['A', 'PutAccountDataRetention'] } }, 'true'],
    ['a value in another case', { detail: { eventName: ['putAccountDataRetention'] } }, 'false'],
    ['every field must match', { source: ['aws.bedrock'], detail: { eventName: ['A'] } }, 'false'],
    ['a prefix', { detail: { eventName: [{ prefix: 'Put' }] } }, 'true'],
    ['a suffix that is not there', { detail: { eventName: [{ suffix: 'Configuration' }] } }, 'false'],
    ['a wildcard', { detail: { eventName: [{ wildcard: 'Put*Retention' }] } }, 'true'],
    [
      'equals-ignore-case',
      { detail: { eventName: [{ 'equals-ignore-case': 'putaccountdataretention' }] } },
      'true',
    ],
    ['anything-but another', { detail: { eventName: [{ 'anything-but': ['StopLogging'] }] } }, 'true'],
    [
      'anything-but itself',
      { detail: { eventName: [{ 'anything-but': 'PutAccountDataRetention' }] } },
      'false',
    ],
    [
      'anything-but with a filter inside is not understood',
      { detail: { eventName: [{ 'anything-but': { prefix: 'A' } }] } },
      'unknown',
    ],
    ['a field that must not be there and is not', { detail: { errorCode: [{ exists: false }] } }, 'true'],
    ['a field that must be there and is not', { detail: { errorCode: [{ exists: true }] } }, 'false'],
    ['a value of a field that is not there', { detail: { errorCode: ['AccessDenied'] } }, 'false'],
    ['a field nobody knows', { detail: { userIdentity: { type: ['Root'] } } }, 'unknown'],
    [
      'a known mismatch outweighs a field nobody knows',
      { source: ['aws.s3'], detail: { x: ['y'] } },
      'false',
    ],
    ['$or with one branch', { $or: [{ source: ['aws.s3'] }, { source: ['aws.bedrock'] }] }, 'true'],
    ['$or with none', { $or: [{ source: ['aws.s3'] }] }, 'false'],
    ['a filter of tomorrow', { source: [{ resembles: 'aws' }] }, 'unknown'],
    ['a boolean', { detail: { readOnly: [false] } }, 'true'],
    ['a leaf where an object is asked for', { source: { inner: ['x'] } }, 'false'],
  ] as const)('%s', (_name, pattern, expected) => {
    expect(matchEventPattern(JSON.stringify(pattern), event)).toBe(expected);
  });

  test('what is not JSON, or deeper than AWS accepts, is not known', () => {
    expect(matchEventPattern('{', event)).toBe('unknown');
    expect(matchEventPattern('[]', event)).toBe('unknown');
    const deep = JSON.parse(`${'{"a":'.repeat(30)}["x"]${'}'.repeat(30)}`);
    expect(matchEventPattern(JSON.stringify(deep), {})).toBe('unknown');
  });

  test('wildcards take no exponential time', () => {
    const started = performance.now();
    expect(matchesWildcard(`${'a*'.repeat(200)}b`, 'a'.repeat(20_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
    expect(matchesWildcard('a*a', 'a')).toBe(false);
    expect(matchesWildcard('*', '')).toBe(true);
  });
});

describe('metric filter patterns', () => {
  const fields = {
    eventName: 'StopLogging',
    eventSource: 'cloudtrail.amazonaws.com',
    status: 429,
    errorCode: null,
  };

  test.each([
    ['{ $.eventName = "StopLogging" }', 'true'],
    ['{ $.eventName = StopLogging }', 'true'],
    ['{ ($.eventName = "A") || ($.eventName = "Stop*") }', 'true'],
    ['{ $.eventName = "StopLogging" && $.eventSource = "kms.amazonaws.com" }', 'false'],
    ['{ $.eventName = "A" && $.x = "y" || $.eventName = "StopLogging" }', 'true'],
    ['{ $.eventName != "A" }', 'true'],
    ['{ $.status = 429 }', 'true'],
    ['{ $.status = "429" }', 'false'],
    ['{ $.errorCode NOT EXISTS }', 'true'],
    ['{ $.errorCode = "AccessDenied" }', 'false'],
    ['{ $.userIdentity.type = "Root" }', 'unknown'],
    ['{ $.eventName = %Stop.*% }', 'unknown'],
    ['{ $.status > 400 }', 'unknown'],
    ['{ $.eventName = "StopLogging" ', 'unknown'],
    ['{ $.eventName = }', 'unknown'],
    ['"StopLogging"', 'unknown'],
    ['', 'true'],
    [`{ ${'('.repeat(500)}$.a = 1${')'.repeat(500)} }`, 'unknown'],
  ])('%s', (pattern, expected) => {
    expect(matchMetricFilter(pattern, fields)).toBe(expected);
  });
});

describe('who is told of a call', () => {
  const [put] = WATCHED_CALLS;
  const rule = (more: Partial<EventRule> = {}): EventRule => ({
    name: 'r',
    state: 'ENABLED',
    eventPattern: JSON.stringify({ detail: { eventName: ['PutModelInvocationLoggingConfiguration'] } }),
    targets: ['arn:aws:sns:eu-central-1:222222222222:alarms'],
    ...more,
  });
  const told = (...rules: EventRule[]) =>
    put === undefined ? 'no call' : isWatchedByRule(rules, put, '222222222222', 'eu-central-1');

  test.each([
    ['an enabled rule with a target', [rule()], 'true'],
    [
      'a rule of another state that listens too',
      [rule({ state: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS' })],
      'true',
    ],
    ['a disabled rule', [rule({ state: 'DISABLED' })], 'false'],
    ['a rule without a target', [rule({ targets: [] })], 'false'],
    [
      'a rule for failed calls alone',
      [rule({ eventPattern: '{"detail":{"errorCode":[{"exists":true}]}}' })],
      'false',
    ],
    [
      'a rule for one person’s calls',
      [rule({ eventPattern: '{"detail":{"userIdentity":{"arn":["a"]}}}' })],
      'unknown',
    ],
    ['no rules', [], 'false'],
  ] as const)('%s', (_name, rules, expected) => {
    expect(told(...rules)).toBe(expected);
  });

  describe('a metric filter', () => {
    const ACCOUNT = '222222222222';
    const GROUP = `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:trail:*`;
    const place = (isTelling = true, more: Partial<FilterPlace> = {}): FilterPlace => ({
      accountId: ACCOUNT,
      region: 'us-east-1',
      filters: [
        {
          name: 'f',
          logGroupName: 'trail',
          pattern: '{ $.eventName = "*" }',
          metrics: [{ namespace: 'Audit', name: 'Put' }],
        },
      ],
      alarms: [{ name: 'a', isTelling, metrics: [{ namespace: 'Audit', name: 'Put', dimensions: [] }] }],
      ...more,
    });
    const trail = (more: Partial<Trail> = {}): Trail => ({
      arn: 'arn:t',
      homeRegion: 'us-east-1',
      isMultiRegion: true,
      isOrganizationTrail: false,
      includesGlobalServiceEvents: true,
      isLogging: true,
      selectors: { advanced: [[{ field: 'eventCategory', equals: ['Management'] }]] },
      logGroupArn: GROUP,
      ...more,
    });
    const classic = (excludedSources: readonly string[]): Trail['selectors'] => ({
      basic: [{ readWriteType: 'All', includeManagementEvents: true, excludedSources, dataResources: [] }],
    });
    const named = (name: string) => {
      const call = WATCHED_CALLS.find(({ eventName }) => eventName === name);
      if (call === undefined) throw new Error(`no call ${name}`);
      return call;
    };
    const [PUT, KEY, API_KEY] = [
      named('PutModelInvocationLoggingConfiguration'),
      named('ScheduleKeyDeletion'),
      named('CreateServiceSpecificCredential'),
    ];
    const told = (given: FilterPlace, trails: readonly Trail[] | undefined, call = PUT) =>
      isWatchedByMetric(given, call, call.onlyIn ?? 'eu-central-1', trails);

    test.each<[string, FilterPlace, readonly Trail[] | undefined, string]>([
      ['on the log group of a trail, with an alarm that tells', place(), [trail()], 'true'],
      ['with an alarm that tells nobody', place(false), [trail()], 'false'],
      ['without an alarm', place(true, { alarms: [] }), [trail()], 'false'],
      ['on a log group that no trail delivers to', place(), [trail({ logGroupArn: null })], 'false'],
      ['without any trail', place(), [], 'false'],
      [
        'on a log group whose name begins alike',
        place(),
        [trail({ logGroupArn: GROUP.replace('trail', 'trail-2') })],
        'false',
      ],
      [
        'on a log group whose name ends alike',
        place(),
        [trail({ logGroupArn: GROUP.replace('trail', 'my-trail') })],
        'false',
      ],
      ['in another Region than the group', place(true, { region: 'eu-west-1' }), [trail()], 'false'],
      ['in another account than the group', place(true, { accountId: '333333333333' }), [trail()], 'false'],
      ['on the group of a trail that stopped', place(), [trail({ isLogging: false })], 'false'],
      ['on the group of a trail of another Region', place(), [trail({ isMultiRegion: false })], 'false'],
      [
        'on the group of a trail that leaves Bedrock out',
        place(),
        [trail({ selectors: classic(['bedrock.amazonaws.com']) })],
        'false',
      ],
      ['on the group of a trail that hides its selectors', place(), [trail({ selectors: null })], 'unknown'],
      [
        'on the group of a trail whose last delivery failed',
        place(),
        [trail({ logGroupError: 'AccessDenied' })],
        'unknown',
      ],
      [
        'where trails of an older snapshot say no group',
        place(),
        [{ ...trail(), logGroupArn: undefined }],
        'unknown',
      ],
      ['where trails could not be seen', place(), undefined, 'unknown'],
      ['without an alarm, where trails could not be seen', place(true, { alarms: [] }), undefined, 'false'],
    ])('%s', (_name, given, trails, expected) => {
      expect(told(given, trails)).toBe(expected);
    });

    test('a trail that leaves KMS out says nothing of keys, one without global events nothing of IAM', () => {
      const withoutKms = [trail({ selectors: classic(['kms.amazonaws.com']) })];
      expect([told(place(), withoutKms), told(place(), withoutKms, KEY)]).toEqual(['true', 'false']);
      const withoutGlobal = [trail({ includesGlobalServiceEvents: false })];
      expect([told(place(), withoutGlobal), told(place(), withoutGlobal, API_KEY)]).toEqual([
        'true',
        'false',
      ]);
    });

    test('a trail that delivers to another account leaves open who is told there', () => {
      const elsewhere = (more: Partial<Trail>) =>
        deliversElsewhere([trail(more)], PUT, 'eu-central-1', ACCOUNT);
      const theirs = GROUP.replace(ACCOUNT, '111111111111');
      expect(elsewhere({ logGroupArn: theirs })).toEqual([theirs]);
      expect(elsewhere({})).toEqual([]);
      expect(elsewhere({ logGroupArn: null })).toEqual([]);
      expect(elsewhere({ logGroupArn: theirs, isLogging: false })).toEqual([]);
      const { logGroupArn: _none, ...older } = trail();
      expect(deliversElsewhere([older], PUT, 'eu-central-1', ACCOUNT)).toEqual([]);
    });
  });
});

describe('what a trail records', () => {
  const trail = (more: Partial<Trail> = {}): Trail => ({
    arn: 'arn:aws:cloudtrail:us-east-1:111111111111:trail/t',
    homeRegion: 'us-east-1',
    isMultiRegion: true,
    isOrganizationTrail: true,
    includesGlobalServiceEvents: true,
    isLogging: true,
    selectors: { advanced: [[{ field: 'eventCategory', equals: ['Management'] }]] },
    ...more,
  });
  const basic = (
    readWriteType: string,
    more: { includeManagementEvents?: boolean; excludedSources?: string[] } = {},
  ) => ({
    basic: [
      { readWriteType, includeManagementEvents: true, excludedSources: [], dataResources: [], ...more },
    ],
  });

  test.each([
    ['all management events', trail(), 'true', 'true'],
    ['classic selectors for all', trail({ selectors: basic('All') }), 'true', 'true'],
    ['writes alone', trail({ selectors: basic('WriteOnly') }), 'false', 'true'],
    ['reads alone', trail({ selectors: basic('ReadOnly') }), 'true', 'false'],
    [
      'no management events',
      trail({ selectors: basic('All', { includeManagementEvents: false }) }),
      'false',
      'false',
    ],
    [
      'Bedrock left out',
      trail({ selectors: basic('All', { excludedSources: ['bedrock.amazonaws.com'] }) }),
      'false',
      'false',
    ],
    [
      'KMS left out is no matter',
      trail({ selectors: basic('All', { excludedSources: ['kms.amazonaws.com'] }) }),
      'true',
      'true',
    ],
    ['another Region’s own trail', trail({ isMultiRegion: false }), 'false', 'false'],
    ['a trail that is stopped', trail({ isLogging: false }), 'false', 'false'],
    ['a trail whose state was not shown', trail({ isLogging: null }), 'unknown', 'unknown'],
    ['selectors that were not shown', trail({ selectors: null }), 'unknown', 'unknown'],
    [
      'advanced selectors for writes',
      trail({
        selectors: {
          advanced: [
            [
              { field: 'eventCategory', equals: ['Management'] },
              { field: 'readOnly', equals: ['false'] },
            ],
          ],
        },
      }),
      'false',
      'true',
    ],
    [
      'advanced selectors with a field nobody knows',
      trail({
        selectors: {
          advanced: [
            [
              { field: 'eventCategory', equals: ['Management'] },
              { field: 'userIdentity.arn', startsWith: ['a'] },
            ],
          ],
        },
      }),
      'unknown',
      'unknown',
    ],
    [
      'data events alone',
      trail({ selectors: { advanced: [[{ field: 'eventCategory', equals: ['Data'] }]] } }),
      'false',
      'false',
    ],
  ] as const)('%s', (_name, given, reads, writes) => {
    expect(managementCoverage(given, 'eu-central-1')).toEqual({ reads, writes });
  });

  test('data events of one type are recorded only where nothing narrows them', () => {
    const data = (...more: { field: string; equals: string[] }[]) =>
      trail({
        selectors: {
          advanced: [
            [
              { field: 'eventCategory', equals: ['Data'] },
              { field: 'resources.type', equals: ['AWS::BedrockMantle::Project'] },
              ...more,
            ],
          ],
        },
      });
    const of = (given: Trail) => recordsDataEvents(given, 'eu-central-1', 'AWS::BedrockMantle::Project');
    expect(of(data())).toBe('true');
    expect(of(data({ field: 'resources.ARN', equals: ['arn'] }))).toBe('unknown');
    expect(of(trail())).toBe('false');
    expect(of(trail({ selectors: { advanced: [[]] } }))).toBe('unknown');
    expect(of(trail({ selectors: { advanced: [[{ field: 'eventCategory', equals: ['Data'] }]] } }))).toBe(
      'unknown',
    );
    expect(of(trail({ selectors: basic('All') }))).toBe('false');
  });
});
