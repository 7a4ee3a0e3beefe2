import { describe, expect, test } from 'vitest';
import { accountId, epochMs } from '../../src/core/index.ts';
import type { Observation, Organization, PolicyAttachment } from '../../src/evidence/index.ts';
import { guardrailsOf, NO_GUARDRAILS, unitPath } from '../../src/iam/index.ts';

const AT = epochMs(1_790_000_000_000);
const SOURCE = { call: 'organizations:ListPolicies' };
const MANAGEMENT = accountId('000000000001');
const MEMBER = accountId('000000000002');
const ROOT = 'r-ab12';
const OUTER = 'ou-ab12-outer000';
const INNER = 'ou-ab12-inner000';

const observed = <T>(value: T): Observation<T> => ({ kind: 'observed', value, at: AT, source: SOURCE });

const organization = (
  attached: Readonly<Record<string, readonly string[]>>,
  more: Partial<Organization> = {},
) =>
  ({
    id: 'o-example',
    managementAccountId: MANAGEMENT,
    units: [
      { id: ROOT, name: 'Root' },
      { id: OUTER, name: 'Workloads', parentId: ROOT },
      { id: INNER, name: 'Production', parentId: OUTER },
    ],
    accounts: [
      { id: MANAGEMENT, name: 'management', state: 'ACTIVE', parentId: ROOT },
      { id: MEMBER, name: 'member', state: 'ACTIVE', parentId: INNER },
    ],
    serviceControlPolicies: observed([{ id: 'p-1', name: 'FenceRegions', document: '{}' }]),
    attachments: observed<readonly PolicyAttachment[]>(
      Object.entries(attached).map(([targetId, policyIds]) => ({ targetId, policyIds })),
    ),
    delegatedAdministrators: observed([]),
    ...more,
  }) satisfies Organization;

const FULL = 'p-FullAWSAccess';
/** FullAWSAccess at every level, and what a row adds. */
const everywhere = (more: Readonly<Record<string, readonly string[]>> = {}) => ({
  [ROOT]: [FULL],
  [OUTER]: [FULL],
  [INNER]: [FULL],
  [MEMBER]: [FULL],
  ...more,
});

/** The names of the levels that limit, or why they are not known. */
const levelsOver = (
  attached: Readonly<Record<string, readonly string[]>>,
  more: Partial<Organization> = {},
) => {
  const guardrails = guardrailsOf(organization(attached, more), MEMBER);
  return guardrails.kind === 'levels' ? guardrails.levels.map(({ name }) => name) : guardrails.detail;
};

/** Organizations User Guide, "Service control policies" and "SCP evaluation": root, units and account, each level for itself. */
describe('what limits an account from above', () => {
  test.each([
    ['FullAWSAccess alone limits nothing', everywhere(), []],
    [
      'a policy on the root',
      everywhere({ [ROOT]: [FULL, 'p-1'] }),
      ['the service control policies of r-ab12'],
    ],
    [
      'a policy on a unit above its unit',
      everywhere({ [OUTER]: ['p-1'] }),
      ['the service control policies of ou-ab12-outer000'],
    ],
    [
      'a policy on its own unit',
      everywhere({ [INNER]: ['p-1'] }),
      ['the service control policies of ou-ab12-inner000'],
    ],
    [
      'a policy on the account itself',
      everywhere({ [MEMBER]: ['p-1'] }),
      ['the service control policies of 000000000002'],
    ],
    [
      'policies on two levels are two levels, the root first',
      everywhere({ [MEMBER]: ['p-1'], [ROOT]: ['p-1'] }),
      ['the service control policies of r-ab12', 'the service control policies of 000000000002'],
    ],
    ['a policy on another account does not', everywhere({ [MANAGEMENT]: ['p-1'] }), []],
    ['a policy on another unit does not', everywhere({ 'ou-ab12-other000': ['p-1'] }), []],
    ['no attachments at all: the policy type is not in use', {}, []],
    [
      'a level without any policy, which AWS does not have, is missing evidence',
      { ...everywhere({ [ROOT]: ['p-1'] }), [INNER]: [] },
      'which service control policies are attached to ou-ab12-inner000 is not in the evidence',
    ],
  ])('%s', (_name, attached, expected) => {
    expect(levelsOver(attached)).toEqual(expected);
  });

  test('a policy whose document is not known is missing evidence, by its id', () => {
    const guardrails = guardrailsOf(organization(everywhere({ [MEMBER]: ['p-9'] })), MEMBER);
    expect(guardrails.kind === 'levels' && guardrails.levels[0]?.unreadable).toEqual([
      {
        reason: 'missing-document',
        detail: 'not in the evidence: the document of service control policy `p-9` on 000000000002',
      },
    ]);
  });

  test('documents that were denied are not the same as none, unless none are needed', () => {
    const serviceControlPolicies = { kind: 'unobservable', reason: 'access-denied' } as const;
    expect(levelsOver(everywhere(), { serviceControlPolicies })).toEqual([]);
    expect(levelsOver(everywhere({ [ROOT]: [FULL, 'p-1'] }), { serviceControlPolicies })).toBe(
      'the documents of the service control policies could not be read (access-denied)',
    );
  });

  test('the management account is out of reach', () => {
    expect(guardrailsOf(organization(everywhere({ [ROOT]: ['p-1'] })), MANAGEMENT)).toEqual(NO_GUARDRAILS);
  });

  test('attachments that were denied are not the same as none', () => {
    const attachments = {
      kind: 'unobservable',
      reason: 'access-denied',
      detail: 'AccessDeniedException',
    } as const;
    expect(guardrailsOf(organization({}, { attachments }), MEMBER)).toMatchObject({
      kind: 'unobservable',
      reason: 'access-denied',
    });
  });

  test.each([
    ['a unit that is missing', [{ id: INNER, name: 'Production', parentId: 'ou-ab12-gone0000' }]],
    [
      'a loop',
      [
        { id: INNER, name: 'a', parentId: OUTER },
        { id: OUTER, name: 'b', parentId: INNER },
      ],
    ],
  ])('%s in the tree decides nothing', (_name, units) => {
    expect(guardrailsOf(organization({}, { units }), MEMBER)).toMatchObject({
      kind: 'unobservable',
      reason: 'malformed',
    });
    expect(unitPath(organization({}, { units }), INNER)).toBeUndefined();
  });

  test('the path of a unit starts at the root', () => {
    expect(unitPath(organization({}), INNER)).toEqual([ROOT, OUTER, INNER]);
  });
});
