import { type Command, Option } from 'commander';
import { jsonSchemaText, policyCasesJsonSchema, policyJsonSchema } from '../../policy/index.ts';
import type { CommandContext } from '../context.ts';
import { examples } from '../options.ts';
import { groupOf } from '../program.ts';

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy')
    .command('schema')
    .description(
      'Print the JSON Schema (draft 2020-12) with which an editor completes and underlines a policy. `policy validate` refuses more: what a schema cannot say.',
    )
    .addOption(new Option('--for <kind>', 'of what').choices(['policy', 'cases']).default('policy'))
    .addHelpText('after', examples('proviso policy schema > policies/policy.schema.json'))
    .action((options: { readonly for: string }) => {
      const schema = options.for === 'cases' ? policyCasesJsonSchema() : policyJsonSchema();
      context.stdout.write(jsonSchemaText(schema));
    });
}
