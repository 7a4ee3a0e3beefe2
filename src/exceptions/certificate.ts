import { canonicalJson, type EpochMs, formatInstant, sha256Hex } from '../core/index.ts';
import type { LoggingConfiguration } from '../evidence/index.ts';
import { INDISPENSABLE_ROLES } from '../policy/index.ts';
import { endOf } from './lease.ts';
import { type AccountRegion, allOffSince, factsAt, hasSeveralPlaces, type PlacedLease } from './places.ts';
import type { SignedCertificate, Signer } from './ports.ts';
import { missingApprovals, standingApprovals } from './quorum.ts';
import { CANNOT_BE_SEEN, type ReadsSeen } from './reads.ts';
import { isFiltered } from './topology.ts';
import type { Decision, ExceptionRecord, HeldContent, HoldVault, Listing } from './types.ts';

/**
 * What is stated at the end of an exception: settings, times, counts, what was listed where and when. It says "not listed at
 * these locations" and nothing about copies elsewhere, because nothing else was seen. What is about one place stands at the top where there is
 * one; where there are several, under `places`, each with its account and Region.
 *
 * @param leases - of all its places
 * @param reads - of what was captured, as far as they were forwarded
 */
export function certificateStatement(
  record: ExceptionRecord,
  leases: readonly PlacedLease[],
  closedAt: EpochMs,
  closedBy: string,
  reads: ReadsSeen,
): Readonly<Record<string, unknown>> {
  const places = leases.map((placed) => placeStatement(record, placed));
  const [first] = leases;
  if (first === undefined) throw new TypeError(`exception \`${record.id}\` has no lease`);
  return {
    kind: 'CertificateOfClosure',
    schemaVersion: 1,
    exceptionId: record.id,
    ...(record.correlationId === undefined ? {} : { correlationId: record.correlationId }),
    outcome: record.state,
    ...(hasSeveralPlaces(record.request) ? { places } : whereOf(first)),
    reference: record.request.reference,
    requestHash: record.requestHash,
    policyHashes: record.policyHashes,
    approvals: record.decisions.map(({ principalId, role, decision, at, subjectHash }) => ({
      principalId,
      role,
      decision,
      at: formatInstant(at),
      subjectHash,
    })),
    ...(record.request.breakGlass === undefined
      ? {}
      : { breakGlass: breakGlassStatement(record, record.request.breakGlass.reason) }),
    ...(hasSeveralPlaces(record.request) ? {} : settingsOf(record, first)),
    times: {
      startsAt: formatInstant(first.lease.startsAt),
      expiresAt: formatInstant(first.lease.expiresAt),
      enabledAt: instant(record.enabledAt),
      revokedAt: instant(first.lease.revoked?.at),
      offReadBackAt: instant(allOffSince(leases)),
      drainedUntil: instant(record.drainUntil),
      purgedAt: instant(record.purgedAt),
      closedAt: formatInstant(closedAt),
    },
    minutesOverdue: longest(
      leases.flatMap(({ lease }, index) =>
        lease.released === true ? [] : [places[index]?.minutesOverdue ?? null],
      ),
    ),
    ...(hasSeveralPlaces(record.request) ? {} : leverOf(record, first)),
    ...(record.interference === undefined
      ? {}
      : {
          interference: record.interference.map(({ place, foundAt, found, party, hint, unnamed }) => ({
            ...(hasSeveralPlaces(record.request) ? whereOf(place ?? record.request) : {}),
            foundAt: formatInstant(foundAt),
            found,
            by: party?.by ?? null,
            ...(party === undefined
              ? {
                  unnamed: unnamed ?? 'CloudTrail was not asked yet',
                  ...(hint === undefined ? {} : { eventNamed: hint }),
                }
              : {
                  call: party.call,
                  calledAt: formatInstant(party.at),
                  ...(party.through === undefined ? {} : { through: party.through }),
                }),
          })),
        }),
    ...(record.holds === undefined
      ? {}
      : {
          holds: record.holds.map(
            ({ at, by, reference, reason, scope, vault, otherVaults, moved, wasPurging, released }) => ({
              heldAt: formatInstant(at),
              by,
              reference: reference ?? null,
              reason,
              scope: scope ?? 'everything',
              ...vaultsStatement(vault, otherVaults, moved),
              purgingHadBegun: wasPurging,
              releasedAt: instant(released?.at),
              releasedBy: released?.by ?? null,
              releaseReason: released?.reason ?? null,
            }),
          ),
        }),
    ...(record.robot === undefined ? {} : { robot: record.robot }),
    keyMaterial: (record.keyMaterial ?? []).map(({ kmsKeyArn, scheduledAt, waitingDays, because }) => ({
      kmsKeyArn,
      deletionScheduledAt: instant(scheduledAt),
      waitingDays: waitingDays ?? null,
      notDeletedBecause: because ?? null,
    })),
    purgeWithinRetention: record.isPurgeOverdue !== true,
    ...(hasSeveralPlaces(record.request) ? {} : baselineOf(record, first)),
    ...(record.filtered === undefined ? {} : { filtered: record.filtered }),
    purged: record.purged ?? { versions: 0, bytes: 0, uploads: 0, logGroups: 0 },
    reads: readsStatement(reads),
    listings: record.emptyListings.map(listingText),
    finding:
      record.state === 'closed'
        ? 'no content-bearing version, delete marker, open upload or log group was listed at these locations at these two times'
        : 'not proven',
    notProven: [
      'copies that readers made while they could read are not visible here',
      ...(reads.forwarded === 'whole'
        ? []
        : [
            `who read what was captured: ${reads.forwarded === 'not' ? 'nothing shows that reads were forwarded' : 'reads were forwarded at some times and places only'}`,
          ]),
      isFiltered(record.request)
        ? 'whether anybody read raw records before they were filtered: CloudTrail’s data events of the bucket have it, and were not read here'
        : `whether only the named subjects were captured${invokersWords(record)}`,
      ...(record.holds === undefined
        ? []
        : ['whether anything was copied, or deleted by AWS’s own lifecycle, while it was on legal hold']),
      ...(record.holds?.some(({ vault, moved }) => vault !== undefined && moved === undefined) === true
        ? ['what was on legal hold never stood in its vault whole']
        : []),
      ...[...new Set(record.holds?.flatMap(({ gone }) => gone ?? []))].map(
        (group) =>
          `what was in the log group ${group} and not in the vault when somebody else deleted the group, while it was on legal hold`,
      ),
      ...(record.contested
        ? [
            `somebody else’s setting during the lease (${record.contested.observed}); what it stored elsewhere was not looked at or purged`,
          ]
        : []),
      ...(record.state === 'closed' ? [] : [`closed without proof: ${record.reason ?? 'no reason given'}`]),
    ],
    closedBy,
  };
}

