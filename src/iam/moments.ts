import { known, type RequestContext } from './context.ts';
import type { PolicyLayer } from './evaluate.ts';
import { parseConditionDate } from './instant.ts';

const TIME_KEYS: ReadonlySet<string> = new Set(['aws:currenttime', 'aws:epochtime']);

/**
 * The instants, in epoch milliseconds, at which what the layers say can change because of the time alone: every value that a condition
 * on `aws:CurrentTime` or `aws:EpochTime` names, and the second after it. Between two of them the answer stays the same, so a question
 * about "from then on" is answered by asking at these.
 */
export function momentsOf(layers: readonly PolicyLayer[]): readonly number[] {
  const moments = new Set<number>();
  for (const { policies } of layers)
    for (const { document } of policies)
      for (const { conditions } of document.statements)
        for (const { key, values } of conditions) {
          if (!TIME_KEYS.has(key.toLowerCase())) continue;
          for (const value of values) {
            const at = parseConditionDate(value);
            if (at === undefined) continue;
            moments.add(at);
            moments.add(at + 1000);
          }
        }
  return [...moments].sort((one, other) => one - other);
}

/** The same request at an instant: both time keys are then known. AWS gives them in whole seconds. */
export function atInstant(context: RequestContext, at: number): RequestContext {
  const seconds = Math.floor(at / 1000);
  const time = known(new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'));
  const epoch = known(String(seconds));
  return {
    lookup(key) {
      const lower = key.toLowerCase();
      return lower === 'aws:currenttime' ? time : lower === 'aws:epochtime' ? epoch : context.lookup(key);
    },
  };
}
