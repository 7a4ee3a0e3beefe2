import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochMs, hashOf, principalId } from '../../src/core/index.ts';
import {
  type Admission,
  canBeApproved,
  type Decision,
  type ExceptionRecord,
  type Person,
  quorum,
} from '../../src/exceptions/index.ts';
import { parsedRequest } from '../simulation/harness.ts';

const REQUEST = hashOf('the request');
const POLICY = hashOf('the policy');
const OTHER_POLICY = hashOf('another policy');
const ROLES = ['legal', 'security', 'executive'];

/** Any hash that differs with the request and with the policy. */
const sheetOf = (request: string, policy: string) => hashOf([request, policy]);
const admission = (policyHash: typeof POLICY): Admission => ({
  policyHash,
  policyId: 'prompt-storage',
  policyVersion: '1.0.0',
  at: epochMs(0),
  roles: [],
  conditions: [],
  sheetHash: sheetOf(REQUEST, policyHash),
});

const decision = (who: string, role: string, overrides: Partial<Decision> = {}): Decision => ({
  principalId: principalId(who),
  role,
  decision: 'approve',
  at: epochMs(0),
  policyHash: POLICY,
  subjectHash: sheetOf(REQUEST, overrides.policyHash ?? POLICY),
  ...overrides,
});

const record = (
  decisions: readonly Decision[],
  overrides: Partial<ExceptionRecord> = {},
): ExceptionRecord => ({
  id: 'ex-aaaaaaaaaaaa' as ExceptionRecord['id'],
  request: parsedRequest(),
  requestHash: REQUEST,
  requesterId: principalId('sam'),
  submittedAt: epochMs(0),
  policyHashes: [POLICY],
  admissions: [admission(POLICY)],
  requiredRoles: ROLES,
  approvalsDeadline: epochMs(1),
  state: 'submitted',
  decisions,
  emptyListings: [],
  ...overrides,
});

const ALL = [decision('lena', 'legal'), decision('priya', 'security'), decision('omar', 'executive')];
const person = (id: string, roles: readonly string[], isActive = true): Person => ({
  id: principalId(id),
  name: id,
  roles,
  isActive,
});
const PEOPLE = [person('lena', ['legal']), person('priya', ['security']), person('omar', ['executive'])];

