import {
  type AccountPart,
  type IamEvidence,
  type MemberAccount,
  type Observation,
  type Snapshot,
  type SnapshotHead,
  sourceOf,
} from '../evidence/index.ts';
import {
  accountPolicies,
  type PolicyReader,
  rememberingReader,
  serviceControlOf,
  unitPath,
} from '../iam/index.ts';
import type { FactName, LoadedPolicy, Subject } from '../policy/index.ts';
import { accountReach } from './account-reach.ts';
import { AUDIT_FACTS } from './derive-audit.ts';
import { BUCKET_FACTS } from './derive-buckets.ts';
import { BILLING_FACTS, GOVERNANCE_FACTS } from './derive-governance.ts';
import { ORGANIZATION_FACTS, type OrganizationInput } from './derive-organization.ts';
import { PRINCIPAL_FACTS, type Principal, type PrincipalInput } from './derive-principal.ts';
import { REACH_FACTS } from './derive-reach.ts';
import { REGION_FACTS, type RegionInput } from './derive-region.ts';
import { SURFACE_FACTS } from './derive-surfaces.ts';
import {
  type AccountInput,
  type AccountSubjectInput,
  type DerivedFact,
  observedFact,
  plain,
  quoted,
  unobservableFact,
} from './derived-fact.ts';
import { notAskedFact, unusableFact } from './region-use.ts';
import type { FactSet, RecordEvidence, SubjectRef } from './types.ts';

/** One subject with its facts. */
export interface SubjectFacts {
  readonly subject: SubjectRef;
  readonly accountName: string;
  readonly facts: FactSet;
  /**
   * The lines a person can check a fact by; nothing for a fact that this kind of subject does not have. They are put into words when somebody
   * asks: a finding shows those of the facts that decided it, and most findings are never shown.
   */
  readonly evidenceOf: (fact: FactName) => readonly string[] | undefined;
}

const ACCOUNT_FACTS = {
  'account.state': ({ account, takenAt }: AccountInput): DerivedFact =>
    observedFact(
      account.state,
      { at: takenAt, source: { call: 'organizations:ListAccounts' } },
      `the account is ${quoted(account.state)}`,
    ),
  'account.isManagementAccount': ({ isManagementAccount, takenAt }: AccountInput): DerivedFact =>
    observedFact(
      isManagementAccount,
      { at: takenAt, source: { call: 'organizations:DescribeOrganization' } },
      isManagementAccount
        ? 'it is the organization’s management account, which no service control policy restricts'
        : 'it is a member account',
    ),
} as const satisfies Partial<Record<FactName, (input: AccountInput) => DerivedFact>>;

/** How the facts of each kind of subject are derived. */
export const DERIVATIONS = {
  'account-region': {
    ...ACCOUNT_FACTS,
    'region.unusable': unusableFact,
    ...REGION_FACTS,
    ...SURFACE_FACTS,
    ...BUCKET_FACTS,
  },
  principal: { ...ACCOUNT_FACTS, ...PRINCIPAL_FACTS },
  account: {
    ...ACCOUNT_FACTS,
    'account.regionsNotAsked': notAskedFact,
    ...REACH_FACTS,
    ...AUDIT_FACTS,
    ...GOVERNANCE_FACTS,
  },
  organization: { ...ORGANIZATION_FACTS, ...BILLING_FACTS },
} as const;
/** Every fact of the catalogue: one that is not derived, like one that the catalogue does not know, does not compile. */
export const DERIVED_FACTS: readonly string[] = Object.keys({
  ...ACCOUNT_FACTS,
  'region.unusable': unusableFact,
  ...REGION_FACTS,
  ...SURFACE_FACTS,
  ...BUCKET_FACTS,
  ...PRINCIPAL_FACTS,
  ...DERIVATIONS.account,
  ...DERIVATIONS.organization,
} satisfies Record<FactName, unknown>);

/**
 * Turns a snapshot into the facts of every subject the policy's controls can ask about.
 *
 * - `account-region`: every member account and every *governed* Region, also one that the snapshot did not ask
 *   (its facts are `not-collected`: a Region left out must not look clean), and every other Region in which the account was asked:
 *   content can be stored wherever it can use Bedrock.
 * - `account`: every member account, once.
 * - `organization`: one. What stands in the records of a state (`records`) is `not-collected` without them.
 * - `principal`: every user, group and role; for an account whose IAM could not be read one subject that stands for them all, whose
 *   facts are unobservable, so that its silence is a finding.
 *
 * Nothing here depends on the order in which AWS listed things: subjects come in the order of their identifiers.
 */
export function deriveFacts(
  snapshot: Snapshot,
  loaded: LoadedPolicy,
  records?: RecordEvidence,
): Readonly<Record<Subject, readonly SubjectFacts[]>> {
  const source = sourceOf(snapshot);
  const derive = factDeriver(source.head, loaded);
  const parts = [...(source.accounts as Iterable<AccountPart>)].map(derive);
  return {
    'account-region': parts.flatMap((part) => part('account-region')),
    principal: parts.flatMap((part) => part('principal')),
    account: parts.flatMap((part) => part('account')),
    organization: [organizationFacts(source.head, records)],
  };
}

/** The subjects of one account, by kind; facts of a kind that nobody asks for are not derived. */
export type AccountFacts = (kind: Exclude<Subject, 'organization'>) => readonly SubjectFacts[];

/**
 * As {@link deriveFacts}, one account at a time. What accounts share (the tree, the control policies above them, documents that many of them
 * hold) is read once.
 */
