import { expect, test } from 'vitest';
import { playKills } from './kills.ts';

/** A few of the deaths, of an exception that Legal holds with a vault, that `npm run soak -- --kills N` plays. */
test('INVARIANT (NOTHING_LOST): the command line killed with SIGKILL while it works: the next one goes on from disk', {
  timeout: 240_000,
}, async () => {
  const kills = await playKills(4, 14, () => undefined);
  expect(kills.kills).toBe(4);
  expect(kills.lives).toBeGreaterThan(0);
});
