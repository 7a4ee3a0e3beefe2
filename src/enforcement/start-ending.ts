import { type DomainEvent, type EpochMs, type EventActor, type ExceptionId, ok } from '../core/index.ts';
import {
  amend,
  type ExceptionRecord,
  holdOf,
  isAttempted,
  isTerminal,
  leasesOf,
  nextState,
  placesOf,
  requireException,
} from '../exceptions/index.ts';
import type { Services } from './ports.ts';
import { keepEvent, releaseUnattempted } from './switch-off.ts';

const MOST_ATTEMPTS = 500;

/**
 * Starts the ending workflow of an exception unless one is running. Whichever detector comes first starts it; a later one finds
 * the name taken. If an ending execution itself died, the next detector starts the next attempt; and where the proof starts over while one
 * sleeps until its second listing, another is started at once (`proofRestarts`).
 *
 * @param instant - the trigger's own instant; switching off decides by the later of it and the clock
 */
export async function startEnding(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
  instant: EpochMs,
): Promise<'started' | 'running' | 'not-needed'> {
  const { store, executions } = services;
  const { value: record } = await requireException(store, id);
  if (
    isTerminal(record.state) ||
    // What is off waits for Legal, unless it can be moved; what is on, or on again, ends all the same (OFF_NEEDS_NOTHING).
    ((record.state === 'draining' || record.state === 'purging') && waitsForLegal(record)) ||
    (record.contested !== undefined && record.state === 'purging' && record.emptyListings.length >= 2)
  )
    return 'not-needed';
  if (nextState(record.state, 'end').ok) await markEnding(services, id);
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const name = `${endingPrefix(record)}${attempt}`;
    const status = await executions.status('ending', name);
    if (status === 'RUNNING') {
      await keepEvent(services, id, startedEvent(id, name, attempt, actor));
      return 'running';
    }
    if (status !== undefined) continue;
    const [{ accountId, region }] = placesOf(record.request);
    const started = await executions.start('ending', name, {
      exceptionId: id,
      accountId,
      region,
      instant: new Date(instant).toISOString(),
    });
    await keepEvent(services, id, startedEvent(id, name, attempt, actor));
    return started === 'already-exists' ? 'running' : 'started';
  }
  throw new Error(
    `the ending of \`${id}\` was started ${MOST_ATTEMPTS} times and never finished; see the runbook`,
  );
}

/** What the names of the executions that prove this purge begin with; a number follows. */
const endingPrefix = ({ id, proofRestarts = 0 }: ExceptionRecord): string =>
  proofRestarts === 0 ? `${id}-end-` : `${id}-end-again${proofRestarts}-`;

/** Whether an execution of the ending was overtaken by one that began the proof anew. One that does not say its name never is. */
export const isSuperseded = (record: ExceptionRecord, execution: string | undefined): boolean =>
  execution !== undefined &&
  !(
    execution.startsWith(endingPrefix(record)) &&
    /^[0-9]+$/.test(execution.slice(endingPrefix(record).length))
  );

/** On hold with nowhere to go, or moved and the destination listed empty: only the release brings it further. */
function waitsForLegal(record: ExceptionRecord): boolean {
  const hold = holdOf(record);
  return (
    hold !== undefined &&
    (hold.vault === undefined || hold.stuck !== undefined || record.emptyListings.length >= 2)
  );
}

/** Told under the execution's own name: whoever comes after a death in between finds it running, and it is told once. */
const startedEvent = (id: ExceptionId, name: string, attempt: number, actor: EventActor): DomainEvent => ({
  type: 'ending.started',
  key: `ending.started/${name}`,
  actor,
  subject: id,
  data: {
    execution: name,
    says: `${actor.id} started the ending workflow${attempt === 1 ? '' : ` (attempt ${attempt})`}`,
  },
});

/**
 * An exception that was enabled anywhere is `ending` from the moment a detector says so, before anything is switched off; where nothing was
 * attempted, nothing will be.
 */
export async function markEnding(services: Services, id: ExceptionId): Promise<void> {
  await amend(services, id, (record, rows) => {
    const ending = nextState(record.state, 'end');
    if (!ending.ok || !isAttempted(leasesOf(rows, id))) return ok({ record });
    return ok({ record: { ...record, state: ending.value }, rows: releaseUnattempted(rows, id) });
  });
}
