import type { ExceptionId, History, PrincipalId } from '../core/index.ts';
import type { ActingServices } from '../enforcement/index.ts';

/** The last check of the organization, as `proviso check --format json` writes it; that of a scan also has `scan`. */
export interface Checks {
  /** @returns undefined when there is none */
  latest(): Promise<unknown>;
}

/** What the API needs of the world beside the exception path. */
export interface ApiServices extends ActingServices {
  readonly history: History;
  readonly checks: Checks;
}

export interface Caller {
  readonly id: PrincipalId;
  /** Those that the directory gives at the time of the call. */
  readonly roles: readonly string[];
  /** False on one machine, where whoever can read a token file is that person. */
  readonly isAuthenticated: boolean;
}

/** One call of an operation. */
export interface OperationCall {
  readonly services: ApiServices;
  readonly caller: Caller;
  /** Of the program. */
  readonly version: string;
  /** Lets follow what the act set off, before the answer is read: the embedded runtime has no daemon. */
  readonly settle: () => Promise<void>;
  /** Whether an earlier call with the same idempotency key may have done this already. */
  readonly isRepeat: boolean;
  /** The id that the idempotency key keeps for what the call creates. */
  readonly newId?: ExceptionId;
}
