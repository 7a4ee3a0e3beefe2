import type { ListedAttestation } from '../../attestations/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import type { CheckReport, Finding } from '../../rules/index.ts';
import { type Changes, changesSince, type EarlierReport, type Seen, seenOf } from './history.ts';

/** Everything that a format may show of one check. */
export interface ReportView {
  readonly report: CheckReport;
  readonly organizationId: string;
  readonly policy: LoadedPolicy;
  /** What `--control` and `--account` left to show; counts are always of the whole check. */
  readonly isShown: (finding: Finding) => boolean;
  readonly earlier?: EarlierReport | undefined;
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

export const seen = ({ report, earlier }: ReportView, finding: Finding): Seen | undefined =>
  seenOf(finding, report, earlier);

export const changes = ({ report, earlier }: ReportView): Changes | undefined =>
  earlier === undefined ? undefined : changesSince(report, earlier);
