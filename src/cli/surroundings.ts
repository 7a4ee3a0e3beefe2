import type { SurroundingsReader } from '../api/index.ts';
import type { OpenState } from '../compose.ts';
import { err, ok } from '../core/index.ts';
import { collectSnapshot } from '../evidence/index.ts';

/** Of a state everything is at hand: the whole organization is read, so that ways in from other accounts are decided too. */
export const stateSurroundings = (
  { services }: Pick<OpenState, 'services'>,
  signal?: AbortSignal,
): SurroundingsReader => ({
  async of() {
    const { policy } = await services.policyInForce.current();
    const collected = await collectSnapshot(services.evidence, {
      regions: policy.storage.scope.regions,
      takenAt: services.clock.now(),
      signal,
    });
    return collected.ok ? ok(collected.value) : err(collected.error.message);
  },
});
