import type { Command } from 'commander';
import { countOf } from '../../core/index.ts';
import { attachCommands, GUARDRAIL_LIMITS, rollbackDocument } from '../../guardrails/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { kindOfPath, writeTextFile } from '../files.ts';
import { type GuardrailCommandOptions, prepareGuardrails, withGuardrailOptions } from '../guardrails.ts';
import { examples } from '../options.ts';
import { writeLines } from '../output.ts';
import { groupOf } from '../program.ts';
import { printable, wrap } from '../terminal/index.ts';

type Options = GuardrailCommandOptions & { readonly out: string };

export function register(program: Command, context: CommandContext): void {
  withGuardrailOptions(
    groupOf(program, 'guardrails')
      .command('generate')
      .description(
        'Write the service and resource control policies of a policy, an attach plan with the accounts affected, a proof by the IAM evaluator on a snapshot, and a rollback file. Attaches nothing. Ends with 1 and writes nothing when the proof fails, with 3 when the snapshot does not show everything.',
      ),
  )
    .requiredOption('--out <dir>', 'a new folder for the files')
    .addHelpText(
      'after',
      examples('proviso guardrails generate --snapshot examples/organization --out dist/guardrails'),
    )
    .action((options: Options) => generate(options, context));
}

async function generate(options: Options, context: CommandContext): Promise<void> {
  const { width } = context;
  if ((await kindOfPath(options.out, context)) !== 'nothing')
    throw new CliFailure(EXIT.malformed, `\`${options.out}\` exists already`, {
      remedy: 'name a new folder: files of an older policy must not be mixed with these',
    });
  const prepared = await prepareGuardrails(options, context);
  const { documents, plan, policy } = prepared;
  const proof = prepared.prove();
  const faults = proof.lines.flatMap((line) => line.faults.map((fault) => `${line.what}: ${fault}`));
  if (faults.length > 0)
    throw new CliFailure(EXIT.findings, 'the guardrails would not do what the policy says', {
      details: faults.slice(0, 20).map(printable),
      remedy: `${countOf(faults.length, 'fault')}; nothing was written`,
    });
  for (const { name, text } of documents) await writeTextFile(`${options.out}/${name}.json`, text, context);
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  const { affected, units, unplaced, managementAccount, target } = plan;
  await writeTextFile(
    `${options.out}/attach-plan.json`,
    json({
      policyHash: policy.hash,
      target,
      units,
      affected,
      unplaced,
      managementAccount,
      commands: attachCommands(documents, plan, options.out),
    }),
    context,
  );
  await writeTextFile(`${options.out}/proof.json`, json(proof), context);
  await writeTextFile(`${options.out}/rollback.json`, json(rollbackDocument(documents, plan)), context);
  const nameOfUnit = (id: string) => units.find((unit) => unit.id === id)?.name ?? id;
  if (proof.notSeen.length > 0 || unplaced.length > 0) context.exitCode = EXIT.undecided;
  writeLines(context, [
    ...documents.map(
      ({ name, type, text }) =>
        `${name}.json  ${text.length} of ${type === 'SERVICE_CONTROL_POLICY' ? GUARDRAIL_LIMITS.scpCharacters : GUARDRAIL_LIMITS.rcpCharacters} characters`,
    ),
    '',
    ...wrap(`attached to ${target} they reach ${countOf(affected.length, 'account')}:`, width),
    ...affected.flatMap(({ id, name, state, through }) =>
      wrap(
        printable(
          `${id}  ${name}${state === 'ACTIVE' ? '' : ` (${state})`}${through.length > 1 ? `, through ${through.slice(1).map(nameOfUnit).join(', ')}` : ''}`,
        ),
        width,
        '  ',
      ),
    ),
    ...unplaced.flatMap(({ id, name }) =>
      wrap(printable(`not known whether they reach ${id} ${name}: its unit is not in the snapshot`), width),
    ),
    ...(managementAccount === undefined
      ? []
      : wrap(
          `they never reach the management account ${managementAccount.id}: keep Bedrock out of it`,
          width,
        )),
    '',
    'who can (principals of these accounts)',
    'before  after',
    ...proof.lines.flatMap(({ what, before, after }) =>
      wrap(what, width, `${String(before).padStart(6)} ${String(after).padStart(6)}  `, ' '.repeat(15)),
    ),
    ...proof.notSeen.flatMap((what) => wrap(printable(`not seen: ${what}`), width)),
    '',
    ...wrap(
      'nothing was attached. attach-plan.json has the commands, rollback.json how to undo them; try a test unit first',
      width,
    ),
  ]);
}