/**
 * Who opened it, who confirmed it, and who did not: a breach. It closes only when every role has confirmed or the time to confirm has ended,
 * so what is stated here does not change afterwards.
 */
function breakGlassStatement(record: ExceptionRecord, reason: string) {
  const missing = missingApprovals(record);
  const counted = standingApprovals(record.decisions).filter(
    ({ role }, index, all) =>
      !missing.includes(role) && all.findIndex((each) => each.role === role) === index,
  );
  const opener = counted.find(({ role }) => (INDISPENSABLE_ROLES as readonly string[]).includes(role));
  const who = ({ principalId, role, at }: Decision) => ({ principalId, role, at: formatInstant(at) });
  const rejection = record.decisions.find(({ decision }) => decision === 'reject');
  return {
    reason,
    openedBy: opener === undefined ? null : who(opener),
    confirmedBy: counted.filter((each) => each !== opener).map(who),
    rejectedBy: rejection === undefined ? null : who(rejection),
    confirmedUntil: formatInstant(record.request.endsAt),
    notConfirmedBy: missing,
    isBreach: missing.length > 0,
  };
}

/** Who read, as far as it was seen: `counted: null` is not zero. */
const readsStatement = ({ forwarded, reads, rows, says }: ReadsSeen) => ({
  says,
  forwarded,
  counted: reads,
  by: rows.map(({ first, last, ...row }) => ({
    ...row,
    first: formatInstant(first),
    last: formatInstant(last),
  })),
  cannotBeSeen: CANNOT_BE_SEEN,
});

