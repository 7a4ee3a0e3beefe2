import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { apiOption, type DeskOptions, tokenFileOption, withDesk } from '../desk.ts';
import { planLines } from '../enforcement-plan.ts';
import { EXIT } from '../exit-codes.ts';
import { readTextFile } from '../files.ts';
import { examples, formatOption, policyOption, stateOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { loadPolicy } from '../policies.ts';
import { groupOf } from '../program.ts';
import { refused } from '../state.ts';

interface Options extends DeskOptions {
  readonly policy: string;
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
    .addOption(apiOption())
    .addOption(tokenFileOption())
    .addOption(formatOption('text', 'json'))
    .addHelpText('after', examples('proviso enforce plan --policy policies/ --state .proviso/'))
    .action((options: Options) => plan(options, context));
}

async function plan(options: Options, context: CommandContext): Promise<void> {
  const { file } = await loadPolicy(options.policy, context);
  const body = { name: file, text: await readTextFile(file, context) };
  await withDesk(options, context, async (desk) => {
    const planned = await desk.call('planEnforcement', { params: {}, body });
    if (!planned.ok) return refused(context, planned.error);
    if (planned.value.settings.some(({ effect }) => effect === 'unreadable'))
      context.exitCode = EXIT.undecided;
    if (options.format === 'json') writeJson(context, planned.value);
    else writeLines(context, planLines(planned.value, context.width));
  });
}
