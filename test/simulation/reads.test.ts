import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentReadIn, forwardingIn, handle } from '../../handlers/storage-event.ts';
import { accountId, epochMs } from '../../src/core/index.ts';
import { readsOf } from '../../src/enforcement/index.ts';
import {
  addRead,
  addSign,
  forwarded,
  kindOfReader,
  NO_READS,
  type ReadTally,
  readCallers,
  readsSeen,
  reportOf,
} from '../../src/exceptions/index.ts';
import {
  BUCKET,
  DAY_MS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  LONG_AFTER,
  MINUTE_MS,
  notificationsOf,
  PAIR,
  type Simulation,
  simulate,
} from './harness.ts';

/* Who read what was captured: counted where it was forwarded, and never zero where it was not. */

type Id = Parameters<Simulation['record']>[0];
const READER = `arn:aws:sts::${INCIDENT}:assumed-role/IncidentResponder/rita`;
const MALLORY = `arn:aws:sts::${INCIDENT}:assumed-role/Admin/mallory`;
const DRAIN = `arn:aws:sts::${INCIDENT}:assumed-role/ProvisoDrain/proviso-drain`;
const keyOf = (id: Id) => `${id}/AWSLogs/record`;
const prefixOf = async (s: Simulation, id: Id) => {
  const { destination } = await s.lease(id);
  return destination.kind === 's3' ? destination.keyPrefix : '';
};
const read = async (s: Simulation, id: Id, by: string) =>
  s.state.aws.eventRules.read(PAIR, by, {
    bucketName: BUCKET,
    key: `${await prefixOf(s, id)}AWSLogs/record`,
  });
const seen = async (s: Simulation, id: Id) => readsOf(s.state.services, await s.record(id));

/** A read as EventBridge brings it. */
const event = (more: { readonly detail?: object; readonly [field: string]: unknown } = {}) => ({
  version: '0',
  id: 'e-1',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.s3',
  account: INCIDENT,
  time: '2026-11-20T09:00:00Z',
  region: 'us-east-1',
  ...more,
  detail: {
    eventSource: 's3.amazonaws.com',
    eventName: 'GetObject',
    userIdentity: { type: 'AssumedRole', arn: READER },
    requestParameters: { bucketName: 'b', key: 'k' },
    ...more.detail,
  },
});

describe('reads of what is captured', () => {
  it('are counted by caller and day, near-misses told once a day, and stand in show, report and certificate', () =>
    simulate(async (s) => {
      s.state.aws.eventRules.countReads(PAIR);
      const id = await s.active();
      for (const by of [READER, READER, MALLORY, MALLORY, DRAIN]) await read(s, id, by);
      s.state.aws.eventRules.read(PAIR, MALLORY, { bucketName: BUCKET, key: 'elsewhere/record' });
      s.state.aws.eventRules.read(PAIR, MALLORY, { bucketName: 'another', key: keyOf(id) });
      await s.advance(10 * MINUTE_MS);
      expect((await seen(s, id)).reads).toEqual({ reader: 2, other: 2, proviso: 1, vault: 0 });
      const told = () => notificationsOf(s).filter(({ type }) => type === 'exception.read-by-other');
      expect(told()).toHaveLength(1);
      expect(told()[0]).toMatchObject({ urgency: 'act', happened: expect.stringContaining('mallory') });
      await s.advance(DAY_MS);
      await read(s, id, MALLORY);
      await s.advance(10 * MINUTE_MS);
      expect(told()).toHaveLength(2);
      const rows = (await seen(s, id)).rows.filter(({ by }) => by === MALLORY);
      expect(rows.map(({ reads }) => reads)).toEqual([2, 1]);
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.certificates()[0]).toMatchObject({
        reads: {
          forwarded: 'whole',
          counted: { reader: 2, other: 3, proviso: 1, vault: 0 },
          cannotBeSeen: expect.stringContaining('copies'),
        },
      });
      expect(JSON.stringify(s.certificates()[0]?.['notProven'])).not.toContain('forwarded');
      expect(s.events('exception.read-by-other')).toHaveLength(2);
    }));

  it('that are not forwarded are not counted, which is not zero', () =>
    simulate(async (s) => {
      const id = await s.active();
      await read(s, id, MALLORY);
      await s.advanceTo(LONG_AFTER);
      expect(await seen(s, id)).toMatchObject({ forwarded: 'not', reads: null, rows: [] });
      expect(s.certificates()[0]).toMatchObject({
        reads: { forwarded: 'not', counted: null },
        notProven: expect.arrayContaining([
          expect.stringContaining('nothing shows that reads were forwarded'),
        ]),
      });
    }));

  it('forwarded from the middle on are least numbers', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - 2 * HOUR_MS);
      s.state.aws.eventRules.countReads(PAIR);
      await read(s, id, READER);
      await s.advance(10 * MINUTE_MS);
      expect(await seen(s, id)).toMatchObject({
        forwarded: 'part',
        reads: { reader: 1, other: 0 },
        says: expect.stringContaining('there may be more'),
      });
    }));

  it('delivered twice, or at the same moment as others, count once each', () =>
    simulate(async (s) => {
      const id = await s.active();
      const prefix = await prefixOf(s, id);
      const one = (number: number) =>
        event({
          id: `e-${number}`,
          region: PAIR.region,
          detail: { requestParameters: { bucketName: BUCKET, key: `${prefix}x` } },
        });
      const { services } = s.state;
      await Promise.all([1, 2, 3, 4, 1, 2].map((number) => handle(one(number), services)));
      expect(await handle(one(3), services)).toEqual({ result: 'duplicate' });
      expect((await seen(s, id)).reads).toMatchObject({ reader: 4 });
      const elsewhere = { bucketName: 'b', key: 'k' };
      const other = event({ id: 'e-9', region: PAIR.region, detail: { requestParameters: elsewhere } });
      expect(await handle(other, services)).toEqual({ result: 'elsewhere' });
    }));
});

