import { type Command, Option } from 'commander';
import { requestJsonSchema } from '../../exceptions/index.ts';
import { jsonSchemaText, policyCasesJsonSchema, policyJsonSchema } from '../../policy/index.ts';
import type { CommandContext } from '../context.ts';
import { examples } from '../options.ts';
import { groupOf } from '../program.ts';

const SCHEMAS = {
  policy: policyJsonSchema,
  cases: policyCasesJsonSchema,
  request: requestJsonSchema,
} as const;

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy')
    .command('schema')
    .description(
      'Print the JSON Schema (draft 2020-12) with which an editor completes and underlines a policy, its cases, or a request for an exception. `policy validate` and `exception request` refuse more: what a schema cannot say.',
    )
    .addOption(
      new Option('--for <kind>', 'of what').choices(['policy', 'cases', 'request']).default('policy'),
    )
    .addHelpText('after', examples('proviso policy schema > policies/policy.schema.json'))
    .action((options: { readonly for: keyof typeof SCHEMAS }) => {
      const schema = SCHEMAS[options.for]();
      context.stdout.write(jsonSchemaText(schema));
    });
}
