import {
  type Account as AwsAccount,
  DescribeOrganizationCommand,
  DescribePolicyCommand,
  ListAccountsCommand,
  ListAccountsForParentCommand,
  ListDelegatedAdministratorsCommand,
  ListOrganizationalUnitsForParentCommand,
  ListParentsCommand,
  ListPoliciesCommand,
  ListRootsCommand,
  ListTargetsForPolicyCommand,
  OrganizationsClient,
  type PolicySummary,
} from '@aws-sdk/client-organizations';
import pMap from 'p-map';
import { type AccountId, type Clock, isAccountId } from '../../core/index.ts';
import type {
  MemberAccount,
  Observation,
  Organization,
  OrganizationalUnit,
  OrganizationSource,
  PolicyAttachment,
  ServiceControlPolicy,
} from '../../evidence/index.ts';
import type { AccountAccess } from './account-access.ts';
import { clientOf } from './clients.ts';
import { abortable, errorName, MalformedAnswer, observe, required } from './observe.ts';
import { allPages } from './pages.ts';

/** Organizations throttles hard (DescribePolicy at 2 a second); adaptive retry slows down by itself, few in flight keep it short. */
const CONCURRENCY = 4;
/** The most that ListAccounts and its siblings give. */
const PAGE_SIZE = 20;
const SCP = 'SERVICE_CONTROL_POLICY';
const RCP = 'RESOURCE_CONTROL_POLICY';
const NO_ORGANIZATION = 'AWSOrganizationsNotInUseException';

/**
 * The organization as the management account or a delegated administrator sees it. ListAccounts is the authority for which accounts exist;
 * the units say where they stand. E-mail addresses, which every answer carries, are dropped here.
 */
export function organizationsSource(access: AccountAccess, clock: Clock): OrganizationSource {
  return {
    async readOrganization({ signal } = {}) {
      const client = clientOf(OrganizationsClient, access.homeSettings());
      const reader: Reader = { client, clock, options: abortable(signal) };
      return observe(clock, { call: TREE_CALLS }, () => readTree(reader));
    },
  };
}

const TREE_CALLS =
  'organizations:DescribeOrganization + organizations:ListRoots + organizations:ListOrganizationalUnitsForParent + organizations:ListAccountsForParent + organizations:ListAccounts';

interface Reader {
  readonly client: OrganizationsClient;
  readonly clock: Clock;
  readonly options: ReturnType<typeof abortable>;
}

async function readTree(reader: Reader): Promise<Organization | undefined> {
  const { client, options } = reader;
  const described = await client
    .send(new DescribeOrganizationCommand({}), options)
    .catch((error: unknown) => {
      if (errorName(error) === NO_ORGANIZATION) return undefined;
      throw error;
    });
  if (described === undefined) return undefined;
  const id = required(described.Organization?.Id, 'Organization.Id');
  const managementAccountId = account(
    described.Organization?.MasterAccountId,
    'Organization.MasterAccountId',
  );

  const roots = await allPages(async (token) => {
    const page = await client.send(new ListRootsCommand({ NextToken: token }), options);
    return { items: page.Roots, next: page.NextToken };
  });
  const [root] = roots;
  if (root === undefined || roots.length > 1)
    throw new MalformedAnswer('ListRoots did not give exactly one root');
  const units = await unitsBelow(reader, {
    id: required(root.Id, 'Roots.Id'),
    name: required(root.Name, 'Roots.Name'),
  });
  const accounts = await readAccounts(reader, units);

  const targets = [...units.map((unit) => unit.id), ...accounts.map((member) => member.id)];
  const serviceControl = await readPolicies(reader, SCP, targets);
  const resourceControl = await readPolicies(reader, RCP, targets);
  return {
    id,
    managementAccountId,
    units,
    accounts,
    serviceControlPolicies: serviceControl.policies,
    attachments: serviceControl.attachments,
    delegatedAdministrators: await readDelegatedAdministrators(reader),
    resourceControlPolicies: resourceControl.policies,
    resourceControlAttachments: resourceControl.attachments,
  };
}

/** All units, parents before children. */
async function unitsBelow(
  { client, options }: Reader,
  root: OrganizationalUnit,
): Promise<readonly OrganizationalUnit[]> {
  const units: OrganizationalUnit[] = [root];
  const seen = new Set([root.id]);
  let level: readonly OrganizationalUnit[] = [root];
  while (level.length > 0) {
    const children = await pMap(
      level,
      async (parent) => {
        const found = await allPages(async (token) => {
          const page = await client.send(
            new ListOrganizationalUnitsForParentCommand({
              ParentId: parent.id,
              MaxResults: PAGE_SIZE,
              NextToken: token,
            }),
            options,
          );
          return { items: page.OrganizationalUnits, next: page.NextToken };
        });
        return found.map((unit) => ({
          id: required(unit.Id, 'OrganizationalUnits.Id'),
          name: required(unit.Name, 'OrganizationalUnits.Name'),
          parentId: parent.id,
        }));
      },
      { concurrency: CONCURRENCY },
    );
    // A unit that moved while we read could come twice; its first place stands.
    level = children.flat().filter((unit) => !seen.has(unit.id) && seen.add(unit.id));
    units.push(...level);
  }
  return units;
}