describe('the caller', () => {
  const readers = [
    `arn:aws:iam::${INCIDENT}:role/teams/IncidentResponder`,
    `arn:aws:iam::${INCIDENT}:user/ulla`,
  ];
  const kind = (by: string, role?: string, isVault = false) =>
    kindOfReader({ by, ...(role === undefined ? {} : { role }) }, readers, accountId(INCIDENT), isVault);
  it.each([
    [READER, `arn:aws:iam::${INCIDENT}:role/teams/IncidentResponder`, 'reader'],
    [READER, undefined, 'reader'],
    // A role of the same name on another path is another role.
    [READER, `arn:aws:iam::${INCIDENT}:role/IncidentResponder`, 'other'],
    [READER.replace(INCIDENT, '333333333333'), undefined, 'other'],
    [`arn:aws:iam::${INCIDENT}:user/ulla`, undefined, 'reader'],
    [`arn:aws:iam::${INCIDENT}:root`, undefined, 'other'],
    ['', undefined, 'other'],
    [DRAIN, `arn:aws:iam::${INCIDENT}:role/proviso/ProvisoDrain`, 'proviso'],
    [DRAIN, `arn:aws:iam::${INCIDENT}:role/ProvisoDrain`, 'other'],
    [DRAIN.replace(INCIDENT, '333333333333'), undefined, 'other'],
  ])('%s by %s is %s', (by, role, expected) => expect(kind(by, role)).toBe(expected));
  it('at Legal’s vault is whoever Legal let in, except for the role of ours', () => {
    expect(kind(MALLORY, undefined, true)).toBe('vault');
    expect(kind(DRAIN.replaceAll('Drain', 'Hold').replace('proviso-drain', 'x'), undefined, true)).toBe(
      'proviso',
    );
  });
});

describe('the count', () => {
  const at = (day: number) => epochMs(Date.UTC(2026, 10, day, 9));
  it('does not grow with reads, callers or events', () => {
    let tally: ReadTally = NO_READS;
    for (let number = 0; number < 700; number++)
      tally =
        addRead(tally, { id: `e${number}`, at: at(1), by: `arn:${number % 300}` }, 'other', 's3://b/') ??
        tally;
    expect(tally.rows).toHaveLength(200);
    expect(tally.ids).toHaveLength(256);
    const { reads } = readsSeen(tally, [], { from: at(1), to: at(2) });
    const ofPeriod = readsSeen(tally, [], { from: at(1), to: at(2) }, { from: at(0), to: at(1_000_000) });
    expect(ofPeriod.says).toMatch(/; [1-9][0-9]* more, of callers beyond 200 rows, have no day/);
    expect(reads?.other).toBe(700);
    expect(readCallers(tally.rows)).toHaveLength(21);
  });

  it('of a period has the days that begin in it', () => {
    let tally: ReadTally = NO_READS;
    for (const day of [1, 2, 2, 9])
      tally =
        addRead(tally, { id: `${day}/${tally.ids.length}`, at: at(day), by: 'arn:a' }, 'reader', 'p') ??
        tally;
    const period = { from: epochMs(Date.UTC(2026, 10, 2)), to: epochMs(Date.UTC(2026, 10, 9)) };
    expect(readsSeen(tally, [], undefined, period).reads?.reader).toBe(2);
  });

  it('is whole only where signs came all the time from every place', () => {
    let forwarding = addSign({ spans: [] }, at(1));
    for (let hour = 6; hour <= 72; hour += 6)
      forwarding = addSign(forwarding, epochMs(at(1) + hour * HOUR_MS));
    expect(forwarding.spans).toHaveLength(1);
    expect(forwarded([forwarding], at(1), at(4))).toBe('whole');
    expect(forwarded([forwarding], epochMs(at(1) - 1), at(4))).toBe('part');
    expect(forwarded([forwarding], at(1), at(6))).toBe('part');
    expect(forwarded([forwarding, undefined], at(1), at(4))).toBe('part');
    expect(forwarded([forwarding], at(7), at(9))).toBe('not');
    expect(forwarded([], at(1), at(2))).toBe('part');
    const gap = addSign(forwarding, at(9));
    expect(gap.spans).toHaveLength(2);
    expect(forwarded([gap], at(1), at(9))).toBe('part');
    // An older sign, delivered late, opens nothing.
    expect(addSign(gap, at(2))).toEqual(gap);
  });

  it('a report without exceptions has no count', () => {
    const period = { name: '2026Q4', from: at(1), to: at(9) };
    expect(reportOf([], [], period, at(5))).toMatchObject({ reads: null, readsMissing: [] });
  });
});

