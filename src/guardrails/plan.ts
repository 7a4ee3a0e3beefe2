import type {
  MemberAccount,
  Organization,
  OrganizationalUnit,
  PolicyAttachment,
  ServiceControlPolicy,
} from '../evidence/index.ts';
import { unitPath } from '../iam/index.ts';
import { GUARDRAIL_LIMITS, type GuardrailDocument, type GuardrailType, isSameDocument } from './documents.ts';

/** An account below the target, and by which way. */
export interface AffectedAccount {
  readonly id: MemberAccount['id'];
  readonly name: string;
  readonly state: MemberAccount['state'];
  /** Ids from the target down to the unit that holds the account; empty: the target is the account. */
  readonly through: readonly string[];
}

export interface AttachPlan {
  /** Root, unit or account id. */
  readonly target: string;
  /** Units below the target, however deep, in the snapshot's order. */
  readonly units: readonly OrganizationalUnit[];
  readonly affected: readonly AffectedAccount[];
  /** Accounts whose unit, or a unit above it, is not in the snapshot: nobody knows whether they lie below the target. */
  readonly unplaced: readonly MemberAccount[];
  /** No service or resource control policy reaches it: keep Bedrock out of it. */
  readonly managementAccount: MemberAccount | undefined;
  /** Policies at the target now, by the snapshot; undefined where it does not show them. */
  readonly attachedNow: Readonly<Record<GuardrailType, number | undefined>>;
  /** What is in the organization already by the name of a document: it is updated, not made again. */
  readonly existing: readonly ExistingDocument[];
  readonly problems: readonly string[];
}

export interface ExistingDocument {
  readonly name: string;
  readonly id: string;
  /** Its text before. */
  readonly text: string;
  readonly isAttachedToTarget: boolean;
}

const POLICY_WORDS = {
  SERVICE_CONTROL_POLICY: 'service control policies',
  RESOURCE_CONTROL_POLICY: 'resource control policies',
} as const satisfies Record<GuardrailType, string>;

/** Where the documents would go, whom they reach, and whether they fit beside what is there. */
export function attachPlan(
  organization: Organization,
  documents: readonly GuardrailDocument[],
  target: string,
): AttachPlan {
  const { accounts, managementAccountId, units } = organization;
  /** From the target down to `unit`; empty: it does not lie below; undefined: the way to the root is not in the snapshot. */
  const ways = new Map<string, readonly string[] | undefined>();
  const wayTo = (unit: string): readonly string[] | undefined => {
    if (ways.has(unit)) return ways.get(unit);
    const path = unitPath(organization, unit);
    const from = path?.indexOf(target) ?? -1;
    const way = from < 0 ? (path === undefined ? undefined : []) : path?.slice(from);
    ways.set(unit, way);
    return way;
  };
  const affected: AffectedAccount[] = [];
  const unplaced: MemberAccount[] = [];
  let managementAccount: MemberAccount | undefined;
  for (const account of accounts) {
    const way = account.id === target ? [] : wayTo(account.parentId);
    if (way === undefined) unplaced.push(account);
    else if (account.id === target || way.length > 0) {
      if (account.id === managementAccountId) managementAccount = account;
      else affected.push({ id: account.id, name: account.name, state: account.state, through: way });
    }
  }
  const isKnown = units.some(({ id }) => id === target) || accounts.some(({ id }) => id === target);
  const places = readGuardrails(organization);
  const existing = documents.flatMap(({ name, type }): readonly ExistingDocument[] => {
    const found = places[type]?.policies.find((policy) => policy.name === name);
    if (found === undefined) return [];
    const isAttachedToTarget = idsAt(places[type], target).includes(found.id);
    return [{ name, id: found.id, text: found.document, isAttachedToTarget }];
  });
  const attachedNow = {
    SERVICE_CONTROL_POLICY: countAt(places.SERVICE_CONTROL_POLICY, target),
    RESOURCE_CONTROL_POLICY: countAt(places.RESOURCE_CONTROL_POLICY, target),
  };
  const crowded = GUARDRAIL_TYPES.flatMap((type) => {
    const now = attachedNow[type];
    const isThere = new Set(existing.flatMap((each) => (each.isAttachedToTarget ? [each.name] : [])));
    const added = documents.filter((each) => each.type === type && !isThere.has(each.name)).length;
    if (now === undefined || now + added <= GUARDRAIL_LIMITS.attached) return [];
    return [
      `${now} ${POLICY_WORDS[type]} are attached to ${target} and ${added} would be added; every organization takes ${GUARDRAIL_LIMITS.attached}`,
    ];
  });
  return {
    target,
    units: units.filter(({ id }) => id !== target && (wayTo(id)?.length ?? 0) > 0),
    affected,
    unplaced,
    managementAccount,
    attachedNow,
    existing,
    problems: [
      ...(isKnown ? [] : [`\`${target}\` is no root, unit or account of the snapshot`]),
      ...(target === managementAccountId
        ? ['the target is the management account, which no control policy reaches']
        : []),
      ...crowded,
    ],
  };
}

