import { BCMDataExportsClient, GetExportCommand, ListExportsCommand } from '@aws-sdk/client-bcm-data-exports';
import { CostExplorerClient, ListCostAllocationTagsCommand } from '@aws-sdk/client-cost-explorer';
import { DescribeGroupCommand, IdentitystoreClient } from '@aws-sdk/client-identitystore';
import { DescribeEffectivePolicyCommand, OrganizationsClient } from '@aws-sdk/client-organizations';
import {
  DescribePermissionSetCommand,
  ListAccountAssignmentsCommand,
  ListInstancesCommand,
  ListPermissionSetsProvisionedToAccountCommand,
  SSOAdminClient,
} from '@aws-sdk/client-sso-admin';
import pMap from 'p-map';
import type { Clock } from '../../core/index.ts';
import type { CostExport, PermissionSetAssignment, SectionReaders } from '../../evidence/index.ts';
import type { AccountAccess } from './account-access.ts';
import { assignedPeopleReader } from './assigned-people.ts';
import { isNamed } from './call.ts';
import { clientOf } from './clients.ts';
import { abortable, MalformedAnswer, observe, required } from './observe.ts';
import { allPages } from './pages.ts';

type Home = Pick<AccountAccess, 'homeSettings'>;

/** Of IAM Identity Center. */
interface Instance {
  readonly arn: string;
  readonly storeId: string;
}

/** Both billing services answer in us-east-1 alone. */
const BILLING_REGION = 'us-east-1';
const SET_CONCURRENCY = 3;

/**
 * What the organization's own services know of one account, asked with the caller's credentials: the management account, or a delegated
 * administrator of both services. Names of permission sets are asked once for all accounts.
 */
