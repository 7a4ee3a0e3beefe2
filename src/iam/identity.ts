import type {
  AttachedPolicy,
  IamEvidence,
  IamGroup,
  IamRole,
  IamUser,
  PolicyDocumentEntry,
} from '../evidence/index.ts';
import type { PolicyLayer } from './evaluate.ts';
import { layerOf, type PolicyReader, type ReadPolicy, readPolicy, renamed } from './layers.ts';
import type { RequestPrincipal } from './principals.ts';

/** Everything that identity policies say of one principal, and the boundary around them. */
export interface IdentityPolicies {
  readonly principal: RequestPrincipal;
  readonly identity: PolicyLayer;
  /** Absent: it has none. */
  readonly boundary?: PolicyLayer;
}

/** A user's, group's or role's policies, with the account's managed policies read and compiled once. */
export interface AccountPolicies {
  ofUser(user: IamUser): IdentityPolicies;
  ofGroup(group: IamGroup): IdentityPolicies;
  ofRole(role: IamRole): IdentityPolicies;
}

interface PolicyHolder {
  readonly inlinePolicies: readonly PolicyDocumentEntry[];
  readonly attachedPolicies: readonly AttachedPolicy[];
}

interface Held {
  readonly documents: readonly ReadPolicy[];
  /** What applies to the principal but is not in the evidence, in words. Not empty: nothing can be said to be denied. */
  readonly missing: readonly string[];
}

/** What stands for all of them in a sentence; see `PolicyLayer.name`. */
const IDENTITY = 'its identity policies';

/** The root user of an account, whom no identity policy limits: only what is above the account, and policies of resources, can. */
export function rootPolicies(
  partition: string,
  accountId: string,
): IdentityPolicies & { readonly principal: { readonly kind: 'root'; readonly arn: string } } {
  return {
    principal: { kind: 'root', arn: `arn:${partition}:iam::${accountId}:root`, accountId },
    identity: layerOf(IDENTITY, []),
  };
}

/** Joins principals with the policies that apply to them: their own, attached ones, and for a user those of its groups. */
export function accountPolicies(iam: IamEvidence, read: PolicyReader = readPolicy): AccountPolicies {
  const managed = new Map(
    iam.managedPolicies.map(
      (policy) => [policy.arn, read(`\`${policy.arn}\``, policy.document, 'identity')] as const,
    ),
  );

  const held = (holder: PolicyHolder, whose: string): Held => {
    const documents: ReadPolicy[] = [];
    const missing: string[] = [];
    for (const { name, document } of holder.inlinePolicies)
      documents.push(read(`inline policy \`${name}\`${whose}`, document, 'identity'));
    for (const { arn, name } of holder.attachedPolicies) {
      const found = managed.get(arn);
      if (found === undefined) missing.push(`the document of managed policy \`${arn}\`${whose}`);
      else documents.push(renamed(found, `managed policy \`${name}\`${whose}`));
    }
    return { documents, missing };
  };
  const groups = new Map(iam.groups.map((group) => [group.name, held(group, ` of group \`${group.name}\``)]));

  const together = (
    principal: RequestPrincipal,
    parts: readonly Held[],
    boundaryArn?: string,
  ): IdentityPolicies => ({
    principal,
    identity: layerOf(
      IDENTITY,
      parts.flatMap(({ documents }) => documents),
      parts.flatMap(({ missing }) => missing),
    ),
    ...(boundaryArn === undefined ? {} : { boundary: boundaryLayer(boundaryArn, managed.get(boundaryArn)) }),
  });

  return {
    ofUser: (user) =>
      together(
        { kind: 'user', arn: user.arn, accountId: accountOf(user.arn) },
        [
          held(user, ''),
          ...user.groups.map(
            (name): Held =>
              groups.get(name) ?? { documents: [], missing: [`the policies of group \`${name}\``] },
          ),
        ],
        user.permissionsBoundaryArn,
      ),
    ofGroup: (group) =>
      together({ kind: 'group', arn: group.arn, accountId: accountOf(group.arn) }, [held(group, '')]),
    ofRole: (role) =>
      together(
        { kind: 'role', arn: role.arn, accountId: accountOf(role.arn) },
        [held(role, '')],
        role.permissionsBoundaryArn,
      ),
  };
}

function boundaryLayer(arn: string, read: ReadPolicy | undefined): PolicyLayer {
  const name = `permissions boundary \`${arn}\``;
  return read === undefined
    ? layerOf(`its ${name}`, [], [`the document of ${name}`])
    : layerOf(`its ${name}`, [renamed(read, name)]);
}

/** The account part of an ARN; empty where the ARN is damaged, which is nobody's account. */
export const accountOf = (arn: string): string => arn.split(':')[4] ?? '';
