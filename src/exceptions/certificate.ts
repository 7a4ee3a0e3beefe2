import { canonicalJson, type EpochMs, formatInstant, sha256Hex } from '../core/index.ts';
import type { LoggingConfiguration } from '../evidence/index.ts';
import { INDISPENSABLE_ROLES } from '../policy/index.ts';
import { endOf } from './lease.ts';
import type { SignedCertificate, Signer } from './ports.ts';
import { missingApprovals, standingApprovals } from './quorum.ts';
import type { Decision, ExceptionRecord, Lease, Listing } from './types.ts';

/**
 * What is stated at the end of an exception: settings, times, counts, what was listed where and when. It says "not listed at
 * these locations" and nothing about copies elsewhere, because nothing else was seen.
 */
export function certificateStatement(
  record: ExceptionRecord,
  lease: Lease,
  closedAt: EpochMs,
  closedBy: string,
): Readonly<Record<string, unknown>> {
  const instant = (at: EpochMs | undefined) => (at === undefined ? null : formatInstant(at));
  return {
    kind: 'CertificateOfClosure',
    schemaVersion: 1,
    exceptionId: record.id,
    ...(record.correlationId === undefined ? {} : { correlationId: record.correlationId }),
    outcome: record.state,
    account: record.request.accountId,
    region: record.request.region,
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
    settings: {
      before: settingText(record.settingBefore),
      approved: lease.configuration,
      during:
        record.settingDuring === undefined ? 'never read back as on' : settingText(record.settingDuring),
      after: record.settingAfter === undefined ? 'not read back' : settingText(record.settingAfter),
      baseline: lease.baseline,
    },
    times: {
      startsAt: formatInstant(lease.startsAt),
      expiresAt: formatInstant(lease.expiresAt),
      enabledAt: instant(record.enabledAt),
      revokedAt: instant(lease.revoked?.at),
      offReadBackAt: instant(lease.offAt),
      drainedUntil: instant(record.drainUntil),
      purgedAt: instant(record.purgedAt),
      closedAt: formatInstant(closedAt),
    },
    minutesOverdue:
      lease.offAt === undefined ? null : Math.max(0, Math.ceil((lease.offAt - endOf(lease)) / 60_000)),
    ...(record.secondLever === undefined
      ? {}
      : {
          secondLever: {
            pulledAt: formatInstant(record.secondLever.at),
            bucketDenied: record.secondLever.bucket,
            keyDisabled: record.secondLever.key,
          },
        }),
    ...(record.interference === undefined
      ? {}
      : {
          interference: record.interference.map(({ foundAt, found, party, hint, unnamed }) => ({
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
          holds: record.holds.map(({ at, by, reason, wasPurging, released }) => ({
            heldAt: formatInstant(at),
            by,
            reason,
            purgingHadBegun: wasPurging,
            releasedAt: instant(released?.at),
            releasedBy: released?.by ?? null,
            releaseReason: released?.reason ?? null,
          })),
        }),
    ...(record.robot === undefined ? {} : { robot: record.robot }),
    purgeWithinRetention: record.isPurgeOverdue !== true,
    ...(record.isBaselineMissing === true
      ? { baseline: 'could not be put; nothing is configured instead' }
      : {}),
    purged: record.purged ?? { versions: 0, bytes: 0, uploads: 0, logGroups: 0 },
    listings: record.emptyListings.map(listingText),
    finding:
      record.state === 'closed'
        ? 'no content-bearing version, delete marker, open upload or log group was listed at these locations at these two times'
        : 'not proven',
    notProven: [
      'copies that readers made while they could read are not visible here',
      `whether only the named subjects were captured${invokersWords(record)}`,
      ...(record.holds === undefined
        ? []
        : ['whether anything was copied, or deleted by AWS’s own lifecycle, while it was on legal hold']),
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

/** What was decided before it was on; nobody watched who could invoke a model while it was. */
function invokersWords({ admissions }: ExceptionRecord): string {
  const decided = admissions
    .at(-1)
    ?.conditions.find(({ clause }) => clause === 'exceptions.scope.onlySubjectsInvoke');
  return decided === undefined
    ? ': the topology’s scope is unproven'
    : `: decided when it was admitted and again at its start, not watched in between (${decided.says})`;
}

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
