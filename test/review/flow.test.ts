import { describe, expect, test } from 'vitest';
import { type EpochMs, epochMs, sha256Hex } from '../../src/core/index.ts';
import { parsePolicy } from '../../src/policy/index.ts';
import { reviewEvidence, reviewStatus } from '../../src/review/index.ts';
import { edited, POLICY_TEXT, shippedPolicy } from '../policy/shipped.ts';
import { codeOf, DAY_MS, Reviews, SIGNERS, START } from './reviews.ts';

const later = (days: number): EpochMs => epochMs(START + days * DAY_MS);

describe('a review', () => {
  test('is complete when one person of each body has signed, and not before', async () => {
    const reviews = new Reviews();
    await reviews.start();
    for (const [index, [body, by]] of SIGNERS.entries()) {
      const signed = await reviews.sign(body, by);
      expect([body, codeOf(signed)]).toEqual([body, 'done']);
      expect((await reviews.open()) === undefined).toBe(index === SIGNERS.length - 1);
    }
    const [review] = (await reviews.history()).reviews;
    expect(review).toMatchObject({ completedAt: START, signatures: SIGNERS.map(([body]) => ({ body })) });
    expect(reviews.events.map(({ type }) => type)).toEqual([
      'review.started',
      ...SIGNERS.map(() => 'review.signed'),
      'review.completed',
    ]);
  });

  test('that is opened again starts without signatures, and the one before takes its leave', async () => {
    const reviews = new Reviews();
    await reviews.start();
    await reviews.sign('legal', 'lena');
    reviews.now = later(1);
    await reviews.start();
    const history = await reviews.history();
    expect(history.reviews.map(({ supersededAt, signatures }) => [supersededAt, signatures.length])).toEqual([
      [later(1), 1],
      [undefined, 0],
    ]);
    expect(reviewStatus(history, '365d', reviews.now).lastComplete).toBeUndefined();
  });

  test('cannot be opened again to bury an objection', async () => {
    const reviews = new Reviews();
    await reviews.start();
    await reviews.object('security', 'priya');
    expect(codeOf(await reviews.start())).toBe('OBJECTION_OPEN');
    await reviews.answer(1, 'carl');
    expect(codeOf(await reviews.start())).toBe('done');
  });
});

describe('an act whose process dies after its commit', () => {
  test.each<[string, (reviews: Reviews) => Promise<unknown>, string]>([
    ['a start', (reviews) => reviews.start(), 'review.started'],
    ['a declared change', (reviews) => reviews.declare('x'), 'review.change-declared'],
    ['a signature', (reviews) => reviews.sign('legal', 'lena'), 'review.signed'],
    ['an objection', (reviews) => reviews.object('legal', 'lena'), 'review.objected'],
  ])('%s is told by whoever comes next, once', async (_name, act, type) => {
    const reviews = new Reviews();
    if (type !== 'review.started') await reviews.start();
    reviews.diesTelling = true;
    await expect(act(reviews)).rejects.toThrow('the process died');
    await reviews.tell();
    await reviews.tell();
    expect(reviews.events.filter((event) => event.type === type)).toHaveLength(1);
  });

  test('is told before the next act is', async () => {
    const reviews = new Reviews();
    await reviews.start();
    reviews.diesTelling = true;
    await expect(reviews.sign('legal', 'lena')).rejects.toThrow();
    await reviews.sign('security', 'priya');
    expect(reviews.events.map(({ data }) => String(data['says'])).slice(1)).toEqual([
      'signature by lena for legal',
      'signature by priya for security',
    ]);
  });
});

