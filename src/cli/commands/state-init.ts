import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { STATE_MODES, type StateMode } from '../../adapters/embedded/state-files.ts';
import { createState } from '../../compose.ts';
import { type EpochMs, formatInstant } from '../../core/index.ts';
import { parsePeople } from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { loadSnapshot } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { examples, formatOption, readInstant, stateOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { malformedDocuments } from '../policies.ts';
import { groupOf } from '../program.ts';

interface InitOptions {
  readonly state: string;
  readonly mode: StateMode;
  readonly snapshot: string;
  readonly people: string;
  readonly startsAt?: EpochMs;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'state')
    .command('init')
    .description(
      'Create a state directory: the embedded AWS of an organization, its workflows, records and people. `simulated` has a clock that only `clock advance` moves; `embedded` has the real one. The mode never changes.',
    )
    .addOption(stateOption())
    .addOption(new Option('--mode <mode>', 'clock of the state').choices(STATE_MODES).makeOptionMandatory())
    .requiredOption('--snapshot <dir>', 'the organization to start from')
    .requiredOption('--people <file>', 'who exists, and their roles')
    .option(
      '--starts-at <instant>',
      'first instant of a simulated clock (default: the snapshot’s time)',
      readInstant,
    )
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'proviso state init --mode simulated --snapshot examples/organization --people examples/people.yaml',
      ),
    )
    .action((options: InitOptions) => init(options, context));
}

async function init(options: InitOptions, context: CommandContext): Promise<void> {
  if (options.mode === 'embedded' && options.startsAt !== undefined) {
    throw new CliFailure(
      EXIT.malformed,
      '`--starts-at` is for a simulated state; an embedded one has the real clock',
      { remedy: 'leave it out' },
    );
  }
  const snapshot = await loadSnapshot(options.snapshot, context);
  const people = parsePeople(await readTextFile(options.people, context), options.people);
  if (!people.ok)
    throw malformedDocuments(people.error, `\`${options.people}\` is not a people file that can be used`);
  const startsAt = options.mode === 'embedded' ? context.clock.now() : (options.startsAt ?? snapshot.takenAt);
  const created = await createState({
    directory: resolve(context.cwd, options.state),
    mode: options.mode,
    snapshot,
    peopleFile: resolve(context.cwd, options.people),
    startsAt,
  });
  if (!created.ok) {
    const { code, message, remedy } = created.error;
    throw new CliFailure(
      code === 'unwritable' ? EXIT.fault : EXIT.malformed,
      message.replace(resolve(context.cwd, options.state), options.state),
      { remedy },
    );
  }
  if (options.format === 'json') {
    writeJson(context, {
      state: options.state,
      mode: options.mode,
      now: formatInstant(startsAt),
      accounts: snapshot.organization.accounts.length,
      people: people.value.length,
    });
    return;
  }
  writeLines(context, [
    `${options.state} is ready: ${options.mode}, ${snapshot.organization.accounts.length} accounts, ${people.value.length} people`,
    `its clock stands at ${formatInstant(startsAt)}`,
    ...(existsSync(resolve(context.cwd, 'policies'))
      ? ['next: proviso policy adopt --as ID']
      : ['next: proviso policy adopt --policy FILE --as ID']),
  ]);
}
