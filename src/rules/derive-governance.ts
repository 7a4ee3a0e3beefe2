import { type Organization, sectionOf } from '../evidence/index.ts';
import { accountPolicies, decideAnyOf, MODEL_INVOCATIONS, permissionSetOf } from '../iam/index.ts';
import type { FactName } from '../policy/index.ts';
import {
  type AccountSubjectInput,
  type DerivedFact,
  observedFact,
  quoted,
  unobservableFact,
} from './derived-fact.ts';

/** Facts about one account that the organization's own services know. */
export const GOVERNANCE_FACTS = {
  'identityCenter.userAssignments': (input: AccountSubjectInput): DerivedFact => {
    const { evidence } = input;
    const seen = sectionOf<'account', 'permissionSetAssignments'>(
      evidence.sections,
      'permissionSetAssignments',
    );
    if (seen.kind === 'unobservable') return unobservableFact(seen, 'the assignments of IAM Identity Center');
    const single = (seen.kind === 'absent' ? [] : seen.value).filter(
      ({ principalType }) => principalType !== 'GROUP',
    );
    const counted = single.filter(({ permissionSetName }) => mayInvoke(input, permissionSetName));
    const lines = counted.map(
      ({ permissionSetName, principalType, principalId }) =>
        `permission set ${quoted(permissionSetName)} is given to ${principalType.toLowerCase()} ${quoted(principalId)}`,
    );
    return observedFact(
      counted.length,
      seen,
      ...(lines.length > 0 ? lines : ['permission sets that can invoke models are given to groups alone']),
    );
  },

  'aiServicesOptOut.default': ({ evidence }: AccountSubjectInput): DerivedFact => {
    const seen = sectionOf<'account', 'aiServicesOptOut'>(evidence.sections, 'aiServicesOptOut');
    const what = 'the AI services opt-out policy in effect';
    if (seen.kind === 'unobservable') return unobservableFact(seen, what);
    if (seen.kind === 'absent')
      return observedFact('unset', seen, 'no AI services opt-out policy is in effect');
    const answer = defaultOf(seen.value.policy);
    if (answer === undefined)
      return unobservableFact(
        {
          kind: 'unobservable',
          reason: 'malformed',
          detail: 'it is not a policy of this type',
          source: seen.source,
        },
        what,
      );
    return answer === ''
      ? observedFact('unset', seen, `${what} says nothing of services that it does not name`)
      : observedFact(answer, seen, `${what} says ${quoted(answer)} for every service that it does not name`);
  },
} as const satisfies Partial<Record<FactName, (input: AccountSubjectInput) => DerivedFact>>;

/** Whether a role that the permission set became in this account may invoke a model; without such a role in the evidence it may. */
function mayInvoke(
  { evidence, guardrails, organizationId }: AccountSubjectInput,
  permissionSet: string,
): boolean {
  if (evidence.iam.kind !== 'observed') return true;
  const policies = accountPolicies(evidence.iam.value);
  const roles = evidence.iam.value.roles.filter((role) => permissionSetOf(role) === permissionSet);
  return (
    roles.length === 0 ||
    roles.some(
      (role) =>
        decideAnyOf(policies.ofRole(role), MODEL_INVOCATIONS, { guardrails, organizationId }).kind !==
        'denied',
    )
  );
}

/** `services.default.opt_out_policy`, with or without the inheritance operator; empty where there is none; undefined: not such a policy. */
function defaultOf(text: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const services = member(json, 'services');
  if (typeof services !== 'object' || services === null) return undefined;
  const policy = member(member(services, 'default'), 'opt_out_policy');
  if (policy === undefined) return '';
  const value = typeof policy === 'string' ? policy : member(policy, '@@assign');
  return typeof value === 'string' ? value : undefined;
}

const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;

interface BillingInput {
  readonly organization: Organization;
}

/** Facts about the organization that billing knows. */
export const BILLING_FACTS = {
  'costAllocationTags.missing': ({ organization }: BillingInput): DerivedFact => {
    const seen = sectionOf<'organization', 'costAllocationTags'>(organization.sections, 'costAllocationTags');
    if (seen.kind === 'unobservable') return unobservableFact(seen, 'the cost allocation tags');
    const active = new Set(
      (seen.kind === 'absent' ? [] : seen.value)
        .filter(({ status }) => status === 'Active')
        .map(({ key }) => key),
    );
    const missing = COST_TAGS.filter((key) => !active.has(key));
    return observedFact(
      missing.length,
      seen,
      missing.length === 0
        ? `the tags ${COST_TAGS.map(quoted).join(', ')} are active in the bill`
        : `not active in the bill: ${missing.map(quoted).join(', ')}`,
    );
  },

  'costExport.carriesPrincipals': ({ organization }: BillingInput): DerivedFact => {
    const seen = sectionOf<'organization', 'costExports'>(organization.sections, 'costExports');
    if (seen.kind === 'unobservable') return unobservableFact(seen, 'the exports of billing data');
    const exports = seen.kind === 'absent' ? [] : seen.value;
    const carrying = exports.filter(({ tables }) =>
      tables.some(({ table, settings }) => table === CUR && settings.some(isPrincipalData)),
    );
    // Only `HEALTHY` is evidence of health: AWS may not have said, or may say something new.
    const found = carrying.find(({ status }) => status === 'HEALTHY');
    const open = carrying.find(({ status }) => status !== 'HEALTHY' && status !== 'UNHEALTHY');
    if (found === undefined && open !== undefined)
      return unobservableFact(
        {
          kind: 'unobservable',
          reason: 'not-evaluated',
          detail: `AWS says ${open.status === '' ? 'nothing' : quoted(open.status)} of its health`,
          source: seen.source,
        },
        `whether export ${quoted(open.name)} is delivered`,
      );
    return observedFact(
      found !== undefined,
      seen,
      found === undefined
        ? `of ${exports.length} exports none is healthy and carries the IAM principal of each line`
        : `export ${quoted(found.name)} carries the IAM principal of each line`,
    );
  },
} as const satisfies Partial<Record<FactName, (input: BillingInput) => DerivedFact>>;

/** As the runbook names them in its section on cost allocation tags. */
export const COST_TAGS = ['Project', 'Team', 'Environment'] as const;
const CUR = 'COST_AND_USAGE_REPORT';
const isPrincipalData = ({ name, value }: { readonly name: string; readonly value: string }): boolean =>
  name === 'INCLUDE_IAM_PRINCIPAL_DATA' && value.toUpperCase() === 'TRUE';
