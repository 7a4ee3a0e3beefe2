import { describe, expect, test } from 'vitest';
import { accountId, epochMs } from '../../src/core/index.ts';
import type { Observation, Organization, PolicyAttachment } from '../../src/evidence/index.ts';
import { guardrailsOf, unitPath } from '../../src/iam/index.ts';

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

/** Organizations User Guide, "Service control policies": attached to the root, units and accounts; not in the management account. */
describe('what limits an account from above', () => {
  test.each([
    ['FullAWSAccess alone limits nothing', { [ROOT]: [FULL], [OUTER]: [FULL], [MEMBER]: [FULL] }, []],
    ['a policy on the root', { [ROOT]: [FULL, 'p-1'] }, ['`FenceRegions` on r-ab12']],
    ['a policy on a unit above its unit', { [OUTER]: ['p-1'] }, ['`FenceRegions` on ou-ab12-outer000']],
    ['a policy on its own unit', { [INNER]: ['p-1'] }, ['`FenceRegions` on ou-ab12-inner000']],
    ['a policy on the account itself', { [MEMBER]: ['p-1'] }, ['`FenceRegions` on 000000000002']],
    ['a policy on another account does not', { [MANAGEMENT]: ['p-1'] }, []],
    ['a policy on another unit does not', { 'ou-ab12-other000': ['p-1'] }, []],
    [
      'a policy whose document is not known counts, by its id',
      { [MEMBER]: ['p-9'] },
      ['`p-9` on 000000000002'],
    ],
    ['no attachments at all', {}, []],
  ])('%s', (_name, attached, policies) => {
    expect(guardrailsOf(organization(attached), MEMBER)).toEqual(
      policies.length === 0 ? { kind: 'none' } : { kind: 'not-evaluated', policies },
    );
  });

  test('the management account is out of reach', () => {
    expect(guardrailsOf(organization({ [ROOT]: ['p-1'] }), MANAGEMENT)).toEqual({ kind: 'none' });
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
