import { resolve } from 'node:path';
import { readSnapshot } from '../adapters/files/index.ts';
import { type ListedAttestation, listAttestations } from '../attestations/index.ts';
import { type DurationMs, type EpochMs, formatInstant } from '../core/index.ts';
import { collectSnapshot, formatSnapshotProblem, type Snapshot, withoutStale } from '../evidence/index.ts';
import type { LeaseRow } from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { reviewEvidence } from '../review/index.ts';
import { type CheckReport, checkSnapshot, type ReviewEvidence } from '../rules/index.ts';
import { attestedBy, loadAttestations } from './attestations.ts';
import type { CommandContext } from './context.ts';
import { coverageOf } from './coverage.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { decodeLeaseRows } from './lease-rows.ts';
import { countOf, loadPolicy } from './policies.ts';
import type { TimelineEvent } from './report/html.ts';

/** What a check is made of, read and judged. */
export interface Estate {
  readonly snapshot: Snapshot;
  readonly policy: LoadedPolicy;
  readonly report: CheckReport;
  /** The leases that came with the evidence. */
  readonly leases: readonly LeaseRow[];
  /** Every attestation, those that need somebody first. */
  readonly attestations: readonly ListedAttestation[];
  /** What was recorded in the state directory; empty for a snapshot. */
  readonly timeline: readonly TimelineEvent[];
  /** What a reader must know before reading on: that this was never an AWS account. Nothing for a snapshot. */
  readonly notice?: string;
}

export interface EstateOptions {
  readonly policy: string;
  readonly snapshot?: string;
  /** Read the embedded AWS of this state directory instead of a snapshot. */
  readonly state?: string;
  readonly now?: EpochMs;
  /** What was seen longer ago than this, at `now`, is not known any more. */
  readonly maxAge?: DurationMs;
}

/**
 * Reads policy and snapshot and judges the one by the other, as of the snapshot's time unless `--now` says otherwise.
 * @throws {CliFailure} `EXIT.malformed` with all faults of the policy or the snapshot
 */
export async function readEstate(options: EstateOptions, context: CommandContext): Promise<Estate> {
  const policy = await loadPolicy(options.policy, context);
  const { snapshot: taken, leases, timeline, notice, review } = await readEvidence(options, policy, context);
  const now = options.now ?? taken.takenAt;
  if (now < taken.takenAt)
    throw new CliFailure(
      EXIT.malformed,
      `\`--now\` is before the evidence, which was taken at ${formatInstant(taken.takenAt)}`,
      { remedy: 'give a later instant, or none' },
    );
  const snapshot = options.maxAge === undefined ? taken : withoutStale(taken, now, options.maxAge);
  const attestations = await loadAttestations(options.snapshot ?? options.state ?? '', policy, context);
  const report = await checkSnapshot({
    snapshot,
    policy,
    now,
    coverage: coverageOf(snapshot, leases, now),
    attested: attestedBy(attestations, now),
    ...(review === undefined ? {} : { review: review(now) }),
  });
  const listed = listAttestations(attestations, now);
  return {
    snapshot,
    policy,
    report,
    leases,
    attestations: listed,
    timeline,
    ...(notice === undefined ? {} : { notice }),
  };
}

interface Evidence {
  readonly snapshot: Snapshot;
  readonly leases: readonly LeaseRow[];
  readonly timeline: readonly TimelineEvent[];
  readonly notice?: string;
  /** What the record of reviews says at an instant; a snapshot has none. */
  readonly review?: (now: EpochMs) => ReviewEvidence;
}

async function readEvidence(
  options: EstateOptions,
  policy: LoadedPolicy,
  context: CommandContext,
): Promise<Evidence> {
  if ((options.snapshot === undefined) === (options.state === undefined))
    throw new CliFailure(
      EXIT.malformed,
      options.snapshot === undefined ? 'no snapshot was given' : 'a snapshot and a state were given',
      {
        remedy:
          'name one with `--snapshot DIR` (`proviso collect` takes one, and examples/organization is one), or a state directory with `--state DIR`',
      },
    );
  if (options.snapshot !== undefined) {
    const snapshot = await loadSnapshot(options.snapshot, context);
    return { snapshot, leases: leasesOf(snapshot, options.snapshot), timeline: [] };
  }
  // Loaded only here: judging a snapshot needs neither SQLite nor the workflow runtime.
  const { stateEvidence } = await import('./state.ts');
  const state = await stateEvidence(options.state ?? '', context);
  try {
    const collected = await collectSnapshot(state.sources, {
      regions: policy.policy.storage.scope.regions,
      takenAt: state.now,
      signal: context.signal,
    });
    if (!collected.ok)
      throw new CliFailure(EXIT.fault, collected.error.message, { remedy: collected.error.remedy });
    return {
      snapshot: collected.value,
      leases: state.leases,
      timeline: state.timeline,
      notice: `${state.isSimulated ? 'a simulated state' : 'the embedded AWS of a state directory'}; no AWS account was read`,
      review: (now) => reviewEvidence(state.reviews, policy, now),
    };
  } finally {
    await state.close();
  }
}

/** @throws {CliFailure} with all faults */
export async function loadSnapshot(dir: string, context: CommandContext): Promise<Snapshot> {
  const read = await readSnapshot(resolve(context.cwd, dir));
  if (read.ok) return read.value;
  const prefix = resolve(context.cwd, dir);
  throw new CliFailure(EXIT.malformed, `\`${dir}\` is not a snapshot that can be used`, {
    details: read.error.map((problem) =>
      formatSnapshotProblem({ ...problem, file: problem.file.replace(prefix, dir.replace(/\/+$/, '')) }),
    ),
    remedy: `${countOf(read.error.length, 'fault')}; nothing was judged`,
  });
}

/** The leases that came with a snapshot. @throws {CliFailure} when they cannot be read */
export function leasesOf(snapshot: Snapshot, dir: string): readonly LeaseRow[] {
  const decoded = decodeLeaseRows(snapshot.leases);
  if (decoded.ok) return decoded.value;
  throw new CliFailure(EXIT.malformed, `the leases of \`${dir}\` cannot be read`, {
    details: decoded.error.map(
      ({ field, message }) => `${dir.replace(/\/+$/, '')}/leases.json\n  ${field}: ${message}`,
    ),
    remedy: 'collect again, or remove leases.json: then no exception covers anything',
  });
}