describe('a signature is refused, and the refusal recorded:', () => {
  type Act = (reviews: Reviews) => Promise<unknown>;
  test.each<[string, Act, string]>([
    [
      'to one person for two bodies',
      async (on) => [await on.sign('legal', 'max'), await on.sign('security', 'max')][1],
      'ALREADY_SIGNED',
    ],
    [
      'to a second person of a body',
      async (on) => [await on.sign('legal', 'lena'), await on.sign('legal', 'liam')][1],
      'ALREADY_SIGNED',
    ],
    [
      'twice to the same person',
      async (on) => [await on.sign('legal', 'lena'), await on.sign('legal', 'lena')][1],
      'ALREADY_SIGNED',
    ],
    [
      'to who objected for another body',
      async (on) =>
        [await on.object('legal', 'max'), await on.answer(1, 'carl'), await on.sign('security', 'max')][2],
      'ALREADY_SIGNED',
    ],
    ['to who does not belong to the body', (on) => on.sign('legal', 'priya'), 'ROLE_NOT_HELD'],
    ['for a body that the policy does not name', (on) => on.sign('auditor', 'rosa'), 'BODY_NOT_NAMED'],
    ['to who has left', (on) => on.sign('legal', 'gone'), 'UNKNOWN_PERSON'],
    ['to who never was', (on) => on.sign('legal', 'nobody'), 'UNKNOWN_PERSON'],
    ['over another hash', (on) => on.sign('legal', 'lena', sha256Hex('another')), 'HASH_MISMATCH'],
    [
      'over too short a hash',
      async (on) => on.sign('legal', 'lena', (await on.open())?.dossierHash.slice(0, 11)),
      'HASH_MISMATCH',
    ],
    [
      'over a dossier that was changed',
      (on) => {
        on.documents = { ...on.documents, html: sha256Hex('<html>tampered') };
        return on.sign('legal', 'lena');
      },
      'DOSSIER_CHANGED',
    ],
    [
      'when another policy is in force by now',
      (on) => {
        const changed = parsePolicy(edited(POLICY_TEXT, 'retention: 14d', 'retention: 15d'), 'p.yaml');
        if (!changed.ok) throw new Error(JSON.stringify(changed.error));
        on.policy = changed.value;
        return on.sign('legal', 'lena');
      },
      'POLICY_CHANGED',
    ],
    [
      'beside the open objection of its own body',
      async (on) => [await on.object('legal', 'liam'), await on.sign('legal', 'lena')][1],
      'OBJECTION_OPEN',
    ],
    [
      'when nothing is open',
      async (on) => [await on.signAll(), await on.sign('legal', 'liam')][1],
      'NO_REVIEW',
    ],
  ])('%s', async (_name, act, code) => {
    const reviews = new Reviews();
    await reviews.start();
    expect(codeOf((await act(reviews)) as Parameters<typeof codeOf>[0])).toBe(code);
    expect(reviews.events.at(-1)).toMatchObject({ type: 'review.act-refused', data: { code } });
  });
});

