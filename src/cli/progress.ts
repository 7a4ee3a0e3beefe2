import type { CommandContext } from './context.ts';

export interface Progress {
  show(done: number, total: number): void;
  end(): void;
}

const REDRAW_MS = 100;
/** Where `stderr` is a file or a pipe, a line now and then is enough. */
const LINE_MS = 5_000;

const leftWords = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;

/**
 * Shows on `stderr` how far a long command is and how fast: one line that is drawn again on a terminal, a line every few seconds
 * elsewhere. The rate is that of the whole run.
 */
export function progressReporter({ stderr, isErrorTerminal, clock }: CommandContext): Progress {
  const started = clock.now();
  let last = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    show: (done, total) => {
      const now = clock.now();
      const isLast = done === total;
      if (!isLast && now - last < (isErrorTerminal ? REDRAW_MS : LINE_MS)) return;
      last = now;
      const seconds = (now - started) / 1000;
      const rate = seconds > 0 ? `, ${(done / seconds).toFixed(1)} a second` : '';
      const left =
        seconds > 0 && done > 0 && !isLast
          ? `, about ${leftWords(((total - done) * seconds) / done)} left`
          : '';
      const text = `read ${done} of ${total}${rate}${left}`;
      stderr.write(isErrorTerminal ? `\r${text}\u001b[K` : `${text}\n`);
      isDrawn = isErrorTerminal;
    },
    end: () => {
      if (isDrawn) stderr.write('\n');
      isDrawn = false;
    },
  };
}
