import { resolve } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { DamagedSnapshot, openSnapshot, readSnapshot } from '../adapters/files/index.ts';
import { type ListedAttestation, listAttestations } from '../attestations/index.ts';
import { coverageBy } from '../compliance/index.ts';
import { type AccountId, countOf, type DurationMs, type EpochMs, formatInstant } from '../core/index.ts';
import {
  type AccountPart,
  collectSnapshot,
  formatSnapshotProblem,
  inMemory,
  type Snapshot,
  type SnapshotHead,
  type SnapshotProblem,
  type SnapshotSource,
  sourceOf,
  withoutStale,
} from '../evidence/index.ts';
import { exceptionHygiene, type LeaseRow } from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { reviewEvidence } from '../review/index.ts';
import {
  type CheckReport,
  type CheckSummary,
  checkAccounts,
  type Finding,
  type FindingReceiver,
  inReportOrder,
  type RecordEvidence,
} from '../rules/index.ts';
import { attestedBy, loadAttestations } from './attestations.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { decodeLeaseRows } from './lease-rows.ts';
import { loadPolicy } from './policies.ts';
import type { TimelineEvent } from './report/html.ts';
import type { FindingView } from './report/view.ts';
import type { StateEvidence } from './state-evidence.ts';

/** What a check is made of, before the accounts are read. */
export interface OpenEstate {
  readonly head: SnapshotHead;
  readonly policy: LoadedPolicy;
  /** The instant of the check. */
  readonly now: EpochMs;
  /** The leases that came with the evidence. */
  readonly leases: readonly LeaseRow[];
  /** Every attestation, those that need somebody first. */
  readonly attestations: readonly ListedAttestation[];
  /** What was recorded in the state directory; empty for a snapshot. */
  readonly timeline: readonly TimelineEvent[];
  /** What a reader must know before reading on: that this was never an AWS account. Nothing for a snapshot. */
  readonly notice?: string;
  /**
   * Reads the accounts one after the other and judges them; see `checkAccounts`. Once only.
   * @throws {CliFailure} `EXIT.malformed` with all faults, after the last account
   */
  check(receive: FindingReceiver, see?: (part: AccountPart) => void): Promise<CheckSummary>;
}

/** What a check is made of, read and judged, all of it in memory. */
export interface Estate extends Omit<OpenEstate, 'head' | 'check'> {
  readonly snapshot: Snapshot;
  readonly report: CheckReport;
}

export interface EstateOptions {
  readonly policy: string;
  readonly snapshot?: string;
  /** Read the embedded AWS of this state directory instead of a snapshot. */
  readonly state?: string;
  /** What of that state was read already, by whoever has it open, and the policy in force there. */
  readonly opened?: { readonly evidence: StateEvidence; readonly policy: LoadedPolicy };
  readonly now?: EpochMs;
  /** What was seen longer ago than this, at `now`, is not known any more. */
  readonly maxAge?: DurationMs;
}

/**
 * Reads policy and evidence, as of the snapshot's time unless `--now` says otherwise.
 * @throws {CliFailure} `EXIT.malformed` with all faults of the policy or of the head of the snapshot
 */
export async function openEstate(options: EstateOptions, context: CommandContext): Promise<OpenEstate> {
  const policy = options.opened?.policy ?? (await loadPolicy(options.policy, context));
  const { source: taken, leases, timeline, notice, records } = await openEvidence(options, policy, context);
  const now = options.now ?? taken.head.takenAt;
  if (now < taken.head.takenAt)
    throw new CliFailure(
      EXIT.malformed,
      `\`--now\` is before the evidence, which was taken at ${formatInstant(taken.head.takenAt)}`,
      { remedy: 'give a later instant, or none' },
    );
  const source = options.maxAge === undefined ? taken : withoutStale(taken, now, options.maxAge);
  const attestations = await loadAttestations(options.snapshot ?? options.state ?? '', policy, context);
  return {
    head: source.head,
    policy,
    now,
    leases,
    attestations: listAttestations(attestations, now),
    timeline,
    ...(notice === undefined ? {} : { notice }),
    check: async (receive, see = () => undefined) => {
      const exceptions = coverageBy(leases, now);
      const looked = (part: AccountPart) => {
        exceptions.see(part.regions);
        see(part);
      };
      try {
        return await checkAccounts(
          {
            source: { head: source.head, accounts: passing(source.accounts, looked) },
            policy,
            now,
            coverage: exceptions.coverage,
            attested: attestedBy(attestations, now),
            ...(records === undefined ? {} : { records: records(now) }),
          },
          receive,
        );
      } catch (error) {
        throw error instanceof DamagedSnapshot
          ? damaged(options.snapshot ?? '', error.problems, context)
          : error;
      }
    },
  };
}