describe('an objection', () => {
  test('that comes late, after its own body has signed, takes the signature back and blocks until it is answered', async () => {
    const reviews = new Reviews();
    await reviews.start();
    for (const [body, by] of SIGNERS.slice(0, 3)) await reviews.sign(body, by);
    expect(codeOf(await reviews.object('legal', 'liam', 'CP-03 cannot see projects'))).toBe('done');
    expect(await reviews.open()).toMatchObject({ withdrawn: [{ body: 'legal', principalId: 'lena' }] });
    await reviews.sign('ai-governance', 'anna');
    expect(await reviews.open()).toBeDefined();
    expect(codeOf(await reviews.answer(1, 'anna'))).toBe('done');
    expect(await reviews.open()).toBeDefined();
    expect(codeOf(await reviews.sign('legal', 'liam'))).toBe('done');
    expect(await reviews.open()).toBeUndefined();
  });

  test('by a body that had not signed blocks although all others sign', async () => {
    const reviews = new Reviews();
    await reviews.start();
    await reviews.object('security', 'priya');
    await reviews.signAll();
    expect((await reviews.open())?.signatures.map(({ body }) => body)).not.toContain('security');
  });

  test('after the last signature is too late: it belongs to the next review', async () => {
    const reviews = new Reviews();
    await reviews.start();
    await reviews.signAll();
    expect(codeOf(await reviews.object('legal', 'liam'))).toBe('NO_REVIEW');
  });

  test.each([
    ['by the one who objected', 1, 'priya', 'OWN_OBJECTION'],
    ['by somebody of no body', 1, 'rosa', 'NOT_ENTITLED'],
    ['by who has left', 1, 'gone', 'UNKNOWN_PERSON'],
    ['to an objection that nobody raised', 2, 'carl', 'NOTHING_TO_ANSWER'],
  ] as const)('an answer %s is refused', async (_name, number, by, code) => {
    const reviews = new Reviews();
    await reviews.start();
    await reviews.object('security', 'priya');
    expect(codeOf(await reviews.answer(number, by))).toBe(code);
  });

  test('is answered once', async () => {
    const reviews = new Reviews();
    await reviews.start();
    await reviews.object('security', 'priya');
    await reviews.answer(1, 'carl', 'the first answer');
    expect(codeOf(await reviews.answer(1, 'anna', 'another'))).toBe('NOTHING_TO_ANSWER');
  });
});

describe('the standing of a review', () => {
  const EVERY = '365d';
  const standingAt = async (reviews: Reviews, at: EpochMs) =>
    reviewStatus(await reviews.history(), EVERY, at).standing;

  test('without any review the year runs from the day a policy was put in force, to the millisecond', async () => {
    const reviews = new Reviews();
    expect(await standingAt(reviews, START)).toBe('due');
    expect(await standingAt(reviews, epochMs(later(365) - 1))).toBe('due');
    expect(await standingAt(reviews, later(365))).toBe('overdue');
  });

  test('a complete review starts the year again; a month before its end the next is due', async () => {
    const reviews = new Reviews();
    reviews.now = later(100);
    await reviews.start();
    await reviews.signAll();
    expect(await standingAt(reviews, later(100))).toBe('complete');
    expect(await standingAt(reviews, epochMs(later(435) - 1))).toBe('complete');
    expect(await standingAt(reviews, later(435))).toBe('due');
    expect(await standingAt(reviews, epochMs(later(465) - 1))).toBe('due');
    expect(await standingAt(reviews, later(465))).toBe('overdue');
  });

  test('a review that is open, however much is signed, changes nothing', async () => {
    const reviews = new Reviews();
    reviews.now = later(364);
    await reviews.start();
    for (const [body, by] of SIGNERS.slice(0, 3)) await reviews.sign(body, by);
    expect(await standingAt(reviews, later(365))).toBe('overdue');
  });

  test('a declared change makes it overdue at once, until a review that began after it is complete', async () => {
    const reviews = new Reviews();
    await reviews.start();
    // Declared at the same instant at which the review began, but after its dossier was written.
    await reviews.declare('Bedrock keeps sessions by default');
    await reviews.signAll();
    expect(await standingAt(reviews, START)).toBe('overdue');
    await reviews.start();
    expect(await standingAt(reviews, START)).toBe('overdue');
    await reviews.signAll();
    expect(await standingAt(reviews, START)).toBe('complete');
  });

  test('a change is declared by somebody who is there', async () => {
    const reviews = new Reviews();
    expect(codeOf(await reviews.declare('x', 'gone'))).toBe('UNKNOWN_PERSON');
    expect((await reviews.history()).changes).toEqual([]);
  });

  test('without a policy in force it is not known, and unknown is never green', async () => {
    const nothing = { reviews: [], changes: [], inForceSince: undefined };
    expect(reviewStatus(nothing, EVERY, START).standing).toBe('unknown');
    expect(reviewEvidence(nothing, shippedPolicy(), START).standing).toMatchObject({
      kind: 'unobservable',
      reason: 'not-collected',
    });
  });
});
