import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { requireActor, withDesk } from '../desk.ts';
import { type ActingOptions, exceptionCommand, readRequest } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { writeJson, writeLines } from '../output.ts';
import { actorOption, policyCountedOn, refused } from '../state.ts';
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
    .addOption(actorOption())
    .option(
      '--policy <file|dir>',
      'the policy this request counts on; refused if it is not the one in force (default: policies/, if it is there)',
    )
    .action((file: string, options: Options) => request(file, options, context));
}

async function request(file: string, options: Options, context: CommandContext): Promise<void> {
  requireActor(options, context);
  const asked = await readRequest(file, context);
  await withDesk(options, context, async (desk) => {
    const policy = await policyCountedOn(options.policy, context);
    const submitted = await desk.call('requestException', {
      params: {},
      body: {
        ...(policy === undefined ? {} : { policy }),
        request: asked,
      },
    });
    if (!submitted.ok) {
      if (submitted.error.code === 'POLICY_NOT_IN_FORCE')
        throw new CliFailure(EXIT.findings, submitted.error.message, {
          remedy: `adopt it first (proviso policy adopt --policy ${policy?.name} --as ID), or name the one in force`,
        });
      if (options.format === 'json') writeJson(context, { result: 'refused', ...submitted.error });
      return refused(context, submitted.error);
    }
    const { exception: record, conditions } = submitted.value;
    if (options.format === 'json')
      return writeJson(context, { result: 'submitted', exception: record, conditions });
    writeLines(context, [
      `${record.id} is submitted; ${conditions.length} conditions of the policy are met:`,
      ...conditions.flatMap(({ clause, says }) =>
        wrap(printable(`${clause}: ${says}`), context.width, '  met  ', '       '),
      ),
      '',
      ...wrap(
        `next: each of ${record.requiredRoles.join(', ')} reads \`proviso exception sheet ${record.id}\` and approves`,
        context.width,
      ),
    ]);
  });
}
