import type { ExceptionId } from '../core/index.ts';
import { encode, quorum, readException, readRecord, waitKey } from '../exceptions/index.ts';
import type { Services } from './ports.ts';

interface Wait {
  readonly taskToken: string;
  readonly role: string;
}

/** Keeps the token of a waiting approval task. It never leaves this store: it wakes the workflow, and decides nothing. */
export async function keepToken(
  services: Services,
  id: ExceptionId,
  role: string,
  taskToken: string,
): Promise<void> {
  const key = waitKey(id, role);
  const before = await services.store.read(key);
  const write = { key, expectedVersion: before?.version ?? 0, value: encode({ role, taskToken }) };
  // A lost race means another attempt of the same task stored its token; the sweeper wakes whichever stands.
  await services.store.commit([write]);
}

/** Waits whose token woke somebody or was gone: it stays so, and a sweep need not try each again every quarter of an hour. */
const answered = new WeakSet<Wait>();

/**
 * Wakes the workflow for every role that need not be waited for any more: it decided, or the exception ended otherwise. Called
 * after each decision and by the sweeper, so a crash between a decision and its wake-up loses nothing.
 */
export async function wakeDecided(services: Services, id: ExceptionId): Promise<number> {
  const record = (await readException(services.store, id))?.value;
  if (record === undefined) return 0;
  let woken = 0;
  const counted = quorum(record);
  const open = record.state === 'submitted' && counted.kind === 'open' ? counted.missing : [];
  for (const role of record.requiredRoles) {
    if (open.includes(role)) continue;
    const wait = (await readRecord<Wait>(services.store, waitKey(id, role)))?.value;
    if (wait === undefined || answered.has(wait)) continue;
    if ((await services.executions.wake(wait.taskToken)) === 'woken') woken += 1;
    // A later wait of this role has another token, and so another record.
    if (Object.isFrozen(wait)) answered.add(wait);
  }
  return woken;
}
