import type { Command } from 'commander';
import { explainPolicy } from '../../policy/index.ts';
import type { CommandContext } from '../context.ts';
import { examples, policyOption } from '../options.ts';
import { loadPolicy } from '../policies.ts';
import { groupOf } from '../program.ts';
import { printable } from '../terminal/index.ts';

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy')
    .command('explain')
    .description(
      'Say a policy in plain sentences: what is stored, what each control asks, who must approve an exception and how long it may last.',
    )
    .argument('[file|dir]', 'instead of --policy')
    .addOption(policyOption())
    .addHelpText('after', examples('proviso policy explain'))
    .action(async (path: string | undefined, options: { readonly policy: string }) => {
      const text = explainPolicy(await loadPolicy(path ?? options.policy, context));
      context.stdout.write(`${text.trimEnd().split('\n').map(printable).join('\n')}\n`);
    });
}