export function factDeriver(
  { organization, takenAt }: SnapshotHead,
  { policy }: LoadedPolicy,
): (part: AccountPart) => AccountFacts {
  const guardrailsOf = serviceControlOf(organization);
  const read = rememberingReader();
  const members = new Map(organization.accounts.map((account) => [account.id, account]));
  const governed = policy.storage.scope.regions;
  return ({ evidence, regions }) => {
    const account = members.get(evidence.accountId);
    if (account === undefined) throw new Error(`account ${evidence.accountId} is not in the organization`);
    const input: AccountInput = {
      account,
      isManagementAccount: account.id === organization.managementAccountId,
      unitPath: unitPath(organization, account.parentId),
      guardrails: guardrailsOf(account.id),
      organizationId: organization.id,
      policy,
      takenAt,
    };
    const reach = accountReach(account.id, input.guardrails, organization.id, evidence.iam, read);
    const observed = new Map(regions.map((each) => [each.region, each]));
    const subjects = {
      'account-region': () =>
        [...new Set([...governed, ...observed.keys()])].toSorted().map((region) =>
          regionSubject({
            ...input,
            region,
            evidence: observed.get(region),
            accountSections: evidence.sections,
            reach,
          }),
        ),
      principal: () => principalSubjects(input, read, evidence.iam),
      account: () => [accountSubject({ ...input, evidence, regions: observed, reach })],
    };
    return (kind) => subjects[kind]();
  };
}

/** The organization itself. */
export const organizationFacts = (
  { organization, takenAt }: SnapshotHead,
  records: RecordEvidence | undefined,
): SubjectFacts => organizationSubject({ organization, takenAt, records });

/** Named after the management account: it is there in every organization, and its owners answer for the policy. */
function organizationSubject(input: OrganizationInput): SubjectFacts {
  const { managementAccountId, accounts } = input.organization;
  const name = accounts.find(({ id }) => id === managementAccountId)?.name ?? managementAccountId;
  return subjectFacts(
    { kind: 'organization', accountId: managementAccountId },
    { name },
    applied(DERIVATIONS.organization, input),
  );
}

function accountSubject(input: AccountSubjectInput): SubjectFacts {
  const derived = applied(DERIVATIONS.account, input);
  return subjectFacts({ kind: 'account', accountId: input.account.id }, input.account, derived);
}

function regionSubject(input: RegionInput): SubjectFacts {
  const { account, region } = input;
  return subjectFacts({ kind: 'account-region', accountId: account.id, region }, account, {
    ...applied(DERIVATIONS['account-region'], input),
  });
}

function principalSubjects(
  input: AccountInput,
  read: PolicyReader,
  iam: Observation<IamEvidence>,
): readonly SubjectFacts[] {
  // Every account has an IAM: that there is none is no answer, and must not be silence.
  if (iam.kind === 'absent')
    return [unreadableAccount(input, { kind: 'unobservable', reason: 'malformed', source: iam.source })];
  if (iam.kind === 'unobservable') return [unreadableAccount(input, iam)];
  const { users, groups, roles } = iam.value;
  const policies = accountPolicies(iam.value, read);
  const seen = { at: iam.at, source: iam.source };
  const inputOf = (
    arn: string,
    principal: Principal,
    identity: PrincipalInput['identity'],
  ): PrincipalInput => ({
    ...input,
    arn,
    principal,
    identity,
    seen,
  });
  return [
    ...users.map((user) => inputOf(user.arn, { type: 'user', user }, policies.ofUser(user))),
    ...groups.map((group) => inputOf(group.arn, { type: 'group', group }, policies.ofGroup(group))),
    ...roles.map((role) => inputOf(role.arn, { type: 'role', role }, policies.ofRole(role))),
  ]
    .toSorted(by(({ arn }) => arn))
    .map((principal) =>
      subjectFacts({ kind: 'principal', accountId: input.account.id, arn: principal.arn }, input.account, {
        ...applied(DERIVATIONS.principal, principal),
      }),
    );
}

/** Stands for the principals that could not be listed: everything about them is as unobservable as their list. */
function unreadableAccount(
  input: AccountInput,
  iam: Observation<IamEvidence> & { readonly kind: 'unobservable' },
): SubjectFacts {
  const unknown = unobservableFact(iam, 'the account’s users, groups and roles');
  return subjectFacts({ kind: 'principals', accountId: input.account.id }, input.account, {
    ...applied(ACCOUNT_FACTS, input),
    ...Object.fromEntries(Object.keys(PRINCIPAL_FACTS).map((name) => [name, unknown])),
  });
}

function applied<Input>(
  derivations: Readonly<Partial<Record<FactName, (input: Input) => DerivedFact>>>,
  input: Input,
): Partial<Record<FactName, DerivedFact>> {
  return Object.fromEntries(Object.entries(derivations).map(([name, derive]) => [name, derive(input)]));
}

function subjectFacts(
  subject: SubjectRef,
  { name: accountName }: Pick<MemberAccount, 'name'>,
  derived: Partial<Record<FactName, DerivedFact>>,
): SubjectFacts {
  return {
    subject,
    accountName,
    facts: Object.fromEntries(Object.entries(derived).map(([name, { observation }]) => [name, observation])),
    evidenceOf: (fact) => derived[fact]?.evidence.map(plain),
  };
}

/** By code units, so that the order is the same in every locale. */
const by =
  <T>(keyOf: (item: T) => string) =>
  (left: T, right: T): number => {
    const [one, other] = [keyOf(left), keyOf(right)];
    return one < other ? -1 : one > other ? 1 : 0;
  };
