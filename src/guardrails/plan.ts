import type { MemberAccount, Organization } from '../evidence/index.ts';
import { unitPath } from '../iam/index.ts';
import { GUARDRAIL_LIMITS, type GuardrailDocument, isSameDocument } from './documents.ts';

export interface AttachPlan {
  /** Root, unit or account id. */
  readonly target: string;
  readonly affected: readonly MemberAccount[];
  /** No service or resource control policy reaches it: keep Bedrock out of it. */
  readonly managementAccount: MemberAccount | undefined;
  /** Policies at the target now, by the snapshot; undefined where it does not show them. */
  readonly attachedNow: number | undefined;
  readonly problems: readonly string[];
}

/** Where the documents would go, whom they reach, and whether they fit beside what is there. */
export function attachPlan(
  organization: Organization,
  documents: readonly GuardrailDocument[],
  target: string,
): AttachPlan {
  const { accounts, managementAccountId, attachments } = organization;
  const isBelow = (account: MemberAccount) =>
    account.id === target || (unitPath(organization, account.parentId)?.includes(target) ?? false);
  const scps = documents.filter(({ type }) => type === 'SERVICE_CONTROL_POLICY').length;
  const here =
    attachments.kind === 'observed'
      ? attachments.value.find(({ targetId }) => targetId === target)
      : undefined;
  const attachedNow = here?.policyIds.length;
  const isKnown =
    organization.units.some(({ id }) => id === target) || accounts.some(({ id }) => id === target);
  return {
    target,
    affected: accounts.filter((account) => account.id !== managementAccountId && isBelow(account)),
    managementAccount: accounts.find((account) => account.id === managementAccountId && isBelow(account)),
    attachedNow,
    problems: [
      ...(isKnown ? [] : [`\`${target}\` is no root, unit or account of the snapshot`]),
      ...(attachedNow !== undefined && attachedNow + scps > GUARDRAIL_LIMITS.attached
        ? [
            `${attachedNow} service control policies are attached to ${target} and ${scps} would be added; every organization takes ${GUARDRAIL_LIMITS.attached} (newer quotas 10)`,
          ]
        : []),
    ],
  };
}

export interface GuardrailDifference {
  readonly name: string;
  readonly state:
    | 'same'
    | 'not-attached'
    | 'other-text'
    | 'attached-elsewhere'
    | 'missing'
    | 'not-seen'
    | 'left-over';
  readonly where: readonly string[];
}

/** What the snapshot has of the documents, by name. Those of ours that the policy no longer asks for are left over. */
export function guardrailDiff(
  organization: Organization,
  documents: readonly GuardrailDocument[],
  target: string,
): readonly GuardrailDifference[] {
  const read = {
    SERVICE_CONTROL_POLICY: [organization.serviceControlPolicies, organization.attachments],
    RESOURCE_CONTROL_POLICY: [organization.resourceControlPolicies, organization.resourceControlAttachments],
  } as const;
  const differences = documents.map(({ name, type, text }): GuardrailDifference => {
    const [policies, attachments] = read[type];
    if (policies?.kind !== 'observed' || attachments?.kind !== 'observed')
      return { name, state: 'not-seen', where: [] };
    const found = policies.value.find((policy) => policy.name === name);
    if (found === undefined) return { name, state: 'missing', where: [] };
    const where = attachments.value.flatMap(({ targetId, policyIds }) =>
      policyIds.includes(found.id) ? [targetId] : [],
    );
    if (!isSameDocument(found.document, text)) return { name, state: 'other-text', where };
    if (where.length === 0) return { name, state: 'not-attached', where };
    return { name, state: where.includes(target) ? 'same' : 'attached-elsewhere', where };
  });
  const wanted = new Set(documents.map(({ name }) => name));
  const leftOver = Object.values(read).flatMap(([policies]) =>
    policies?.kind === 'observed'
      ? policies.value
          .filter(({ name }) => /^proviso-(scp|rcp)(-[0-9]+)?$/.test(name) && !wanted.has(name))
          .map(({ name }): GuardrailDifference => ({ name, state: 'left-over', where: [] }))
      : [],
  );
  return [...differences, ...leftOver];
}

/** How to undo it: what to detach and delete, and what was attached before. */
export function rollbackDocument(
  documents: readonly GuardrailDocument[],
  { target, attachedNow }: AttachPlan,
) {
  return {
    kind: 'GuardrailRollback',
    schemaVersion: 1,
    target,
    attachedBefore: attachedNow ?? 'not in the snapshot',
    steps: documents.flatMap(({ name, type }) => [
      `POLICY_ID=$(aws organizations list-policies --filter ${type} --query "Policies[?Name=='${name}'].Id" --output text)`,
      `aws organizations detach-policy --policy-id "$POLICY_ID" --target-id ${target}`,
      'aws organizations delete-policy --policy-id "$POLICY_ID"',
    ]),
  } as const;
}

export function attachCommands(
  documents: readonly GuardrailDocument[],
  target: string,
  folder: string,
): readonly string[] {
  return documents.flatMap(({ name, type }) => [
    `aws organizations create-policy --type ${type} --name ${name} --description "Proviso guardrail" --content file://${folder}/${name}.json`,
    `aws organizations attach-policy --policy-id POLICY_ID --target-id ${target}`,
  ]);
}
