import { type Clock, type EpochMs, epochMs } from '../../core/index.ts';
import type { Observation, RegionEvidence } from '../../evidence/index.ts';
import { EarlierCallFailed, MalformedAnswer, observe } from './observe.ts';

/**
 * Reads a section of one account and Region.
 *
 * A service that is not offered in a Region has no host name there. That the name does not exist is positive evidence only while names
 * resolve at all: Bedrock itself must have answered for the same account and Region. Then, and only then, the answer is `absent`.
 * That every service without an endpoint in a Region answers with NXDOMAIN is taken so. [unverified: closed-regions]
 */
export async function regional<T>(
  clock: Clock,
  call: string,
  place: RegionEvidence,
  read: () => Promise<T | undefined>,
): Promise<Observation<T>> {
  const { accountId, region } = place;
  return observe(clock, { call, accountId, region }, async () => {
    try {
      return await read();
    } catch (error) {
      if (isUnknownHost(error) && place.invocationLogging.kind !== 'unobservable') return undefined;
      throw error;
    }
  });
}

/** The name does not exist. A name server that did not answer (`EAI_AGAIN`) is no evidence. */
function isUnknownHost(error: unknown): boolean {
  if (error instanceof EarlierCallFailed || !(error instanceof Error)) return false;
  // `fetch` wraps what went wrong.
  const cause = error.cause instanceof Error ? error.cause : error;
  return 'code' in cause && cause.code === 'ENOTFOUND';
}

/** A time of AWS's. @throws MalformedAnswer when it is none */
export function instantOf(value: unknown, field: string): EpochMs {
  if (!(value instanceof Date) || Number.isNaN(value.getTime()))
    throw new MalformedAnswer(`${field} is not a time`);
  return epochMs(value.getTime());
}
