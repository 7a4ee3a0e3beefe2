import type { ListedAttestation } from '../../attestations/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import type { CheckReport, CheckSummary, Finding } from '../../rules/index.ts';
import { type Changes, type EarlierReport, type Seen, seenOf } from './history.ts';

/** Everything that a format may show of one check. */
export interface ReportView {
  /** For the formats of {@link keepsAll} with every finding; for the others those that are not known to be fine, or were not in `earlier`. */
  readonly report: CheckReport;
  readonly organizationId: string;
  readonly policy: LoadedPolicy;
  /** What `--control` and `--account` left to show; counts are always of the whole check. */
  readonly isShown: (finding: Finding) => boolean;
  readonly earlier?: EarlierReport | undefined;
  /** What changed since `earlier`, of the whole check. */
  readonly changes?: Changes | undefined;
  readonly attestations: readonly ListedAttestation[];
  /** What a reader must know before reading on, such as that the state is a simulated one. */
  readonly notice?: string | undefined;
  /** The options that make `finding explain` read the same evidence by the same policy: `--snapshot snapshot/`. */
  readonly sameEvidence?: string | undefined;
  /** Of this program, for formats that name who reported. */
  readonly version: string;
}

export const shownFindings = ({ report, isShown }: ReportView): readonly Finding[] =>
  report.findings.filter(isShown);

/** What can be known of a check before its first finding. */
export interface FindingView {
  readonly report: Pick<CheckSummary, 'policy' | 'snapshotTakenAt' | 'now'>;
  readonly organizationId: string;
  readonly earlier?: EarlierReport | undefined;
}

export const seen = ({ report, earlier }: FindingView, finding: Finding): Seen | undefined =>
  seenOf(finding, report, earlier);
