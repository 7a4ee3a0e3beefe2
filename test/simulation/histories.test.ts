import fc from 'fast-check';
import { expect, test } from 'vitest';
import { historyArb, nothingSeen, playHistory } from './histories.ts';

/** A short soak, the same at every run; `npm run soak` plays as many more as there is time for. */
test('no history keeps content storage on beyond its end, enables without a lease and its quorum, or closes over content', {
  timeout: 300_000,
}, async () => {
  const seed = Number(process.env['PROVISO_SEED'] ?? 4);
  const numRuns = Number(process.env['PROVISO_RUNS'] ?? 100);
  const seen = nothingSeen();
  await fc.assert(
    fc.asyncProperty(historyArb, (history) => playHistory(history, seen)),
    { seed, numRuns, endOnFailure: false },
  );
  // Histories in which nothing happens would prove nothing.
  expect(seen.on).toBeGreaterThan(numRuns / 4);
  for (const often of [seen.closed, seen.contested, seen.overdue, seen.deaths, seen.several])
    expect(often).toBeGreaterThan(0);
});
