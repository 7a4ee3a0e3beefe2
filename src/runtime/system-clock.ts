import { type Clock, epochMs } from '../core/index.ts';

/** The clock of this machine. */
export const systemClock: Clock = { now: () => epochMs(Date.now()) };
