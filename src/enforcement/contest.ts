import type { EventActor, ExceptionId } from '../core/index.ts';
import type { Pair, Services } from './ports.ts';

/*
 * Somebody else's setting is itself the trace of what it stores elsewhere, and switching off wipes it out. Where the lease table cannot take the mark,
 * the record of events keeps it, under a name that a later process asks for (PURGE_PROVEN).
 */

const contestKey = (id: ExceptionId, { accountId, region }: Pair): string =>
  `contest/${id}/${accountId}/${region}`;

/** What somebody else had set, in words, for a process that comes after this one. The first sight is kept. */
export async function noteContest(
  { recorder, clock }: Services,
  pair: Pair,
  id: ExceptionId,
  actor: EventActor,
  observed: string,
): Promise<void> {
  await recorder.record({
    type: 'exception.contest-noted',
    key: contestKey(id, pair),
    actor,
    subject: id,
    at: clock.now(),
    data: {
      accountId: pair.accountId,
      region: pair.region,
      observed,
      says: `somebody else’s setting was found in ${pair.accountId}, ${pair.region} (${observed}), and the exception could not be marked with it yet`,
    },
  });
}

/** What `noteContest` kept; undefined: nothing. */
export async function notedContest(
  { history }: Services,
  pair: Pair,
  id: ExceptionId,
): Promise<string | undefined> {
  const noted = await history.told(contestKey(id, pair));
  const observed = noted?.data['observed'];
  return noted === undefined ? undefined : typeof observed === 'string' ? observed : 'no longer known';
}