describe('INVARIANT (DISTINCT_QUORUM): a quorum', () => {
  const open = (...missing: string[]) => ({ kind: 'open', missing });
  const cases: readonly [string, ExceptionRecord, readonly Person[] | undefined, object][] = [
    ['is reached by one person for every role', record(ALL), undefined, { kind: 'reached' }],
    ['is reached in any order', record(ALL.toReversed()), undefined, { kind: 'reached' }],
    ['is open without approvals', record([]), undefined, open(...ROLES)],
    ['is open while one role is missing', record(ALL.slice(0, 2)), undefined, open('executive')],
    [
      'counts one person once, whatever roles they approve for',
      record([decision('max', 'legal'), decision('max', 'security'), decision('omar', 'executive')]),
      undefined,
      open('security'),
    ],
    [
      'counts principals, not records: three approvals by one person fill one role',
      record(ROLES.map((role) => decision('max', role))),
      undefined,
      open('security', 'executive'),
    ],
    [
      'does not count the requester',
      record([decision('sam', 'security'), ...ALL.toSpliced(1, 1)]),
      undefined,
      open('security'),
    ],
    [
      'does not count an approval of another request',
      record([
        ...ALL.slice(0, 2),
        decision('omar', 'executive', { subjectHash: sheetOf(hashOf('another'), POLICY) }),
      ]),
      undefined,
      open('executive'),
    ],
    [
      'does not count an approval under a policy it was never admitted by',
      record([...ALL.slice(0, 2), decision('omar', 'executive', { policyHash: OTHER_POLICY })]),
      undefined,
      open('executive'),
    ],
    [
      'does not count an approval that names one policy and signs another',
      record([
        ...ALL.slice(0, 2),
        decision('omar', 'executive', { subjectHash: sheetOf(REQUEST, OTHER_POLICY) }),
      ]),
      undefined,
      open('executive'),
    ],
    [
      'counts an approval under an earlier policy that admitted it',
      record([...ALL.slice(0, 2), decision('omar', 'executive', { policyHash: OTHER_POLICY })], {
        policyHashes: [OTHER_POLICY, POLICY],
        admissions: [admission(OTHER_POLICY), admission(POLICY)],
      }),
      undefined,
      { kind: 'reached' },
    ],
    [
      'does not count an approval for a role that is not asked',
      record([...ALL.slice(0, 2), decision('omar', 'finance')]),
      undefined,
      open('executive'),
    ],
    [
      'asks for a role added later, although all others approved',
      record(ALL, { requiredRoles: [...ROLES, 'data-protection'] }),
      undefined,
      open('data-protection'),
    ],
    [
      'is rejected by one rejection, also beside a full set of approvals',
      record([...ALL, decision('max', 'legal', { decision: 'reject' })]),
      undefined,
      { kind: 'rejected' },
    ],
    [
      'with today’s people, is reached by those who still hold their roles',
      record(ALL),
      PEOPLE,
      { kind: 'reached' },
    ],
    [
      'with today’s people, loses whoever has left',
      record(ALL),
      PEOPLE.with(0, person('lena', ['legal'], false)),
      open('legal'),
    ],
    [
      'with today’s people, loses whoever no longer holds the role',
      record(ALL),
      PEOPLE.with(0, person('lena', ['finance'])),
      open('legal'),
    ],
    ['with today’s people, loses whoever is not known any more', record(ALL), PEOPLE.slice(1), open('legal')],
    [
      'of a role asked twice over is filled by its first approver only',
      record([decision('lena', 'legal'), decision('max', 'legal'), ...ALL.slice(1)]),
      undefined,
      { kind: 'reached' },
    ],
  ];
  test.each(cases)('%s', (_name, given, people, expected) => {
    expect(quorum(given, people)).toMatchObject(expected);
  });

  test('is never reached with fewer different people than roles, in any heap of decisions', () => {
    const one = fc
      .tuple(
        fc.constantFrom('sam', 'lena', 'priya', 'omar', 'max'),
        fc.constantFrom(...ROLES, 'finance'),
        fc.boolean(),
      )
      .map(([who, role, isStale]) => decision(who, role, isStale ? { policyHash: OTHER_POLICY } : {}));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), (decisions) => {
        const isReached = quorum(record(decisions)).kind === 'reached';
        const counting = decisions.filter(
          ({ policyHash, principalId: who }) => policyHash === POLICY && who !== 'sam',
        );
        if (isReached)
          expect(new Set(counting.map(({ principalId: who }) => who)).size).toBeGreaterThanOrEqual(
            ROLES.length,
          );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a request can be approved', () => {
  const cases: readonly [string, readonly Person[], readonly string[]][] = [
    ['by one person for every role', PEOPLE, []],
    [
      'also where the matching has to be found: one person holds all roles',
      [person('max', ROLES), person('lena', ['legal', 'security']), person('priya', ['legal'])],
      [],
    ],
    [
      'not where two roles have only one person',
      [person('max', ['legal', 'security']), person('omar', ['executive'])],
      ['security'],
    ],
    ['not by the requester', [...PEOPLE.toSpliced(1, 1), person('sam', ['security'])], ['security']],
    ['not by people who have left', PEOPLE.with(2, person('omar', ['executive'], false)), ['executive']],
    ['not by nobody', [], ROLES],
  ];
  test.each(cases)('%s', (_name, people, expected) => {
    expect(canBeApproved(ROLES, people, principalId('sam'))).toEqual(expected);
  });

  test('exactly where some assignment of different people exists', () => {
    const roles = fc.subarray(ROLES);
    fc.assert(
      fc.property(fc.array(roles, { maxLength: 5 }), (holdings) => {
        const people = holdings.map((held, index) => person(`p${index}`, held));
        const assign = (left: readonly string[], free: readonly Person[]): boolean =>
          left.length === 0 ||
          free.some(
            (each) =>
              each.roles.includes(left[0] ?? '') &&
              assign(
                left.slice(1),
                free.filter((other) => other !== each),
              ),
          );
        expect(canBeApproved(ROLES, people, principalId('sam')).length === 0).toBe(assign(ROLES, people));
      }),
      { numRuns: 500 },
    );
  });
});
