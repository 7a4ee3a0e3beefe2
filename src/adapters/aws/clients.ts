import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSettings } from './account-access.ts';
import { CALL_RATES, CallBudget, UNDOCUMENTED_RATE } from './call-budget.ts';

/** What every SDK client has of what is needed here. */
interface SdkClient {
  readonly config: { readonly serviceId: string };
  /** Each client types it for its own commands; ours touches none. */
  readonly middlewareStack: object;
}

interface MiddlewareStack {
  add(middleware: BudgetMiddleware, options: typeof AFTER_RETRY): void;
}
type Handler = (args: object) => Promise<object>;
type BudgetMiddleware = (next: Handler, context: CallContext) => Handler;
interface CallContext {
  readonly commandName?: string;
  readonly __smithy_context?: { readonly abortSignal?: unknown };
}

/** Inside the SDK's retry, so that every attempt takes a turn of its own. */
const AFTER_RETRY = { step: 'finalizeRequest', priority: 'low', name: 'provisoCallBudget' } as const;

const clients = new WeakMap<ClientSettings, Map<unknown, unknown>>();

/**
 * The client of this class for these settings: made once for as long as the settings object lives. Its adaptive retry thus remembers being
 * throttled from one call to the next, and its calls share one budget.
 *
 * @param extra - members that this service needs besides; the same at every call
 */
export function clientOf<E extends object, C extends SdkClient>(
  Client: new (configuration: ClientSettings & E) => C,
  settings: ClientSettings,
  extra?: E,
): C {
  const known = clients.get(settings) ?? new Map<unknown, unknown>();
  clients.set(settings, known);
  const made = known.get(Client);
  if (made instanceof Client) return made;
  const client = new Client({ ...settings, ...extra } as ClientSettings & E);
  limitCalls(client);
  known.set(Client, client);
  return client;
}

/** The clock that turns are taken by. */
export interface Pace {
  /** Milliseconds of a steady clock. */
  now(): number;
  /** Rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

const REAL_PACE: Pace = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/** Gives a client a budget of its own, by its service; every attempt of every call waits for its turn. */
export function limitCalls(client: SdkClient, pace: Pace = REAL_PACE): void {
  const budget = new CallBudget(CALL_RATES[client.config.serviceId] ?? UNDOCUMENTED_RATE);
  const middleware: BudgetMiddleware = (next, context) => async (args) => {
    const wait = budget.next((context.commandName ?? '').replace(/Command$/, ''), pace.now());
    const signal = context.__smithy_context?.abortSignal;
    if (wait > 0) await pace.sleep(wait, signal instanceof AbortSignal ? signal : undefined);
    return next(args);
  };
  (client.middlewareStack as MiddlewareStack).add(middleware, AFTER_RETRY);
}
