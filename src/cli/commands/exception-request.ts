import type { Command } from 'commander';
import { requestException } from '../../enforcement/index.ts';
import { parseRequest } from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { type ActingOptions, exceptionCommand, exceptionJson, recordOf } from '../exceptions.ts';
import { readTextFile } from '../files.ts';
import { writeJson, writeLines } from '../output.ts';
import { malformedDocuments } from '../policies.ts';
import { asOption, policyInForce, refused, withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends ActingOptions {
  readonly policy?: string;
}

export function register(program: Command, context: CommandContext): void {
  exceptionCommand(
    program,
    'request',
    'Ask for an exception. Every condition of the policy is judged now; a refused request is recorded and changes nothing else.',
    'proviso exception request examples/requests/incident.yaml --as sam.okafor',
  )
    .argument('<file>', 'the request')
    .addOption(asOption())
    .option(
      '--policy <file|dir>',
      'the policy this request counts on; refused if it is not the one in force (default: policies/, if it is there)',
    )
    .action((file: string, options: Options) => request(file, options, context));
}

async function request(file: string, options: Options, context: CommandContext): Promise<void> {
  const parsed = parseRequest(await readTextFile(file, context), file);
  if (!parsed.ok) throw malformedDocuments(parsed.error, `\`${file}\` is not a request that can be judged`);
  await withState(options.state, context, async (state) => {
    const { services } = state;
    const policy = await policyInForce(state, options.policy, options.as, context);
    const submitted = await requestException(services, parsed.value, options.as, policy);
    if (!submitted.ok) {
      if (options.format === 'json') writeJson(context, { result: 'refused', ...submitted.error });
      return refused(context, submitted.error);
    }
    const { id } = submitted.value.record;
    await state.world.pump();
    const record = await recordOf(state, id);
    if (options.format === 'json')
      return writeJson(context, {
        result: 'submitted',
        exception: await exceptionJson(state, record),
        conditions: submitted.value.judgement.conditions,
      });
    writeLines(context, [
      `${id} is submitted; ${submitted.value.judgement.conditions.length} conditions of the policy are met:`,
      ...submitted.value.judgement.conditions.flatMap(({ clause, says }) =>
        wrap(printable(`${clause}: ${says}`), context.width, '  met  ', '       '),
      ),
      '',
      ...wrap(
        `next: each of ${record.requiredRoles.join(', ')} reads \`proviso exception sheet ${id}\` and approves`,
        context.width,
      ),
    ]);
  });
}
