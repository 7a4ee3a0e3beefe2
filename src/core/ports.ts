import type { EpochMs } from './brands.ts';

/** Server time. The only clock that decides; never the time of a browser or of an approver's message. */
export interface Clock {
  now(): EpochMs;
}

/** Fresh random text. A guess must be infeasible: tokens come from here too. */
export interface Ids {
  /** `length` characters of [0-9a-z]. */
  next(length: number): string;
}

/** What happened, who caused it and to what. Never prompts, responses, task tokens or credentials. */
export interface DomainEvent {
  /** Dotted, past tense or intent: `exception.requested`, `enforcement.intended`. */
  readonly type: string;
  readonly actor: EventActor;
  /** The thing it is about: an exception id, `account/region`, a policy hash. */
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Names this event for ever. An event with a key is recorded once, however often it is told. */
  readonly key?: string;
  /** When it happened, if that was before it is told; otherwise the recorder's clock says. */
  readonly at?: EpochMs;
  /** Common to everything that follows from one call of the API, from the request to the certificate; also in the logs. */
  readonly correlationId?: string;
}

export interface EventActor {
  readonly id: string;
  /** `unauthenticated` is what `--as` on one machine gives; in AWS the caller is authenticated. */
  readonly kind:
    | 'person-unauthenticated'
    | 'person'
    | 'workflow'
    | 'sweeper'
    | 'dead-mans-switch'
    | 'event-rule'
    | 'config-rule'
    | 'policy'
    | 'operator'
    | 'simulation';
}

/**
 * Append-only record of everything that happened.
 * Guarantee: when `record` returns, the event is durable and ordered after every event that returned before it. Recording an event
 * whose key is recorded already changes nothing.
 */
export interface Recorder {
  record(event: DomainEvent): Promise<void>;
}

/** An event as it was recorded. */
export interface RecordedEvent extends DomainEvent {
  /** From 1, without gaps. */
  readonly seq: number;
  readonly at: EpochMs;
}

/** What was recorded. Guarantee: every event whose `record` returned before is there, in order. */
export interface History {
  about(subject: string): Promise<readonly RecordedEvent[]>;
  /** Events of these types with `from <= at < to`, whatever they are about. */
  during(
    period: { readonly from: EpochMs; readonly to: EpochMs },
    types: readonly string[],
  ): Promise<readonly RecordedEvent[]>;
  /** The event with this key; one look, however much is recorded. */
  told(key: string): Promise<RecordedEvent | undefined>;
}

/** Texts by key. `put` is durable when it returns and replaces what was there; `get` is undefined only when there is nothing. */
export interface Texts {
  put(key: string, text: string): Promise<void>;
  get(key: string): Promise<string | undefined>;
}
