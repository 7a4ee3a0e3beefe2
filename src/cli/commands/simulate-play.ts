import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { createState, type OpenState, openState } from '../../compose.ts';
import { formatInstant, parseInstant } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { loadSnapshot } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { examples, formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { malformedDocuments } from '../policies.ts';
import { groupOf } from '../program.ts';
import { parseScenario, type Scenario } from '../scenario.ts';
import { describe, Player } from '../simulate.ts';
import { printable, wrap } from '../terminal/index.ts';
import { saysOf, timelineLines } from '../timeline.ts';

interface Options {
  readonly state?: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'simulate')
    .command('play')
    .description(
      'Play a scenario file of events and faults and print the timeline. Without --state it plays in a state of its own, gone afterwards. Exit code 1 when an expectation fails.',
    )
    .argument('<file>', 'the scenario')
    .option('--state <dir>', 'keep the state in this new directory')
    .addOption(formatOption('text', 'json'))
    .addHelpText('after', examples('proviso simulate play examples/scenarios/stopped-workflow.yaml'))
    .action((file: string, options: Options) => play(file, options, context));
}

async function play(file: string, options: Options, context: CommandContext): Promise<void> {
  const parsed = parseScenario(await readTextFile(file, context), file);
  if (!parsed.ok) throw malformedDocuments(parsed.error, `\`${file}\` is not a scenario that can be played`);
  const scenario = parsed.value;
  const temporary = options.state === undefined ? mkdtempSync(join(tmpdir(), 'proviso-')) : undefined;
  const directory =
    options.state === undefined ? join(temporary ?? '', 'state') : resolve(context.cwd, options.state);
  try {
    const state = await stateFor(scenario, file, directory, context);
    try {
      await playSteps(scenario, file, state, options, context);
    } finally {
      state.close();
    }
  } finally {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  }
}

async function stateFor(
  scenario: Scenario,
  file: string,
  directory: string,
  context: CommandContext,
): Promise<OpenState> {
  const base = dirname(resolve(context.cwd, file));
  const snapshot = await loadSnapshot(resolve(base, scenario.organization), context);
  const startsAt = scenario.startsAt === undefined ? undefined : parseInstant(scenario.startsAt);
  const created = await createState({
    directory,
    mode: 'simulated',
    snapshot,
    peopleFile: resolve(base, scenario.people),
    startsAt: startsAt?.ok ? startsAt.value : snapshot.takenAt,
  });
  if (!created.ok)
    throw new CliFailure(EXIT.malformed, created.error.message, { remedy: created.error.remedy });
  const opened = openState(directory);
  if (!opened.ok) throw new CliFailure(EXIT.fault, opened.error.message, { remedy: opened.error.remedy });
  return opened.value;
}

async function playSteps(
  scenario: Scenario,
  file: string,
  state: OpenState,
  options: Options,
  context: CommandContext,
): Promise<void> {
  const player = new Player(state, context, file);
  const unmet: string[] = [];
  for (const [index, step] of scenario.steps.entries()) {
    const played = await player.play(step);
    if (played.kind === 'unmet') unmet.push(`step ${index + 1} (${describe(step)}): ${played.says}`);
  }
  if (unmet.length > 0) context.exitCode = EXIT.findings;
  const events = state.events.events();
  if (options.format === 'json') {
    return writeJson(context, {
      now: formatInstant(state.clock.now()),
      unmet,
      events: events.map((event) => ({ ...event, at: formatInstant(event.at), says: saysOf(event) })),
    });
  }
  writeLines(context, [
    ...wrap(printable(scenario.description), context.width),
    '',
    ...timelineLines(events, context),
    '',
    ...(unmet.length === 0
      ? ['every expectation was met']
      : unmet.flatMap((says) => wrap(printable(`NOT MET: ${says}`), context.width, '', '  '))),
  ]);
}
