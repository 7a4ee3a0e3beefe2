import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { type DurationMs, type EpochMs, epochMs, formatInstant, parseDuration } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { examples, formatOption, readInstant, stateOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { groupOf } from '../program.ts';
import { withState } from '../state.ts';
import { timelineLines } from '../timeline.ts';

interface Options {
  readonly state: string;
  readonly to?: EpochMs;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'clock')
    .command('advance')
    .description(
      'Move the clock of a simulated state forward. Everything due on the way happens at its own instant.',
    )
    .argument('[duration]', 'how far: 12h, 14d, 90s', readDuration)
    .option('--to <instant>', 'up to this UTC instant instead', readInstant)
    .addOption(stateOption())
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples('proviso clock advance 12h', 'proviso clock advance --to 2026-12-01T09:00:00Z'),
    )
    .action((duration: DurationMs | undefined, options: Options) => advance(duration, options, context));
}

function readDuration(text: string): DurationMs {
  const read = parseDuration(text);
  if (!read.ok) throw new InvalidArgumentError(read.error);
  return read.value;
}

async function advance(
  duration: DurationMs | undefined,
  options: Options,
  context: CommandContext,
): Promise<void> {
  if ((duration === undefined) === (options.to === undefined)) {
    throw new CliFailure(EXIT.malformed, 'say either how far or up to when', {
      remedy: 'proviso clock advance 12h, or proviso clock advance --to 2026-12-01T09:00:00Z',
    });
  }
  await withState(options.state, context, async (state) => {
    const clock = state.simulatedClock;
    if (clock === undefined)
      throw new CliFailure(EXIT.malformed, `\`${options.state}\` has the real clock, which nobody moves`, {
        remedy: 'use a state created with `--mode simulated`',
      });
    const from = clock.now();
    const to = options.to ?? epochMs(from + (duration ?? 0));
    if (to < from)
      throw new CliFailure(
        EXIT.malformed,
        `the clock stands at ${formatInstant(from)} and does not go back`,
        { remedy: 'name a later instant' },
      );
    const seen = state.events.events().length;
    const lastShown = { at: context.clock.now() };
    // An interrupted advance stands at the last instant that was played in full, and goes on from there.
    await state.world.advanceTo(clock, to, (now) => {
      showProgress(context, now, lastShown);
      return context.signal?.aborted !== true;
    });
    if (context.isErrorTerminal) context.stderr.write('\r\u001b[K');
    const news = state.events.events().slice(seen);
    if (options.format === 'json')
      return writeJson(context, {
        from: formatInstant(from),
        now: formatInstant(clock.now()),
        events: news.map((event) => ({ ...event, at: formatInstant(event.at) })),
      });
    writeLines(context, [
      ...timelineLines(news, context),
      `the clock stands at ${formatInstant(clock.now())}`,
    ]);
  });
}

const REDRAW_MS = 100;
/** Where `stderr` is a file or a pipe, a line now and then is enough. */
const LINE_MS = 5_000;

function showProgress(context: CommandContext, now: EpochMs, lastShown: { at: EpochMs }): void {
  const at = context.clock.now();
  if (at - lastShown.at < (context.isErrorTerminal ? REDRAW_MS : LINE_MS)) return;
  lastShown.at = at;
  const text = `simulated up to ${formatInstant(now)}`;
  context.stderr.write(context.isErrorTerminal ? `\r${text}\u001b[K` : `${text}\n`);
}
