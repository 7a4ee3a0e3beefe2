import {
  durationMs,
  type EpochMs,
  type EventActor,
  type ExceptionId,
  epochMs,
  formatDuration,
  MINUTE,
  ok,
  partitionOfRegion,
  type Region,
} from '../core/index.ts';
import {
  AwsCallError,
  amend,
  endOf,
  factsAt,
  leaseOf,
  readLeaseRow,
  requireException,
  type SecondLeverState,
  sayingWhere,
  withFacts,
} from '../exceptions/index.ts';
import type { Pair, Services } from './ports.ts';
import { keepEvent } from './switch-off.ts';

/**
 * How long after the end switching off may keep failing before the second lever is pulled: twice the sweeper's bound, so that an
 * ordinary retry comes first, and well before anybody has read a page.
 */
const SECOND_LEVER_AFTER = durationMs(30 * MINUTE);

export const secondLeverDue = (lease: Parameters<typeof endOf>[0]): EpochMs =>
  epochMs(endOf(lease) + SECOND_LEVER_AFTER);

/**
 * When switching off keeps failing, takes the destination away: a denial on the bucket and the key disabled, each tried by itself and
 * again until both are done. Nothing new can then be written or read there. It is not off, and nothing here says so: the setting stays
 * to be switched off, and purging lists and deletes as before. Never throws: a lever that sticks must not keep anybody from the switch.
 */
export async function pullSecondLever(
  services: Services,
  pair: Pair,
  id: ExceptionId,
  actor: EventActor,
  now: EpochMs,
): Promise<void> {
  try {
    const { value: record } = await requireException(services.store, id);
    const row = await readLeaseRow(services.store, pair.accountId, pair.region);
    const lease = leaseOf(row?.value, id);
    const before = factsAt(record, pair).secondLever;
    if (lease?.enabling === undefined || lease.offAt !== undefined || isPulled(before)) return;
    if (now < secondLeverDue(lease)) return;
    if (before === undefined) {
      const late = formatDuration(durationMs(Math.floor((now - endOf(lease)) / MINUTE) * MINUTE));
      await keepEvent(services, id, {
        type: 'second-lever.intended',
        actor,
        subject: id,
        data: {
          ...pair,
          says: `switching off keeps failing, ${late} after the end: denying the destination and disabling its key`,
        },
      });
    }
    const { destination } = lease;
    const bucket =
      destination.kind === 's3'
        ? await outcomeOf(before?.bucket, () =>
            services.secondLever.denyBucket(pair, destination.bucketName, destination.keyPrefix),
          )
        : 'not-applicable';
    const key = await outcomeOf(before?.key, () =>
      services.secondLever.disableKey(pair, destination.kmsKeyArn),
    );
    const state: SecondLeverState = { at: before?.at ?? now, bucket, key };
    if (before !== undefined && before.bucket === bucket && before.key === key) return;
    const did = `second lever: ${[
      bucket === 'not-applicable'
        ? ''
        : `writing and reading the bucket ${bucket === 'done' ? 'is denied' : `could not be denied (${bucket})`}`,
      `the key ${key === 'done' ? 'is disabled' : `could not be disabled (${key})`}`,
    ]
      .filter((part) => part !== '')
      .join('; ')}; content storage itself is still to be switched off`;
    const says = sayingWhere(record.request, pair, did);
    await amend(services, id, (current) =>
      ok({
        record: withFacts(current, pair, (facts) => ({ ...facts, secondLever: state })),
        events: [
          { type: 'exception.second-lever', actor, subject: id, data: { ...pair, bucket, key, says } },
        ],
      }),
    );
  } catch {
    // The table or the record fails: the next attempt comes within a minute, and switching off needs neither.
  }
}

const isPulled = (state: SecondLeverState | undefined): boolean =>
  state !== undefined &&
  [state.bucket, state.key].every((each) => each === 'done' || each === 'not-applicable');

async function outcomeOf(before: string | undefined, act: () => Promise<void>): Promise<string> {
  if (before === 'done') return before;
  try {
    await act();
    return 'done';
  } catch (error) {
    return error instanceof AwsCallError ? error.code : 'failed';
  }
}

const SID = 'ProvisoSecondLever';

/**
 * The bucket policy with a statement that denies everybody writing and reading below the prefix; listing and deleting stay possible. A
 * policy that cannot be understood is replaced by the denial alone: what it allowed is not needed any more.
 */
export function withDenial(
  policy: string | undefined,
  bucketName: string,
  keyPrefix: string,
  region: Region,
): string {
  const denial = {
    Sid: SID,
    Effect: 'Deny',
    Principal: '*',
    Action: ['s3:PutObject', 's3:GetObject', 's3:GetObjectVersion'],
    Resource: `arn:${partitionOfRegion(region)}:s3:::${bucketName}/${keyPrefix}*`,
  };
  const document = documentOf(policy);
  const others = document.Statement.filter(({ Sid }) => Sid !== SID);
  try {
    return JSON.stringify({ ...document, Statement: [...others, denial] });
  } catch {
    // Nested too deeply to print, which must not keep the lever from being pulled.
    return JSON.stringify({ Version: '2012-10-17', Statement: [denial] });
  }
}

type Document = Record<string, unknown> & { readonly Statement: readonly { readonly Sid?: unknown }[] };

function documentOf(policy: string | undefined): Document {
  const empty = { Version: '2012-10-17', Statement: [] };
  try {
    const parsed = JSON.parse(policy ?? '') as Document | null;
    if (parsed === null || typeof parsed !== 'object') return empty;
    const statements = Array.isArray(parsed.Statement) ? parsed.Statement : [parsed.Statement];
    return { ...parsed, Statement: statements.filter((each) => typeof each === 'object' && each !== null) };
  } catch {
    return empty;
  }
}
