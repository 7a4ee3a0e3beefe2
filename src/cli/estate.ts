import { resolve } from 'node:path';
import { readSnapshot } from '../adapters/files/index.ts';
import { type EpochMs, formatInstant } from '../core/index.ts';
import { formatSnapshotProblem, type Snapshot } from '../evidence/index.ts';
import type { LeaseRow } from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { type CheckReport, checkSnapshot } from '../rules/index.ts';
import type { CommandContext } from './context.ts';
import { coverageOf } from './coverage.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { decodeLeaseRows } from './lease-rows.ts';
import { countOf, loadPolicy } from './policies.ts';

/** What a check is made of, read and judged. */
export interface Estate {
  readonly snapshot: Snapshot;
  readonly policy: LoadedPolicy;
  readonly leases: readonly LeaseRow[];
  readonly report: CheckReport;
}

export interface EstateOptions {
  readonly policy: string;
  readonly snapshot?: string;
  readonly now?: EpochMs;
}

/**
 * Reads policy and snapshot and judges the one by the other, as of the snapshot's time unless `--now` says otherwise.
 * @throws {CliFailure} `EXIT.malformed` with all faults of the policy or the snapshot
 */
export async function readEstate(options: EstateOptions, context: CommandContext): Promise<Estate> {
  if (options.snapshot === undefined)
    throw new CliFailure(EXIT.malformed, 'no snapshot was given', {
      remedy: 'name one with `--snapshot DIR`; `proviso collect` takes one, and examples/organization is one',
    });
  const policy = await loadPolicy(options.policy, context);
  const snapshot = await loadSnapshot(options.snapshot, context);
  const leases = leasesOf(snapshot, options.snapshot);
  const now = options.now ?? snapshot.takenAt;
  if (now < snapshot.takenAt)
    throw new CliFailure(
      EXIT.malformed,
      `\`--now\` is before the snapshot, which was taken at ${formatInstant(snapshot.takenAt)}`,
      { remedy: 'give a later instant, or none' },
    );
  const report = await checkSnapshot({ snapshot, policy, now, coverage: coverageOf(snapshot, leases, now) });
  return { snapshot, policy, leases, report };
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

function leasesOf(snapshot: Snapshot, dir: string): readonly LeaseRow[] {
  const decoded = decodeLeaseRows(snapshot.leases);
  if (decoded.ok) return decoded.value;
  throw new CliFailure(EXIT.malformed, `the leases of \`${dir}\` cannot be read`, {
    details: decoded.error.map(
      ({ field, message }) => `${dir.replace(/\/+$/, '')}/leases.json\n  ${field}: ${message}`,
    ),
    remedy: 'collect again, or remove leases.json: then no exception covers anything',
  });
}
