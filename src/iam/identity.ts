import type { Result } from '../core/index.ts';
import type {
  AttachedPolicy,
  IamEvidence,
  IamGroup,
  IamRole,
  IamUser,
  PolicyDocumentEntry,
} from '../evidence/index.ts';
import type { IamProblem } from './errors.ts';
import { type PolicyDocument, parsePolicyDocument } from './policy-document.ts';

/** One policy that applies to a principal, and how to find it. */
export interface NamedPolicy {
  /** For a person: ``managed policy `AdministratorAccess` of group `ops` ``. */
  readonly name: string;
  readonly document: Result<PolicyDocument, IamProblem>;
}

/** Everything that identity policies say of one principal. */
export interface IdentityPolicies {
  readonly policies: readonly NamedPolicy[];
  /** What applies to the principal but is not in the evidence, in words. Not empty: nothing can be said to be denied. */
  readonly missing: readonly string[];
  readonly permissionsBoundaryArn?: string;
}

/** A user's, group's or role's policies, with the account's managed policies parsed once. */
export interface AccountPolicies {
  ofUser(user: IamUser): IdentityPolicies;
  ofGroup(group: IamGroup): IdentityPolicies;
  ofRole(role: IamRole): IdentityPolicies;
}

interface PolicyHolder {
  readonly inlinePolicies: readonly PolicyDocumentEntry[];
  readonly attachedPolicies: readonly AttachedPolicy[];
}

/** Joins principals with the policies that apply to them: their own, attached ones, and for a user those of its groups. */
export function accountPolicies(iam: IamEvidence): AccountPolicies {
  const managed = new Map(
    iam.managedPolicies.map((policy) => [policy.arn, parsePolicyDocument(policy.document)] as const),
  );

  const held = (holder: PolicyHolder, whose: string): IdentityPolicies => {
    const policies: NamedPolicy[] = [];
    const missing: string[] = [];
    for (const { name, document } of holder.inlinePolicies)
      policies.push({ name: `inline policy \`${name}\`${whose}`, document: parsePolicyDocument(document) });
    for (const { arn, name } of holder.attachedPolicies) {
      const document = managed.get(arn);
      if (document === undefined) missing.push(`the document of managed policy \`${arn}\`${whose}`);
      else policies.push({ name: `managed policy \`${name}\`${whose}`, document });
    }
    return { policies, missing };
  };
  const groupPolicies = new Map(
    iam.groups.map((group) => [group.name, held(group, ` of group \`${group.name}\``)]),
  );
  const bounded = (own: IdentityPolicies, boundary: string | undefined): IdentityPolicies =>
    boundary === undefined ? own : { ...own, permissionsBoundaryArn: boundary };

  return {
    ofUser: (user) => {
      const own = held(user, '');
      const inherited = user.groups.map(
        (name): IdentityPolicies =>
          groupPolicies.get(name) ?? { policies: [], missing: [`the policies of group \`${name}\``] },
      );
      return bounded(
        {
          policies: [...own.policies, ...inherited.flatMap((group) => group.policies)],
          missing: [...own.missing, ...inherited.flatMap((group) => group.missing)],
        },
        user.permissionsBoundaryArn,
      );
    },
    ofGroup: (group) => held(group, ''),
    ofRole: (role) => bounded(held(role, ''), role.permissionsBoundaryArn),
  };
}
