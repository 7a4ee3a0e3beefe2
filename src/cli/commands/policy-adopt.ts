import type { Command } from 'commander';
import type { PrincipalId } from '../../core/index.ts';
import { adoptPolicy, planEnforcement } from '../../enforcement/index.ts';
import type { CommandContext } from '../context.ts';
import { confirmedHash, planLines } from '../enforcement-plan.ts';
import { readTextFile } from '../files.ts';
import { examples, formatOption, policyOption, stateOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { loadPolicy } from '../policies.ts';
import { groupOf } from '../program.ts';
import { asOption, refused, withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly state: string;
  readonly as: PrincipalId;
  readonly confirmPlan?: string;
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
    .addOption(asOption())
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
      ),
    )
    .action((options: Options) => adopt(options, context));
}

async function adopt(options: Options, context: CommandContext): Promise<void> {
  const policy = await loadPolicy(options.policy, context);
  const text = await readTextFile(policy.file, context);
  await withState(options.state, context, async (state) => {
    const plan = await planEnforcement(state.services, policy);
    const confirmed = confirmedHash(options.confirmPlan, plan.hash);
    const adopted = await adoptPolicy(state.services, policy, text, options.as, confirmed);
    await state.world.pump();
    if (!adopted.ok) {
      if (adopted.error.code === 'PLAN_NOT_CONFIRMED' && options.format === 'text')
        writeLines(context, [...planLines(plan, context.width), '']);
      return refused(context, adopted.error);
    }
    const { isNew, rejudged } = adopted.value;
    const { id, version } = policy.policy.metadata;
    if (options.format === 'json')
      return writeJson(context, { policy: id, version, hash: policy.hash, isNew, rejudged });
    writeLines(context, [
      isNew
        ? `${id} ${version} is in force (${policy.hash.slice(0, 12)})`
        : `${id} ${version} was in force already; nothing changed`,
      ...rejudged.flatMap((result) =>
        wrap(printable(`${result.id}  ${result.effect}: ${result.says}`), context.width, '  ', '      '),
      ),
    ]);
  });
}
