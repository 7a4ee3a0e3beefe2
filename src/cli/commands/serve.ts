import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { formatInstant } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { examples, stateOption } from '../options.ts';
import { note } from '../output.ts';
import { startServer } from '../server.ts';
import { withState } from '../state.ts';

/** A request can make something due sooner than was known when the wait began. */
const LONGEST_SLEEP_MS = 2_000;
const DEFAULT_PORT = 8787;

interface Options {
  readonly state: string;
  readonly port: number;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('serve')
    .description(
      'Serve the API over a state directory, on this machine alone, and do what is due, until interrupted. Every person of the people file has a token of their own in the state directory; there is no call without one, and no other address to listen on.',
    )
    .addOption(stateOption())
    .option('--port <number>', 'port on 127.0.0.1; 0 takes a free one', readPort, DEFAULT_PORT)
    .addHelpText(
      'after',
      examples(
        'proviso serve --state .proviso/',
        'proviso exception list --api http://127.0.0.1:8787 --token-file .proviso/api-tokens/lena.fischer',
      ),
    )
    .action((options: Options) => serve(options, context));
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('expected a port, 0 to 65535');
  return port;
}

async function serve(options: Options, context: CommandContext): Promise<void> {
  context.runsUntilInterrupted = true;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  context.signal?.addEventListener('abort', end);
  if (context.signal?.aborted === true) end();
  process.once('SIGTERM', end);
  await withState(options.state, context, async (state) => {
    const server = await startServer(state, options, context);
    try {
      note(context, `serving ${server.address} since ${formatInstant(state.clock.now())}; interrupt to stop`);
      note(context, `the token of each person is in ${server.tokens}, readable by its owner alone`);
      if (state.simulatedClock !== undefined)
        note(context, 'its clock is simulated and stands still while it is served');
      while (!ended.signal.aborted) {
        await server.pump();
        const due = state.world.nextDueAt() ?? Number.POSITIVE_INFINITY;
        const pause = Math.min(LONGEST_SLEEP_MS, Math.max(50, due - state.clock.now()));
        await sleep(pause, undefined, { signal: ended.signal }).catch(() => undefined);
      }
    } finally {
      // What has begun is answered first.
      await server.close();
      process.removeListener('SIGTERM', end);
    }
  });
}
