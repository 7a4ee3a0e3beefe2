import type { Command } from 'commander';
import type { Adopted } from '../../api/index.ts';
import { adoptPolicy, enforcesAnywhere, planEnforcement } from '../../enforcement/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import type { CommandContext } from '../context.ts';
import { apiOption, type DeskOptions, isRemote, requireActor, tokenFileOption, withDesk } from '../desk.ts';
import { confirmedHash, planLines } from '../enforcement-plan.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { examples, formatOption, policyOption, stateOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { loadPolicy } from '../policies.ts';
import { groupOf } from '../program.ts';
import { actorOption, refused, withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends DeskOptions {
  readonly policy: string;
  readonly confirmPlan?: string;
  readonly signers?: string;
  readonly approvals?: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy')
    .command('adopt')
    .description(
      'Put a policy in force in a state. What is pending or active is judged again by its standing conditions: still admitted, it stands; a pending exception also collects new approvals; an active one that the policy refuses is switched off at once.',
    )
    .addOption(policyOption())
    .addOption(stateOption())
    .addOption(actorOption())
    .addOption(apiOption())
    .addOption(tokenFileOption())
    .option(
      '--signers <file>',
      'with --api: who may approve a loosening from now on; a change of it needs those of before',
    )
    .option(
      '--approvals <file>',
      'with --api: the record of `proviso policy review approve-change`; a loosening needs every reviewer',
    )
    .option(
      '--confirm-plan <hash>',
      'for a policy that enforces: the plan that you have read (`proviso enforce plan` shows it; 16 characters are enough)',
    )
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'proviso policy adopt --as anna',
        'proviso policy adopt --policy policies/prompt-storage.yaml --state .proviso/ --as anna',
        'proviso policy adopt --api https://….execute-api.eu-central-1.amazonaws.com --approvals policy-approvals.json',
      ),
    )
    .action((options: Options) => adopt(options, context));
}

async function adopt(options: Options, context: CommandContext): Promise<void> {
  const policy = await loadPolicy(options.policy, context);
  const text = await readTextFile(policy.file, context);
  if (isRemote(options, context)) return adoptThere(policy, text, options, context);
  const { as } = options;
  if (as === undefined || options.signers !== undefined || options.approvals !== undefined) {
    requireActor(options, context);
    throw new CliFailure(EXIT.malformed, '`--signers` and `--approvals` are for an API', {
      remedy:
        'leave them out: whoever holds a state directory puts its policy in force; or name the API with `--api`',
    });
  }
  await withState(options.state, context, async (state) => {
    const plan = await planEnforcement(state.services, policy);
    const confirmed = confirmedHash(options.confirmPlan, plan.hash);
    const adopted = await adoptPolicy(state.services, policy, text, as, confirmed);
    await state.world.pump();
    if (!adopted.ok) {
      if (adopted.error.code === 'PLAN_NOT_CONFIRMED' && options.format === 'text')
        writeLines(context, [...planLines(plan, context.width), '']);
      return refused(context, adopted.error);
    }
    tell(policy, adopted.value, options, context);
  });
}

/** The deployment decides, by the gate of `PUT /policy`, and says what `enforce` would do there. */
async function adoptThere(
  policy: LoadedPolicy,
  text: string,
  options: Options,
  context: CommandContext,
): Promise<void> {
  const { signers, approvals, confirmPlan } = options;
  const body = {
    name: policy.file,
    text,
    ...(signers === undefined
      ? {}
      : { signers: { name: signers, text: await readTextFile(signers, context) } }),
    ...(approvals === undefined ? {} : { approvals: await readTextFile(approvals, context) }),
  };
  await withDesk(options, context, async (desk) => {
    const { name } = body;
    const planned = enforcesAnywhere(policy)
      ? await desk.call('planEnforcement', { params: {}, body: { name, text } })
      : undefined;
    if (planned?.ok === false) return refused(context, planned.error);
    const plan = planned?.value;
    const confirmed = plan === undefined ? undefined : confirmedHash(confirmPlan, plan.hash);
    const adopted = await desk.call('adoptPolicy', {
      params: {},
      body: { ...body, ...(confirmed === undefined ? {} : { confirmedPlan: confirmed }) },
    });
    if (!adopted.ok) {
      if (plan !== undefined && adopted.error.code === 'PLAN_NOT_CONFIRMED' && options.format === 'text')
        writeLines(context, [...planLines(plan, context.width), '']);
      return refused(context, adopted.error);
    }
    tell(policy, adopted.value, options, context);
  });
}

function tell(
  policy: LoadedPolicy,
  { isNew, rejudged }: Pick<Adopted, 'isNew' | 'rejudged'>,
  options: Options,
  context: CommandContext,
): void {
  const { id, version } = policy.policy.metadata;
  if (options.format === 'json') {
    writeJson(context, { policy: id, version, hash: policy.hash, isNew, rejudged });
    return;
  }
  writeLines(context, [
    isNew
      ? `${id} ${version} is in force (${policy.hash.slice(0, 12)})`
      : `${id} ${version} was in force already; nothing changed`,
    ...rejudged.flatMap((result) =>
      wrap(printable(`${result.id}  ${result.effect}: ${result.says}`), context.width, '  ', '      '),
    ),
  ]);
}
