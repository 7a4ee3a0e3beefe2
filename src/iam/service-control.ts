import type { AccountId } from '../core/index.ts';
import type {
  Observation,
  Organization,
  PolicyAttachment,
  ServiceControlPolicy,
  UnobservableReason,
} from '../evidence/index.ts';
import type { PolicyLayer } from './evaluate.ts';
import { layerOf, type ReadPolicy, readPolicy, renamed } from './layers.ts';

/** What limits an account's principals, or its resources, from above. */
export type Guardrails =
  /** One layer for each level from the root down; every one of them must allow. None: nothing limits. */
  | { readonly kind: 'levels'; readonly levels: readonly PolicyLayer[] }
  | { readonly kind: 'unobservable'; readonly reason: UnobservableReason; readonly detail: string };

export const NO_GUARDRAILS: Guardrails = { kind: 'levels', levels: [] };

/** The ids AWS gives to the policies that allow everything; they are the same in every organization. */
const FULL_ACCESS: ReadonlySet<string> = new Set(['p-FullAWSAccess', 'p-RCPFullAWSAccess']);
const FULL_ACCESS_DOCUMENT =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';

/** Service control policies are out of reach of service-linked roles. */
export const SERVICE_LINKED_PATH = '/aws-service-role/';

/**
 * The service control policies over each account, with every document read and compiled once.
 *
 * They do not restrict the management account. A level of nothing but FullAWSAccess limits nothing and is left out. Where policies are
 * attached at one level of the path and another level has none, evidence is missing: AWS keeps at least one policy at each level.
 *
 * @see https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
 */
export function serviceControlOf(organization: Organization): (accountId: AccountId) => Guardrails {
  const before = serviceControl.get(organization);
  if (before !== undefined) return before;
  const read = controlPolicies(organization, {
    word: 'service control policies',
    one: 'service control policy',
    policies: organization.serviceControlPolicies,
    attachments: organization.attachments,
  });
  serviceControl.set(organization, read);
  return read;
}

/** As read of each organization; a step of an exception asks of the same one several times. */
const serviceControl = new WeakMap<Organization, (accountId: AccountId) => Guardrails>();

/**
 * The resource control policies over each account's resources, as `serviceControlOf`; undefined where they were not collected. The management
 * account's resources are out of their reach.
 *
 * @see https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
 */
export function resourceControlOf(
  organization: Organization,
): ((accountId: AccountId) => Guardrails) | undefined {
  const { resourceControlPolicies: policies, resourceControlAttachments: attachments } = organization;
  if (policies === undefined || attachments === undefined) return undefined;
  return controlPolicies(organization, {
    word: 'resource control policies',
    one: 'resource control policy',
    policies,
    attachments,
  });
}

/** Of the services that hold content or lead to it, those that resource control policies reach; Bedrock is not among them. */
const RESOURCE_CONTROLLED: ReadonlySet<string> = new Set([
  'events',
  'firehose',
  'kms',
  'logs',
  's3',
  'secretsmanager',
  'sqs',
  'sts',
]);
export const isResourceControlled = (action: string): boolean =>
  RESOURCE_CONTROLLED.has(action.slice(0, action.indexOf(':')).toLowerCase());

/** One account's; where many are asked about, `serviceControlOf` reads the documents once for all. */
export const guardrailsOf = (organization: Organization, accountId: AccountId): Guardrails =>
  serviceControlOf(organization)(accountId);

interface ControlPolicies {
  /** `service control policies`. */
  readonly word: string;
  readonly one: string;
  readonly policies: Observation<readonly ServiceControlPolicy[]>;
  readonly attachments: Observation<readonly PolicyAttachment[]>;
}

function controlPolicies(
  organization: Organization,
  { word, one, policies, attachments }: ControlPolicies,
): (accountId: AccountId) => Guardrails {
  const documents = new Map<string, { readonly name: string; readonly read: ReadPolicy }>();
  if (policies.kind === 'observed')
    for (const { id, name, document } of policies.value)
      documents.set(id, { name, read: readPolicy(name, document, 'control') });
  const attached = new Map(
    attachments.kind === 'observed'
      ? attachments.value.map(({ targetId, policyIds }) => [targetId, policyIds] as const)
      : [],
  );
  const levels = new Map<string, PolicyLayer>();
  const levelAt = (target: string, ids: readonly string[]): PolicyLayer => {
    const before = levels.get(target);
    if (before !== undefined) return before;
    const missing: string[] = [];
    const reads = ids.flatMap((id): readonly ReadPolicy[] => {
      const found = documents.get(id);
      if (found !== undefined) return [renamed(found.read, `${one} \`${found.name}\` on ${target}`)];
      if (FULL_ACCESS.has(id))
        return [readPolicy(`${one} \`${id}\` on ${target}`, FULL_ACCESS_DOCUMENT, 'control')];
      missing.push(`the document of ${one} \`${id}\` on ${target}`);
      return [];
    });
    const level = layerOf(`the ${word} of ${target}`, reads, missing);
    levels.set(target, level);
    return level;
  };

  return (accountId) => {
    if (accountId === organization.managementAccountId || attachments.kind === 'absent') return NO_GUARDRAILS;
    if (attachments.kind === 'unobservable')
      return {
        kind: 'unobservable',
        reason: attachments.reason,
        detail: `which ${word} are attached could not be read (${attachments.detail ?? attachments.reason})`,
      };
    const path = pathToRoot(organization, accountId);
    if (path === undefined)
      return {
        kind: 'unobservable',
        reason: 'malformed',
        detail: 'the account’s path to the root of the organization has a gap or a loop',
      };
    const perLevel = path.toReversed().map((target) => [target, attached.get(target) ?? []] as const);
    // No policy anywhere on the path: the type is not in use.
    if (perLevel.every(([, ids]) => ids.length === 0)) return NO_GUARDRAILS;
    const gap = perLevel.find(([, ids]) => ids.length === 0);
    if (gap !== undefined)
      return {
        kind: 'unobservable',
        reason: 'not-collected',
        detail: `which ${word} are attached to ${gap[0]} is not in the evidence`,
      };
    const limiting = perLevel.filter(([, ids]) => ids.some((id) => !FULL_ACCESS.has(id)));
    if (policies.kind === 'unobservable' && limiting.length > 0)
      return {
        kind: 'unobservable',
        reason: policies.reason,
        detail: `the documents of the ${word} could not be read (${policies.detail ?? policies.reason})`,
      };
    return { kind: 'levels', levels: limiting.map(([target, ids]) => levelAt(target, ids)) };
  };
}

/** The account and the units above it, root last; undefined where the tree has a gap or a loop. */
function pathToRoot(organization: Organization, accountId: AccountId): readonly string[] | undefined {
  const account = organization.accounts.find(({ id }) => id === accountId);
  if (account === undefined) return undefined;
  const units = unitPath(organization, account.parentId);
  return units === undefined ? undefined : [accountId, ...units.toReversed()];
}

/** The units from the root down to `unitId`, both included; undefined where the tree has a gap or a loop. */
export function unitPath(organization: Organization, unitId: string): readonly string[] | undefined {
  const units = new Map(organization.units.map((unit) => [unit.id, unit]));
  const path: string[] = [];
  let next: string | undefined = unitId;
  while (next !== undefined) {
    const unit = units.get(next);
    if (unit === undefined || path.includes(next)) return undefined;
    path.unshift(next);
    next = unit.parentId;
  }
  return path;
}