describe('events', () => {
  it.each([
    ['GetObject', event(), { of: { bucketName: 'b', key: 'k' }, by: READER }],
    [
      'FilterLogEvents',
      event({
        detail: {
          eventSource: 'logs.amazonaws.com',
          eventName: 'FilterLogEvents',
          requestParameters: {
            logGroupIdentifier: 'arn:aws:logs:us-east-1:222222222222:log-group:/g/ex-1:*',
          },
        },
      }),
      { of: { logGroups: ['/g/ex-1'] } },
    ],
    [
      'StartQuery',
      event({
        detail: {
          eventSource: 'logs.amazonaws.com',
          eventName: 'StartQuery',
          requestParameters: { logGroupNames: ['/a', '/g/ex-1'] },
        },
      }),
      { of: { logGroups: ['/a', '/g/ex-1'] } },
    ],
    [
      'the role behind a session',
      event({
        detail: {
          userIdentity: {
            arn: READER,
            sessionContext: {
              sessionIssuer: { arn: `arn:aws:iam::${INCIDENT}:role/teams/IncidentResponder` },
            },
          },
        },
      }),
      { role: `arn:aws:iam::${INCIDENT}:role/teams/IncidentResponder` },
    ],
  ])('%s is read', (_, given, expected) => expect(contentReadIn(given)).toMatchObject(expected));

  it.each([
    ['another call', event({ detail: { eventName: 'HeadObject' } })],
    ['a refused call', event({ detail: { errorCode: 'AccessDenied' } })],
    ['no place', event({ detail: { requestParameters: null } })],
    ['a key that is no text', event({ detail: { requestParameters: { bucketName: 'b', key: 7 } } })],
    ['an account that is none', event({ account: '1' })],
    [
      'a log call without a group',
      event({ detail: { eventSource: 'logs.amazonaws.com', eventName: 'StartQuery' } }),
    ],
    ['nothing', undefined],
  ])('%s is no read', (_, given) => expect(contentReadIn(given)).toBeUndefined());

  it('a sign is one of our rule’s name alone', () => {
    const arn = `arn:aws:events:us-east-1:${INCIDENT}:rule/`;
    const signOf = (...resources: string[]) =>
      forwardingIn({ ...event(), 'detail-type': 'Scheduled Event', resources });
    expect(signOf(`${arn}ProvisoReadsForwarded`)).toEqual({ accountId: INCIDENT, region: 'us-east-1' });
    expect(signOf(`${arn}nightly`)).toBeUndefined();
    expect(signOf()).toBeUndefined();
    expect(forwardingIn({ ...event(), resources: [`${arn}ProvisoReadsForwarded`] })).toBeUndefined();
  });

  it('whatever comes, reading it neither throws nor takes anything but who, when, where and which call', () => {
    const key = fc.constantFrom(
      'id',
      'detail',
      'arn',
      'bucketName',
      'key',
      'logGroupNames',
      'body',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.object({ key, maxDepth: 4 }), fc.boolean(), (given, isNearlyGood) => {
        const found = contentReadIn(isNearlyGood ? event({ detail: given }) : given);
        const known = ['id', 'at', 'place', 'by', 'role', 'call', 'of'];
        expect(Object.keys(found ?? {}).every((name) => known.includes(name))).toBe(true);
        forwardingIn(given);
      }),
      { numRuns: 300 },
    );
  });
});
