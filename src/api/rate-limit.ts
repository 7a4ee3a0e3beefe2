import type { EpochMs } from '../core/index.ts';

export interface RateLimit {
  /** Calls that may come at once. */
  readonly burst: number;
  /** Calls a second for ever. */
  readonly perSecond: number;
}

/** @returns 0 when the call may go on, else the seconds to wait (whole, at least 1) */
export type RateLimiter = (caller: string, now: EpochMs) => number;

/** One token bucket for each caller, in memory: in AWS for one container, beside the throttling of API Gateway for all. */
export function rateLimiter({ burst, perSecond }: RateLimit): RateLimiter {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (caller, now) => {
    const bucket = buckets.get(caller) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond);
    buckets.set(caller, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: Math.max(now, bucket.at) });
    return tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond));
  };
}