const GUARDRAIL_TYPES = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY'] as const;

interface ReadGuardrails {
  readonly policies: readonly ServiceControlPolicy[];
  readonly attachments: readonly PolicyAttachment[];
}

/** The policies of each type and where they are, as far as the snapshot shows both. */
function readGuardrails(organization: Organization): Record<GuardrailType, ReadGuardrails | undefined> {
  const read = (
    policies: Organization['serviceControlPolicies'] | undefined,
    attachments: Organization['attachments'] | undefined,
  ): ReadGuardrails | undefined =>
    policies?.kind === 'observed' && attachments?.kind === 'observed'
      ? { policies: policies.value, attachments: attachments.value }
      : undefined;
  return {
    SERVICE_CONTROL_POLICY: read(organization.serviceControlPolicies, organization.attachments),
    RESOURCE_CONTROL_POLICY: read(
      organization.resourceControlPolicies,
      organization.resourceControlAttachments,
    ),
  };
}

const idsAt = (read: ReadGuardrails | undefined, target: string): readonly string[] =>
  read?.attachments.find(({ targetId }) => targetId === target)?.policyIds ?? [];

const countAt = (read: ReadGuardrails | undefined, target: string): number | undefined =>
  read?.attachments.find(({ targetId }) => targetId === target)?.policyIds.length;

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
  const read = readGuardrails(organization);
  const differences = documents.map(({ name, type, text }): GuardrailDifference => {
    const places = read[type];
    if (places === undefined) return { name, state: 'not-seen', where: [] };
    const found = places.policies.find((policy) => policy.name === name);
    if (found === undefined) return { name, state: 'missing', where: [] };
    const where = places.attachments.flatMap(({ targetId, policyIds }) =>
      policyIds.includes(found.id) ? [targetId] : [],
    );
    if (!isSameDocument(found.document, text)) return { name, state: 'other-text', where };
    if (where.length === 0) return { name, state: 'not-attached', where };
    return { name, state: where.includes(target) ? 'same' : 'attached-elsewhere', where };
  });
  const wanted = new Set(documents.map(({ name }) => name));
  const leftOver = GUARDRAIL_TYPES.flatMap((type) =>
    (read[type]?.policies ?? [])
      .filter(({ name }) => /^proviso-(scp|rcp)(-[0-9]+)?$/.test(name) && !wanted.has(name))
      .map(({ name }): GuardrailDifference => ({ name, state: 'left-over', where: [] })),
  );
  return [...differences, ...leftOver];
}

/** How to undo it: what to detach and delete, what to put back, and what was attached before. */
export function rollbackDocument(
  documents: readonly GuardrailDocument[],
  { target, attachedNow, existing }: AttachPlan,
) {
  const before = new Map(existing.map((each) => [each.name, each]));
  return {
    kind: 'GuardrailRollback',
    schemaVersion: 1,
    target,
    attachedBefore: {
      serviceControlPolicies: attachedNow.SERVICE_CONTROL_POLICY ?? 'not in the snapshot',
      resourceControlPolicies: attachedNow.RESOURCE_CONTROL_POLICY ?? 'not in the snapshot',
    },
    /** Texts that the steps put back; save each as `before-NAME.json`. */
    before: Object.fromEntries(existing.map(({ name, text }) => [name, text])),
    steps: documents.flatMap(({ name, type }) => {
      const there = before.get(name);
      if (there === undefined)
        return [
          `POLICY_ID=$(aws organizations list-policies --filter ${type} --query "Policies[?Name=='${name}'].Id" --output text)`,
          `aws organizations detach-policy --policy-id "$POLICY_ID" --target-id ${target}`,
          'aws organizations delete-policy --policy-id "$POLICY_ID"',
        ];
      return [
        ...(there.isAttachedToTarget
          ? []
          : [`aws organizations detach-policy --policy-id ${there.id} --target-id ${target}`]),
        `aws organizations update-policy --policy-id ${there.id} --content file://before-${name}.json`,
      ];
    }),
  } as const;
}

export function attachCommands(
  documents: readonly GuardrailDocument[],
  { target, existing }: AttachPlan,
  folder: string,
): readonly string[] {
  const before = new Map(existing.map((each) => [each.name, each]));
  return documents.flatMap(({ name, type }) => {
    const there = before.get(name);
    const content = `--content file://${folder}/${name}.json`;
    if (there === undefined)
      return [
        `aws organizations create-policy --type ${type} --name ${name} --description "Proviso guardrail" ${content}`,
        `aws organizations attach-policy --policy-id POLICY_ID --target-id ${target}`,
      ];
    return [
      `aws organizations update-policy --policy-id ${there.id} ${content}`,
      ...(there.isAttachedToTarget
        ? []
        : [`aws organizations attach-policy --policy-id ${there.id} --target-id ${target}`]),
    ];
  });
}
