import { describe, expect, test } from 'vitest';
import { hashOf } from '../../src/core/index.ts';
import { parseRequest, placesOf } from '../../src/exceptions/index.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  KEY,
  OTHER,
  policyText,
  type RequestOptions,
  requestText,
  type Simulation,
  START,
  simulate,
} from '../simulation/harness.ts';

describe('a malformed request is refused with its place, and says what to write', () => {
  const cases: readonly [string, (text: string) => string, { code: string; path: string; line: number }][] = [
    [
      'YAML that does not parse',
      (text) => text.replace('models: [', 'models: [['),
      // At the bracket that was never closed, not where the parser noticed.
      { code: 'yaml-syntax', path: '', line: 6 },
    ],
    ['an empty file', () => '', { code: 'empty-document', path: '', line: 1 }],
    [
      'another kind of document',
      (text) => text.replace('ExceptionRequest', 'Policy'),
      { code: 'wrong-kind', path: 'kind', line: 1 },
    ],
    [
      'a later version',
      (text) => text.replace('schemaVersion: 1', 'schemaVersion: 2'),
      { code: 'unsupported-version', path: 'schemaVersion', line: 2 },
    ],
    [
      'an unknown key',
      (text) => `${text}approvedBy: lena\n`,
      { code: 'unknown-key', path: 'approvedBy', line: 19 },
    ],
    [
      'a key twice',
      (text) => `${text}purgedBy: nobody\n`,
      { code: 'duplicate-key', path: 'purgedBy', line: 19 },
    ],
    [
      'no reference',
      (text) => text.replace(/^reference:.*\n/m, ''),
      { code: 'missing-key', path: 'reference', line: 1 },
    ],
    [
      'an empty reference',
      (text) => text.replace('INC-2026-1142', '"  "'),
      { code: 'empty-text', path: 'reference', line: 3 },
    ],
    [
      'no subjects',
      (text) => text.replace(/^subjects:.*$/m, 'subjects: []'),
      { code: 'list-too-short', path: 'subjects', line: 5 },
    ],
    [
      'a subject that is a name',
      (text) => text.replace(/^subjects:.*$/m, 'subjects: [alice]'),
      { code: 'wrong-form', path: 'subjects[0]', line: 5 },
    ],
    [
      'an account id that YAML reads as a number',
      (text) => text.replace('"222222222222"', '222222222222'),
      { code: 'wrong-type', path: 'account', line: 8 },
    ],
    [
      'a date-only end',
      (text) => text.replace(/^endsAt:.*$/m, 'endsAt: "2026-11-22"'),
      { code: 'not-an-instant', path: 'endsAt', line: 14 },
    ],
    [
      'a local-time end',
      (text) => text.replace(/^endsAt:.*$/m, 'endsAt: "2026-11-22T12:00:00"'),
      { code: 'not-an-instant', path: 'endsAt', line: 14 },
    ],
    [
      'an end with an offset',
      (text) => text.replace(/^endsAt:.*$/m, 'endsAt: "2026-11-22T12:00:00+01:00"'),
      { code: 'not-an-instant', path: 'endsAt', line: 14 },
    ],
    [
      'a day that does not exist',
      (text) => text.replace(/^endsAt:.*$/m, 'endsAt: "2027-02-29T12:00:00Z"'),
      { code: 'not-an-instant', path: 'endsAt', line: 14 },
    ],
    [
      'an end at the start',
      () => requestText({ to: BEGINS }),
      { code: 'invalid-value', path: 'endsAt', line: 14 },
    ],
    [
      'a retention without a unit',
      (text) => text.replace('retention: 7d', 'retention: 7'),
      { code: 'not-a-duration', path: 'retention', line: 15 },
    ],
    [
      'a destination of a kind that does not exist',
      (text) => text.replace('kind: s3', 'kind: ftp'),
      { code: 'value-not-allowed', path: 'destination.kind', line: 11 },
    ],
    [
      'a prefix that climbs',
      (text) => text.replace('keyPrefix: incidents/', 'keyPrefix: "../x"'),
      { code: 'wrong-form', path: 'destination.keyPrefix', line: 11 },
    ],
    [
      'a kind of content that does not exist',
      (text) => text.replace('modalities: [text]', 'modalities: [smell]'),
      { code: 'value-not-allowed', path: 'modalities[0]', line: 7 },
    ],
  ];
  test.each(cases)('%s', (_name, change, expected) => {
    const parsed = parseRequest(change(requestText()), 'request.yaml');
    if (parsed.ok) throw new Error('it was accepted');
    const problem = parsed.error[0];
    expect(problem?.message).not.toBe('');
    expect(problem?.remedy).not.toBe('');
    expect({
      code: problem?.code,
      path: problem?.path,
      line: problem?.line,
      file: problem?.file,
    }).toMatchObject({ ...expected, file: 'request.yaml' });
  });

  const several = (...places: readonly object[]): string =>
    requestText()
      .replace(/^(account|region|destination):.*\n/gm, '')
      .concat(`places: ${JSON.stringify(places)}\n`);
  const placeOf = (account: string) => ({
    account,
    region: 'us-east-1',
    destination: { kind: 's3', bucketName: 'b-1', kmsKeyArn: KEY },
  });
  const numbered = (index: number) => placeOf(String(100_000_000_000 + index));

  test.each<[string, string, string, RegExp]>([
    ['no place', several(), 'list-too-short', /./],
    [
      '21 places',
      several(...Array.from({ length: 21 }, (_, index) => numbered(index))),
      'list-too-long',
      /./,
    ],
    ['a place twice', several(numbered(1), numbered(2), numbered(1)), 'invalid-value', /named twice/],
    [
      'both spellings',
      requestText().concat(`places: ${JSON.stringify([numbered(1)])}\n`),
      'invalid-value',
      /stands beside `places`/,
    ],
    ['neither spelling', several().replace(/^places:.*\n/m, ''), 'missing-key', /`account` is missing/],
  ])('of several accounts and Regions: %s', (_name, text, code, says) => {
    const parsed = parseRequest(text, 'request.yaml');
    if (parsed.ok) throw new Error('it was accepted');
    expect(parsed.error.map((problem) => problem.code)).toContain(code);
    expect(parsed.error.map(({ message }) => message).join('\n')).toMatch(says);
  });

  test('twenty places are accepted, and one under `places` is the short spelling', () => {
    const twenty = parseRequest(
      several(...Array.from({ length: 20 }, (_, index) => numbered(index))),
      'request.yaml',
    );
    expect(twenty.ok && placesOf(twenty.value)).toHaveLength(20);
    const one = parseRequest(several(placeOf('222222222222')), 'request.yaml');
    if (!one.ok) throw new Error(one.error[0]?.message);
    const { destination } = one.value;
    const short = parseRequest(requestText({ destination: JSON.stringify(destination) }), 'request.yaml');
    expect(short.ok && hashOf(short.value)).toBe(hashOf(one.value));
  });

  test('all faults of a file at once, not the first', () => {
    const text = requestText()
      .replace('retention: 7d', 'retention: soon')
      .replace(/^subjects:.*$/m, 'subjects: []')
      .replace('region: us-east-1', 'region: mars');
    const parsed = parseRequest(text, 'request.yaml');
    expect(parsed.ok ? [] : parsed.error.map(({ path }) => path).sort()).toEqual([
      'region',
      'retention',
      'subjects',
    ]);
  });
});