/** What a report can say of a finding before the check has ended. */
export const findingView = ({ head, policy, now }: OpenEstate): FindingView => ({
  report: {
    policy: { id: policy.policy.metadata.id, version: policy.policy.metadata.version, hash: policy.hash },
    snapshotTakenAt: head.takenAt,
    now,
  },
  organizationId: head.organization.id,
  policy,
  version: manifest.version,
});

/** Reads policy and snapshot and judges the one by the other. @throws {CliFailure} `EXIT.malformed` with all faults */
export async function readEstate(options: EstateOptions, context: CommandContext): Promise<Estate> {
  const { head, check, ...rest } = await openEstate(options, context);
  const findings: Finding[] = [];
  const parts = new Map<AccountId, AccountPart>();
  const summary = await check(
    (make) => {
      findings.push(make());
    },
    (part) => parts.set(part.evidence.accountId, part),
  );
  return {
    ...rest,
    snapshot: inMemory(head, parts),
    report: { ...summary, findings: inReportOrder(findings, rest.policy) },
  };
}

async function* passing(
  accounts: SnapshotSource['accounts'],
  see: (part: AccountPart) => void,
): AsyncGenerator<AccountPart> {
  for await (const part of accounts) {
    see(part);
    yield part;
  }
}

interface Evidence {
  readonly source: SnapshotSource;
  readonly leases: readonly LeaseRow[];
  readonly timeline: readonly TimelineEvent[];
  readonly notice?: string;
  /** What the records of a state say at an instant; a snapshot has none. */
  readonly records?: (now: EpochMs) => RecordEvidence;
}

async function openEvidence(
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
    const opened = await openSnapshot(resolve(context.cwd, options.snapshot));
    if (!opened.ok) throw damaged(options.snapshot, opened.error, context);
    const source = opened.value;
    return { source, leases: leasesOf(source.head, options.snapshot), timeline: [] };
  }
  const state = options.opened?.evidence ?? (await readState(options.state ?? '', context));
  try {
    const collected = await collectSnapshot(state.sources, {
      regions: policy.policy.storage.scope.regions,
      takenAt: state.now,
      signal: context.signal,
    });
    if (!collected.ok)
      throw new CliFailure(EXIT.fault, collected.error.message, { remedy: collected.error.remedy });
    return {
      source: sourceOf(collected.value),
      leases: state.leases,
      timeline: state.timeline,
      notice: `${state.isSimulated ? 'a simulated state' : 'the embedded AWS of a state directory'}; no AWS account was read`,
      records: (now) => ({
        review: reviewEvidence(state.reviews, policy, now),
        exceptions: exceptionHygiene(state.exceptions, policy, now),
      }),
    };
  } finally {
    await state.close();
  }
}

/** Loaded only here: judging a snapshot needs neither SQLite nor the workflow runtime. */
async function readState(directory: string, context: CommandContext): Promise<StateEvidence> {
  const { stateEvidence } = await import('./state.ts');
  return stateEvidence(directory, context);
}

/** @throws {CliFailure} with all faults */
export async function loadSnapshot(dir: string, context: CommandContext): Promise<Snapshot> {
  const read = await readSnapshot(resolve(context.cwd, dir));
  if (read.ok) return read.value;
  throw damaged(dir, read.error, context);
}

function damaged(dir: string, problems: readonly SnapshotProblem[], context: CommandContext): CliFailure {
  const prefix = resolve(context.cwd, dir);
  return new CliFailure(EXIT.malformed, `\`${dir}\` is not a snapshot that can be used`, {
    details: problems.map((problem) =>
      formatSnapshotProblem({ ...problem, file: problem.file.replace(prefix, dir.replace(/\/+$/, '')) }),
    ),
    remedy: `${countOf(problems.length, 'fault')}; nothing was judged`,
  });
}

/** The leases that came with a snapshot. @throws {CliFailure} when they cannot be read */
export function leasesOf(snapshot: Pick<Snapshot, 'leases'>, dir: string): readonly LeaseRow[] {
  const decoded = decodeLeaseRows(snapshot.leases);
  if (decoded.ok) return decoded.value;
  throw new CliFailure(EXIT.malformed, `the leases of \`${dir}\` cannot be read`, {
    details: decoded.error.map(
      ({ field, message }) => `${dir.replace(/\/+$/, '')}/leases.json\n  ${field}: ${message}`,
    ),
    remedy: 'collect again, or remove leases.json: then no exception covers anything',
  });
}
