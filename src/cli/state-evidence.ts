import type { EpochMs } from '../core/index.ts';
import type { EvidenceSources } from '../evidence/index.ts';
import type { KeptException, LeaseRow } from '../exceptions/index.ts';
import type { ReviewHistory } from '../review/index.ts';
import type { TimelineEvent } from './report/html.ts';

/**
 * The embedded AWS of a state directory, open for reading; made by `stateEvidence` in state.ts. While it is open nobody else can open the
 * directory, so two commands never see half of each other's work.
 */
export interface StateEvidence {
  readonly sources: EvidenceSources;
  /** Whether its clock is simulated too, and not only its AWS. */
  readonly isSimulated: boolean;
  /** The state's own time: simulated, or the machine's. */
  readonly now: EpochMs;
  readonly leases: readonly LeaseRow[];
  /** Every exception on record, for the controls CP-18 and CP-19. */
  readonly exceptions: readonly KeptException[];
  /** The reviews of the policy, for control PT-6. */
  readonly reviews: ReviewHistory;
  /** What was recorded in the state so far, oldest first. */
  readonly timeline: readonly TimelineEvent[];
  /** Gives the directory back to others. */
  close(): Promise<void>;
}