/** What a refusal may not touch: everything but the record of events. */
async function untouched(s: Simulation): Promise<string> {
  const records = await s.state.services.store.list('');
  const executions = await s.state.runtime.list();
  return JSON.stringify([records, executions.length, s.setting() ?? null]);
}

describe('a well-formed request that policy or state refuses is recorded, and nothing else changes', () => {
  const cases: readonly [string, RequestOptions, RegExp][] = [
    [
      'longer than the policy allows',
      { to: BEGINS + 12 * DAY_MS + 1000, retention: '14d' },
      /limits\.enablement: .*at most 12d/,
    ],
    [
      'that does not leave time to purge within its retention',
      { to: BEGINS + 6 * DAY_MS, retention: '7d' },
      /exceptions\.purge: /,
    ],
    [
      'with a longer retention than the policy allows',
      { retention: '15d' },
      /limits\.retention: .*at most 14d/,
    ],
    ['in the past', { from: START - 1000 }, /startsWithin: .*must not lie in the past/],
    ['too far ahead', { from: START + 31 * DAY_MS, to: START + 31 * DAY_MS + HOUR_MS }, /startsWithin/],
    [
      'for an account outside the organization',
      { account: '888888888888' },
      /storage\.scope: .*not in the organization/,
    ],
    ['for a suspended account', { account: '999999999999' }, /SUSPENDED/],
    ['for the management account', { account: '111111111111' }, /management account/],
    [
      'for a Region that is not governed',
      { region: 'ap-southeast-2' },
      /storage\.scope\.regions: ap-southeast-2 is not/,
    ],
    [
      'with a destination in another account',
      { bucket: 'bucket-of-another-account' },
      /no bucket `bucket-of-another-account`/,
    ],
    ['with a destination in another Region', { region: 'eu-west-1' }, /has no bucket/],
    ['with a bucket that does not exist', { bucket: 'no-such-bucket' }, /has no bucket `no-such-bucket`/],
    [
      'with a bucket that is not encrypted with the named key',
      { bucket: 'somebodys-bucket' },
      /no customer-managed key/,
    ],
    [
      'with a key of another account',
      { key: KEY.replace('222222222222', OTHER) },
      /key is of account 333333333333/,
    ],
    [
      'with a log role of another account',
      {
        destination: `{ kind: cloudwatch-logs, logGroupName: /i, roleArn: "arn:aws:iam::${OTHER}:role/x", kmsKeyArn: "${KEY}" }`,
      },
      /log role is of account 333333333333/,
    ],
    ['with subjects of another account', { subjects: `["arn:aws:iam::${OTHER}:role/x"]` }, /another account/],
  ];
  test.each(cases)('%s', (_name, options, says) =>
    simulate(async (s) => {
      const before = await untouched(s);
      const refused = await s.submit(options);
      expect(refused).toMatchObject({ ok: false, error: { message: expect.stringMatching(says) } });
      expect(await untouched(s)).toBe(before);
      const [event] = s.events('exception.request-refused');
      expect(event).toMatchObject({ actor: { id: 'sam' }, data: { conditions: expect.any(Array) } });
    }),
  );

  test('that overlaps a live lease of the account and Region', () =>
    simulate(async (s) => {
      const id = await s.active();
      const refused = await s.submit({ from: ENDS - 1000, to: ENDS + HOUR_MS });
      expect(refused).toMatchObject({
        ok: false,
        error: { code: 'POLICY_REFUSES', message: expect.stringContaining(id) },
      });
      expect((await s.submit({ from: ENDS, to: ENDS + HOUR_MS })).ok, 'a window that touches it').toBe(true);
    }));

  test('C28: that would lease more than the cap in 30 days, counting what was leased and read back', () =>
    simulate(async (s) => {
      const first = await s.approved({ to: BEGINS + 10 * DAY_MS, retention: '14d' });
      const from = BEGINS + 10 * DAY_MS;
      expect(await s.submit({ from, to: from + 4 * DAY_MS + 1000 })).toMatchObject({
        ok: false,
        error: { message: expect.stringMatching(/limits\.leasedTime: together.*at most 14d/) },
      });
      expect((await s.submit({ from, to: from + 4 * DAY_MS })).ok).toBe(true);
      // Ended after two hours, only these count.
      await s.advanceTo(BEGINS + 2 * HOUR_MS);
      await s.revoke(first);
      expect(
        (
          await s.submit({
            from: BEGINS + 3 * HOUR_MS,
            to: BEGINS + 3 * HOUR_MS + 12 * DAY_MS,
            retention: '14d',
          })
        ).ok,
      ).toBe(true);
    }));

  test('by somebody who does not exist or has left', () =>
    simulate(async (s) => {
      for (const who of ['nobody', 'gone']) {
        expect(await s.submit({}, who)).toMatchObject({ ok: false, error: { code: 'UNKNOWN_PERSON' } });
      }
      expect(s.events('exception.request-refused')).toHaveLength(2);
    }));

  test('that nobody is left to approve: the only executives have gone', () =>
    simulate(async (s) => {
      s.editPeople('roles: [executive]', 'roles: []');
      s.editPeople('name: Max Weber, roles: [legal, security, executive]', 'name: Max Weber, roles: [legal]');
      expect(await s.submit()).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining('nobody is left to approve as executive') },
      });
    }));

  test('and every condition is told, not the first that fails', () =>
    simulate(async (s) => {
      const refused = await s.submit({ account: '888888888888', retention: '15d', from: START - 1000 });
      expect(refused.ok ? [] : refused.error.message.split('; ').length).toBeGreaterThanOrEqual(4);
    }));
});

test('an admitted request is bound to its hash, its policy and a destination of its own', () =>
  simulate(async (s) => {
    const a = await s.submit();
    const b = await s.submit({ reference: 'INC-2', from: ENDS, to: ENDS + HOUR_MS });
    if (!a.ok || !b.ok) throw new Error('refused');
    const { destination } = a.value.request;
    expect(destination.kind === 's3' && destination.keyPrefix).toBe(`incidents/${a.value.id}/`);
    expect(a.value.requestHash).not.toBe(b.value.requestHash);
    expect(a.value).toMatchObject({
      state: 'submitted',
      requiredRoles: ['legal', 'security', 'executive'],
      requesterId: 'sam',
    });
    expect(a.value.approvalsDeadline).toBe(BEGINS + HOUR_MS);
  }));

test('a policy that forbids versions refuses a bucket that keeps them', () =>
  simulate(
    async (s) => {
      expect(await s.submit()).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining('keeps versions') },
      });
    },
    { policy: policyText(['versioning: allowed', 'versioning: refused']) },
  ));