async function readAccounts(
  { client, options }: Reader,
  units: readonly OrganizationalUnit[],
): Promise<readonly MemberAccount[]> {
  const placed = new Map<string, MemberAccount>();
  const perUnit = await pMap(
    units,
    async (unit) => {
      const found = await allPages(async (token) => {
        const page = await client.send(
          new ListAccountsForParentCommand({ ParentId: unit.id, MaxResults: PAGE_SIZE, NextToken: token }),
          options,
        );
        return { items: page.Accounts, next: page.NextToken };
      });
      return found.map((found) => member(found, unit.id));
    },
    { concurrency: CONCURRENCY },
  );
  for (const found of perUnit.flat()) placed.set(found.id, found);

  const listed = await allPages(async (token) => {
    const page = await client.send(
      new ListAccountsCommand({ MaxResults: PAGE_SIZE, NextToken: token }),
      options,
    );
    return { items: page.Accounts, next: page.NextToken };
  });
  // An account that moved between two of our calls stands nowhere; without this it would drop out of the check unseen.
  const known = new Set(units.map((unit) => unit.id));
  for (const found of listed) {
    const id = account(found.Id, 'Accounts.Id');
    if (placed.has(id)) continue;
    const { Parents } = await client.send(new ListParentsCommand({ ChildId: id }), options);
    const parentId = required(Parents?.[0]?.Id, 'Parents.Id');
    if (!known.has(parentId))
      throw new MalformedAnswer('an account stands in a unit that was created meanwhile');
    placed.set(id, member(found, parentId));
  }
  return [...placed.values()];
}

const member = (found: AwsAccount, parentId: string): MemberAccount => ({
  id: account(found.Id, 'Accounts.Id'),
  name: found.Name || required(found.Id, 'Accounts.Id'),
  // Status is being retired in favour of State; older answers have only Status.
  state: required(found.State ?? found.Status, 'Accounts.State'),
  parentId,
});

interface Policies {
  readonly policies: Observation<readonly ServiceControlPolicy[]>;
  readonly attachments: Observation<readonly PolicyAttachment[]>;
}

/** Both types of control policy are listed, described and attached alike. */
async function readPolicies(
  reader: Reader,
  type: typeof SCP | typeof RCP,
  targets: readonly string[],
): Promise<Policies> {
  const { client, clock, options } = reader;
  const summaries = await observe<readonly PolicySummary[]>(
    clock,
    { call: 'organizations:ListPolicies' },
    () =>
      allPages(async (token) => {
        const page = await client.send(
          new ListPoliciesCommand({ Filter: type, MaxResults: PAGE_SIZE, NextToken: token }),
          options,
        );
        return { items: page.Policies, next: page.NextToken };
      }),
  );
  if (summaries.kind !== 'observed') return { policies: summaries, attachments: summaries };
  return {
    policies: await readDocuments(reader, summaries.value),
    attachments: await readAttachments(reader, summaries.value, targets),
  };
}

const readDocuments = ({ client, clock, options }: Reader, summaries: readonly PolicySummary[]) =>
  observe<readonly ServiceControlPolicy[]>(
    clock,
    { call: 'organizations:ListPolicies + organizations:DescribePolicy' },
    () =>
      pMap(
        summaries,
        async (summary) => {
          const id = required(summary.Id, 'Policies.Id');
          const { Policy } = await client.send(new DescribePolicyCommand({ PolicyId: id }), options);
          return {
            id,
            name: required(summary.Name, 'Policies.Name'),
            document: required(Policy?.Content, 'Policy.Content'),
          };
        },
        { concurrency: CONCURRENCY },
      ),
  );

/** By policy and not by target: an organization has far fewer policies than accounts. Every target gets an entry, also an empty one. */
const readAttachments = (
  { client, clock, options }: Reader,
  summaries: readonly PolicySummary[],
  targets: readonly string[],
): Promise<Observation<readonly PolicyAttachment[]>> =>
  observe(clock, { call: 'organizations:ListPolicies + organizations:ListTargetsForPolicy' }, async () => {
    const byTarget = new Map<string, string[]>(targets.map((target) => [target, []]));
    const perPolicy = await pMap(
      summaries,
      async (summary) => {
        const policyId = required(summary.Id, 'Policies.Id');
        const found = await allPages(async (token) => {
          const page = await client.send(
            new ListTargetsForPolicyCommand({
              PolicyId: policyId,
              MaxResults: PAGE_SIZE,
              NextToken: token,
            }),
            options,
          );
          return { items: page.Targets, next: page.NextToken };
        });
        return found.map((target) => ({ policyId, targetId: required(target.TargetId, 'Targets.TargetId') }));
      },
      { concurrency: CONCURRENCY },
    );
    for (const { policyId, targetId } of perPolicy.flat()) byTarget.get(targetId)?.push(policyId);
    return [...byTarget].map(([targetId, policyIds]) => ({ targetId, policyIds }));
  });

const readDelegatedAdministrators = ({ client, clock, options }: Reader) =>
  observe<readonly AccountId[]>(clock, { call: 'organizations:ListDelegatedAdministrators' }, async () => {
    const found = await allPages(async (token) => {
      const page = await client.send(
        new ListDelegatedAdministratorsCommand({ MaxResults: PAGE_SIZE, NextToken: token }),
        options,
      );
      return { items: page.DelegatedAdministrators, next: page.NextToken };
    });
    return found.map((administrator) => account(administrator.Id, 'DelegatedAdministrators.Id'));
  });

function account(id: string | undefined, field: string): AccountId {
  const text = required(id, field);
  if (!isAccountId(text)) throw new MalformedAnswer(`${field} is not an account id`);
  return text;
}