export function accountGovernanceReaders(
  access: Home,
  clock: Clock,
): Pick<SectionReaders<'account'>, 'permissionSetAssignments' | 'assignedPeople' | 'aiServicesOptOut'> {
  const names = new Map<string, Promise<string>>();
  const groups = new Map<string, Promise<string | undefined>>();
  /** The identity store of each principal that an assignment named. */
  const stores = new Map<string, string>();
  let instances: Promise<readonly Instance[]> | undefined;
  /** The same groups hold permission sets in many accounts: each is asked once. A name that cannot be read hides no assignment. */
  const groupName = (
    { storeId }: Instance,
    GroupId: string,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> => {
    const asked =
      groups.get(GroupId) ??
      clientOf(IdentitystoreClient, access.homeSettings())
        .send(new DescribeGroupCommand({ IdentityStoreId: storeId, GroupId }), abortable(signal))
        .then(
          ({ DisplayName }) => DisplayName || undefined,
          () => {
            signal?.throwIfAborted();
            return undefined;
          },
        );
    groups.set(GroupId, asked);
    return asked;
  };
  return {
    /** @see https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountAssignments.html */
    permissionSetAssignments: ({ accountId }, { signal } = {}) =>
      observe(clock, { call: 'sso:ListAccountAssignments', accountId }, async () => {
        const client = clientOf(SSOAdminClient, access.homeSettings());
        instances ??= allPages(async (NextToken) => {
          const page = await client.send(new ListInstancesCommand(token(NextToken)), abortable(signal));
          return { items: page.Instances, next: page.NextToken };
        }).then((found) =>
          found.map(({ InstanceArn, IdentityStoreId }) => ({
            arn: required(InstanceArn, 'Instances.InstanceArn'),
            storeId: IdentityStoreId ?? '',
          })),
        );
        const known = await instances.catch((error: unknown) => {
          instances = undefined;
          throw error;
        });
        // No instance in the Region that was asked is no evidence: Identity Center has one home Region, which may be another.
        if (known.length === 0) throw new MalformedAnswer('Instances is empty in the Region that was asked');
        const nameOf = (InstanceArn: string, PermissionSetArn: string): Promise<string> => {
          const asked =
            names.get(PermissionSetArn) ??
            client
              .send(new DescribePermissionSetCommand({ InstanceArn, PermissionSetArn }), abortable(signal))
              .then(({ PermissionSet }) => required(PermissionSet?.Name, 'PermissionSet.Name'));
          names.set(PermissionSetArn, asked);
          asked.catch(() => names.delete(PermissionSetArn));
          return asked;
        };
        const perInstance = await pMap(
          known,
          async (instance): Promise<readonly PermissionSetAssignment[]> => {
            const InstanceArn = instance.arn;
            const sets = await allPages(async (NextToken) => {
              const page = await client.send(
                new ListPermissionSetsProvisionedToAccountCommand({
                  InstanceArn,
                  AccountId: accountId,
                  ...token(NextToken),
                }),
                abortable(signal),
              );
              return { items: page.PermissionSets, next: page.NextToken };
            });
            const perSet = await pMap(
              sets,
              async (PermissionSetArn) => {
                const permissionSetName = await nameOf(InstanceArn, PermissionSetArn);
                const assignments = await allPages(async (NextToken) => {
                  const page = await client.send(
                    new ListAccountAssignmentsCommand({
                      InstanceArn,
                      AccountId: accountId,
                      PermissionSetArn,
                      ...token(NextToken),
                    }),
                    abortable(signal),
                  );
                  return { items: page.AccountAssignments, next: page.NextToken };
                });
                return pMap(
                  assignments,
                  async ({ PrincipalType, PrincipalId }): Promise<PermissionSetAssignment> => {
                    const principalId = required(PrincipalId, 'AccountAssignments.PrincipalId');
                    if (instance.storeId !== '') stores.set(principalId, instance.storeId);
                    const name =
                      PrincipalType === 'GROUP' ? await groupName(instance, principalId, signal) : undefined;
                    return {
                      permissionSetName,
                      principalType: required(PrincipalType, 'AccountAssignments.PrincipalType'),
                      principalId,
                      ...(name === undefined ? {} : { groupName: name }),
                    };
                  },
                  { concurrency: SET_CONCURRENCY },
                );
              },
              { concurrency: SET_CONCURRENCY },
            );
            return perSet.flat();
          },
          { concurrency: 1 },
        );
        return perInstance.flat();
      }),

    ...assignedPeopleReader(access, clock, (principalId) => stores.get(principalId)),

    /** @see https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeEffectivePolicy.html */
    aiServicesOptOut: ({ accountId }, { signal } = {}) =>
      observe(clock, { call: 'organizations:DescribeEffectivePolicy', accountId }, async () => {
        const client = clientOf(OrganizationsClient, access.homeSettings());
        try {
          const { EffectivePolicy } = await client.send(
            new DescribeEffectivePolicyCommand({
              PolicyType: 'AISERVICES_OPT_OUT_POLICY',
              TargetId: accountId,
            }),
            abortable(signal),
          );
          return { policy: required(EffectivePolicy?.PolicyContent, 'EffectivePolicy.PolicyContent') };
        } catch (error) {
          if (isNamed(error, 'EffectivePolicyNotFoundException')) return undefined;
          throw error;
        }
      }),
  };
}

/** What billing knows of the organization, asked with the caller's credentials; only the management account sees all of it. */
export function organizationGovernanceReaders(
  access: Home,
  clock: Clock,
): Pick<SectionReaders<'organization'>, 'costAllocationTags' | 'costExports'> {
  return {
    /** @see https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_ListCostAllocationTags.html */
    costAllocationTags: (_organization, { signal } = {}) =>
      observe(clock, { call: 'ce:ListCostAllocationTags' }, async () => {
        const client = clientOf(CostExplorerClient, access.homeSettings(BILLING_REGION));
        const tags = await allPages(async (NextToken) => {
          const page = await client.send(
            new ListCostAllocationTagsCommand({ MaxResults: 1000, ...token(NextToken) }),
            abortable(signal),
          );
          return { items: page.CostAllocationTags, next: page.NextToken };
        });
        return tags.map(({ TagKey, Type, Status }) => ({
          key: required(TagKey, 'CostAllocationTags.TagKey'),
          type: required(Type, 'CostAllocationTags.Type'),
          status: required(Status, 'CostAllocationTags.Status'),
        }));
      }),

    /** @see https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_DataExports_GetExport.html */
    costExports: (_organization, { signal } = {}) =>
      observe(clock, { call: 'bcm-data-exports:GetExport' }, async () => {
        const client = clientOf(BCMDataExportsClient, access.homeSettings(BILLING_REGION));
        const references = await allPages(async (NextToken) => {
          const page = await client.send(new ListExportsCommand(token(NextToken)), abortable(signal));
          return { items: page.Exports, next: page.NextToken };
        });
        return pMap(
          references,
          async ({ ExportArn, ExportName, ExportStatus }): Promise<CostExport> => {
            const arn = required(ExportArn, 'Exports.ExportArn');
            const { Export } = await client.send(new GetExportCommand({ ExportArn: arn }), abortable(signal));
            const query = required(Export?.DataQuery, 'Export.DataQuery');
            return {
              arn,
              name: required(ExportName, 'Exports.ExportName'),
              status: ExportStatus?.StatusCode ?? '',
              tables: Object.entries(query.TableConfigurations ?? {}).map(([table, settings]) => ({
                table,
                settings: Object.entries(settings).map(([name, value]) => ({ name, value })),
              })),
            };
          },
          { concurrency: 2 },
        );
      }),
  };
}

const token = (NextToken: string | undefined): { readonly NextToken?: string } =>
  NextToken === undefined ? {} : { NextToken };
