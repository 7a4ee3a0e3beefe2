import { type Command, InvalidArgumentError } from 'commander';
import type { Snapshot } from '../evidence/index.ts';
import {
  type AttachPlan,
  attachPlan,
  type GuardrailDocument,
  type GuardrailOptions,
  guardrailDocuments,
  type Proof,
  prove,
} from '../guardrails/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import type { CommandContext } from './context.ts';
import { loadSnapshot } from './estate.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { policyOption, snapshotOption } from './options.ts';
import { loadPolicy } from './policies.ts';

export interface GuardrailCommandOptions {
  readonly policy: string;
  readonly snapshot?: string;
  readonly target?: string;
  readonly deployer?: readonly string[];
  readonly provisioner?: readonly string[];
  readonly contentBuckets: string;
  readonly contentLogGroups: string;
}

/** What both commands are told. */
export const withGuardrailOptions = (command: Command): Command =>
  command
    .addOption(policyOption())
    .addOption(snapshotOption())
    .option('--target <id>', 'root, unit or account to attach to (default: the root)')
    .option(
      '--deployer <arn>',
      'ARN pattern of a role that deploys destinations; may be repeated',
      readPattern,
    )
    .option(
      '--provisioner <arn>',
      'ARN pattern of a role, beside that of StackSets, that makes the roles trusted by name; may be repeated',
      readPattern,
    )
    .option('--content-buckets <pattern>', 'as in the member template', 'proviso-content-*')
    .option('--content-log-groups <name>', 'as in the member template', '/proviso/content');

function readPattern(text: string, before: readonly string[] | undefined): readonly string[] {
  if (!/^arn:[a-z*-]+:iam::[0-9*]+:(role|user)\/.+$/.test(text))
    throw new InvalidArgumentError('expected an IAM role or user ARN; `*` and `?` are allowed');
  return [...(before ?? []), text];
}

export interface PreparedGuardrails {
  readonly policy: LoadedPolicy;
  readonly snapshot: Snapshot;
  readonly documents: readonly GuardrailDocument[];
  readonly plan: AttachPlan;
  prove(): Proof;
}

/** @throws {CliFailure} with the numbers when something does not fit; nothing is written then */
export async function prepareGuardrails(
  options: GuardrailCommandOptions,
  context: CommandContext,
): Promise<PreparedGuardrails> {
  if (options.snapshot === undefined)
    throw new CliFailure(EXIT.malformed, 'no snapshot was given', {
      remedy:
        'name one with `--snapshot DIR`: guardrails are proven on an organization before anybody attaches them',
    });
  const policy = await loadPolicy(options.policy, context);
  const snapshot = await loadSnapshot(options.snapshot, context);
  const { organization } = snapshot;
  const root = organization.units.find(({ parentId }) => parentId === undefined)?.id ?? '';
  const target = options.target ?? root;
  const given: GuardrailOptions = {
    deployers: options.deployer ?? [],
    provisioners: options.provisioner ?? [],
    organizationId: organization.id,
    contentBuckets: options.contentBuckets,
    contentLogGroups: options.contentLogGroups,
  };
  const documents = guardrailDocuments(policy, given);
  const plan = attachPlan(organization, documents.ok ? documents.value : [], target);
  const problems = [...(documents.ok ? [] : documents.error), ...plan.problems];
  if (!documents.ok || problems.length > 0)
    throw new CliFailure(EXIT.findings, 'the guardrails do not fit', {
      details: problems,
      remedy: 'nothing was written; name fewer or shorter patterns, or attach to another target',
    });
  const accounts = new Set(plan.affected.map(({ id }) => String(id)));
  return {
    policy,
    snapshot,
    documents: documents.value,
    plan,
    prove: () => prove(snapshot, documents.value, policy, given, target, accounts),
  };
}
