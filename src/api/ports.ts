import type { ExceptionId, PrincipalId, Result } from '../core/index.ts';
import type { ActingServices, Surroundings } from '../enforcement/index.ts';
import type { ExceptionRequest } from '../exceptions/index.ts';

/** The last check of the organization, as `proviso check --format json` writes it; that of a scan also has `scan`. */
export interface Checks {
  /** @returns undefined when there is none */
  latest(): Promise<unknown>;
}

/** What a preview is made from beside the records. */
export interface SurroundingsReader {
  /** @returns why they cannot be seen, in words; what is only partly seen says so itself */
  of(request: ExceptionRequest): Promise<Result<Surroundings, string>>;
}

/** What the API needs of the world beside the exception path. */
export interface ApiServices extends ActingServices {
  readonly checks: Checks;
  readonly surroundings: SurroundingsReader;
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
