import type { ListedAttestation } from '../../attestations/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import type { CheckSummary, Finding } from '../../rules/index.ts';
import { type Changes, type EarlierReport, type Seen, seenOf } from './history.ts';
import type { Scan } from './scan.ts';

/** Everything that a format may show of one check. */
export interface ReportView {
  readonly report: CheckSummary;
  readonly organizationId: string;
  readonly policy: LoadedPolicy;
  readonly earlier?: EarlierReport | undefined;
  /** What changed since `earlier`, of the whole check. */
  readonly changes?: Changes | undefined;
  readonly attestations: readonly ListedAttestation[];
  /** What a reader must know before reading on, such as that the state is a simulated one. */
  readonly notice?: string | undefined;
  /** The scan that made the report, where one did: only what is not fine is listed. */
  readonly scan?: Scan | undefined;
  /** The options that make `finding explain` read the same evidence by the same policy: `--snapshot snapshot/`. */
  readonly sameEvidence?: string | undefined;
  /** Of this program, for formats that name who reported. */
  readonly version: string;
}

/** What can be known of a check before its first finding. */
export interface FindingView {
  readonly report: Pick<CheckSummary, 'policy' | 'snapshotTakenAt' | 'now'>;
  readonly organizationId: string;
  readonly policy: LoadedPolicy;
  readonly version: string;
  readonly earlier?: EarlierReport | undefined;
}

/** A report that is made as the findings of its check come, so that memory does not grow with their number. */
export interface ReportStream {
  /** Takes a finding; those of one control come in the order of the report. */
  see(finding: Finding): void;
  /** The whole report in pieces, ended by a line break; after the last finding. */
  pieces(view: ReportView): Iterable<string>;
}

/** Texts by list, in the order in which they came; see `Spool`. */
export interface Texts {
  add(list: string, text: string): void;
  pieces(list: string): Iterable<string>;
}

export const seen = ({ report, earlier }: FindingView, finding: Finding): Seen | undefined =>
  seenOf(finding, report, earlier);
