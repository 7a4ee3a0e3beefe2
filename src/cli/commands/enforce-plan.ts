import type { Command } from 'commander';
import { planEnforcement } from '../../enforcement/index.ts';
import type { CommandContext } from '../context.ts';
import { planLines } from '../enforcement-plan.ts';
import { EXIT } from '../exit-codes.ts';
import { examples, formatOption, policyOption, stateOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { loadPolicy } from '../policies.ts';
import { groupOf } from '../program.ts';
import { withState } from '../state.ts';

interface Options {
  readonly policy: string;
  readonly state: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'enforce')
    .command('plan')
    .description(
      'What `enforcement: enforce` of a policy would do today, account by account and Region by Region: what would be undone, what is foreign and would be left, what cannot be read. Writes nothing. Ends with 3 when something could not be read.',
    )
    .addOption(policyOption())
    .addOption(stateOption())
    .addOption(formatOption('text', 'json'))
    .addHelpText('after', examples('proviso enforce plan --policy policies/ --state .proviso/'))
    .action((options: Options) => plan(options, context));
}

async function plan(options: Options, context: CommandContext): Promise<void> {
  const policy = await loadPolicy(options.policy, context);
  await withState(options.state, context, async (state) => {
    const planned = await planEnforcement(state.services, policy);
    if (planned.settings.some(({ effect }) => effect === 'unreadable')) context.exitCode = EXIT.undecided;
    if (options.format === 'json') writeJson(context, planned);
    else writeLines(context, planLines(planned, context.width));
  });
}
