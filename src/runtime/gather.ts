import { setImmediate } from 'node:timers';

export type Settled<R> =
  | { readonly ok: true; readonly value: R }
  | { readonly ok: false; readonly error: unknown };

export function settle<R>(act: () => R): Settled<R> {
  try {
    return { ok: true, value: act() };
  } catch (error) {
    return { ok: false, error };
  }
}

/**
 * Group commit: what is asked for in one turn of the event loop is done by one call of `act`, so that many share one sync to disk.
 * Nobody's promise is kept before `act` has returned.
 *
 * @param act - as many outcomes as items, in their order, at once or later; throwing fails them all
 */
export function gather<T, R>(
  act: (items: readonly T[]) => readonly Settled<R>[] | Promise<readonly Settled<R>[]>,
): (item: T) => Promise<R> {
  interface Waiting {
    readonly item: T;
    readonly done: (outcome: Settled<R>) => void;
  }
  let waiting: Waiting[] = [];
  const tell = (batch: readonly Waiting[], outcomes: Settled<readonly Settled<R>[]>): void => {
    for (const [index, { done }] of batch.entries()) {
      const outcome = outcomes.ok ? outcomes.value[index] : outcomes;
      done(outcome ?? { ok: false, error: new Error('a commit has no outcome') });
    }
  };
  const flush = (): void => {
    const batch = waiting;
    waiting = [];
    const acted = settle(() => act(batch.map(({ item }) => item)));
    if (!acted.ok) tell(batch, acted);
    else if (acted.value instanceof Promise)
      acted.value.then(
        (value) => tell(batch, { ok: true, value }),
        (error: unknown) => tell(batch, { ok: false, error }),
      );
    else tell(batch, { ok: true, value: acted.value });
  };
  return (item) =>
    new Promise<R>((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush);
      const done = (outcome: Settled<R>): void => {
        if (outcome.ok) resolve(outcome.value);
        else reject(outcome.error);
      };
      waiting.push({ item, done });
    });
}