/** Where a hold was moved. Of several vaults the record counts all together, and no one of them is said to hold that. */
function vaultsStatement(
  vault: HoldVault | undefined,
  others: readonly HoldVault[] | undefined,
  moved: HeldContent | undefined,
) {
  if (vault === undefined) return { vault: null };
  const where = ({ bucketName, keyPrefix, kmsKeyArn }: HoldVault) => ({
    location: `s3://${bucketName}/${keyPrefix}`,
    kmsKeyArn,
  });
  const listed = {
    versions: moved?.versions ?? 0,
    bytes: moved?.bytes ?? 0,
    ...(moved?.logEvents === undefined ? {} : { logEvents: moved.logEvents }),
    listedAt: instant(moved?.at),
    lifecycle: moved === undefined ? 'not read back' : 'read back: no enabled rule deletes there',
  };
  return others === undefined
    ? { vault: { ...where(vault), ...listed } }
    : { vault: where(vault), otherVaults: others.map(where), allVaults: listed };
}

/** What was decided before it was on; nobody watched who could invoke a model while it was. */
function invokersWords({ admissions }: ExceptionRecord): string {
  const decided = (admissions.at(-1)?.conditions ?? []).filter(
    ({ clause }) => clause === 'exceptions.scope.onlySubjectsInvoke',
  );
  return decided.length === 0
    ? ': the topology’s scope is unproven'
    : `: decided when it was admitted and again at its start, not watched in between (${decided.map(({ says }) => says).join('; ')})`;
}
/** What is about one place alone. */
const placeStatement = (record: ExceptionRecord, placed: PlacedLease) => {
  const { enabling, offAt } = placed.lease;
  return {
    ...whereOf(placed),
    ...settingsOf(record, placed),
    enablingAttemptedAt: instant(enabling?.at),
    offReadBackAt: instant(offAt),
    minutesOverdue:
      enabling === undefined || offAt === undefined
        ? null
        : Math.max(0, Math.ceil((offAt - endOf(placed.lease)) / 60_000)),
    ...leverOf(record, placed),
    ...baselineOf(record, placed),
  };
};

const instant = (at: EpochMs | undefined): string | null => (at === undefined ? null : formatInstant(at));

/** Unknown as soon as one is: a place that was not read back may be overdue longest. */
const longest = (minutes: readonly (number | null)[]): number | null =>
  minutes.reduce<number | null>(
    (most, each) => (most === null || each === null ? null : Math.max(most, each)),
    0,
  );

const whereOf = ({ accountId, region }: AccountRegion) => ({ account: accountId, region });

const settingsOf = (record: ExceptionRecord, placed: PlacedLease) => {
  const { settingBefore, settingDuring, settingAfter } = factsAt(record, placed);
  return {
    settings: {
      before: settingText(settingBefore),
      approved: placed.lease.configuration,
      during: settingDuring === undefined ? 'never read back as on' : settingText(settingDuring),
      after: settingAfter === undefined ? 'not read back' : settingText(settingAfter),
      baseline: placed.lease.baseline,
    },
  };
};

const leverOf = (record: ExceptionRecord, place: AccountRegion) => {
  const { secondLever } = factsAt(record, place);
  return secondLever === undefined
    ? {}
    : {
        secondLever: {
          pulledAt: formatInstant(secondLever.at),
          bucketDenied: secondLever.bucket,
          keyDisabled: secondLever.key,
        },
      };
};

const baselineOf = (record: ExceptionRecord, place: AccountRegion) =>
  factsAt(record, place).isBaselineMissing === true
    ? { baseline: 'could not be put; nothing is configured instead' }
    : {};

const settingText = (setting: LoggingConfiguration | null | undefined): unknown =>
  setting ?? 'not configured';

const listingText = ({ at, ...listing }: Listing) => ({ at: formatInstant(at), ...listing });

/** Signs the canonical JSON of the statement: what is signed does not depend on layout. */
export async function signStatement(
  signer: Signer,
  statement: Readonly<Record<string, unknown>>,
): Promise<SignedCertificate> {
  const bytes = canonicalJson(statement);
  return { statement, statementHash: sha256Hex(bytes), signature: await signer.sign(Buffer.from(bytes)) };
}
