import * as z from 'zod';
import { name } from '../schema-parts.ts';
import { section } from './section.ts';

/** A permission set of IAM Identity Center given to a group or a user in this account. */
export interface PermissionSetAssignment {
  readonly permissionSetName: string;
  /** `GROUP` or `USER`, as AWS spells it. */
  readonly principalType: string;
  /** Id in the identity store. */
  readonly principalId: string;
  /** What a group is called; absent for users, who are not named, and where the name could not be read. */
  readonly groupName?: string | undefined;
}

export const permissionSetAssignments = section<readonly PermissionSetAssignment[]>({
  level: 'account',
  value: z.array(
    z.strictObject({
      permissionSetName: name,
      principalType: name,
      principalId: name,
      groupName: name.exactOptional(),
    }),
  ),
  actions: {
    'sso:ListInstances': 'the instance of IAM Identity Center',
    'sso:ListPermissionSetsProvisionedToAccount': 'which permission sets are in use in an account',
    'sso:DescribePermissionSet': 'the name of a permission set: the roles it becomes carry it',
    'sso:ListAccountAssignments': 'to which groups and users a permission set is given',
    'identitystore:DescribeGroup': 'what such a group is called',
  },
  isAskedAtHome: true,
  meaning:
    'assignments of IAM Identity Center in the account: permission set, kind and id of the principal, names of groups',
});

/** The opt-out policy for AI services in effect for the account, as JSON text. */
export interface AiServicesOptOut {
  readonly policy: string;
}

export const aiServicesOptOut = section<AiServicesOptOut>({
  level: 'account',
  value: z.strictObject({ policy: z.string() }),
  actions: {
    'organizations:DescribeEffectivePolicy': 'the opt-out policy for AI services in effect for each account',
  },
  isAskedAtHome: true,
  meaning: 'the AI services opt-out policy in effect; absent: none is',
});

export interface CostAllocationTag {
  readonly key: string;
  /** `AWSGenerated` or `UserDefined`. */
  readonly type: string;
  /** `Active` or `Inactive`. */
  readonly status: string;
}

export const costAllocationTags = section<readonly CostAllocationTag[]>({
  level: 'organization',
  value: z.array(z.strictObject({ key: name, type: name, status: name })),
  actions: { 'ce:ListCostAllocationTags': 'which tags appear in the bill' },
  meaning: 'cost allocation tags: key, type and status',
});

/** A data export of billing. */
export interface CostExport {
  readonly arn: string;
  readonly name: string;
  /** `HEALTHY` or `UNHEALTHY`; empty where AWS did not say. */
  readonly status: string;
  /** Tables with their settings, as AWS spells them: `COST_AND_USAGE_REPORT`, `INCLUDE_IAM_PRINCIPAL_DATA`. */
  readonly tables: readonly {
    readonly table: string;
    readonly settings: readonly { readonly name: string; readonly value: string }[];
  }[];
}

export const costExports = section<readonly CostExport[]>({
  level: 'organization',
  value: z.array(
    z.strictObject({
      arn: name,
      name,
      status: z.string(),
      tables: z.array(
        z.strictObject({
          table: name,
          settings: z.array(z.strictObject({ name, value: z.string() })),
        }),
      ),
    }),
  ),
  actions: {
    'bcm-data-exports:ListExports': 'the exports of billing data',
    'bcm-data-exports:GetExport': 'whether an export carries the IAM principal of each line',
  },
  meaning: 'data exports of billing: tables and their settings',
});
