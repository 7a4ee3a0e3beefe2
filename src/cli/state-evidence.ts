import type { EpochMs } from '../core/index.ts';
import type { EvidenceSources } from '../evidence/index.ts';
import type { LeaseRow } from '../exceptions/index.ts';

/** The embedded AWS of a state directory, open for reading. */
export interface StateEvidence {
  readonly sources: EvidenceSources;
  /** The state's own time: simulated, or the machine's. */
  readonly now: EpochMs;
  readonly leases: readonly LeaseRow[];
  /** Gives the directory back to others. */
  close(): Promise<void>;
}

/**
 * Opens a state directory. Guarantee: one writer at a time, so two commands never see half of each other's work.
 * @throws {CliFailure} `EXIT.fault` when it is in use, `EXIT.malformed` when it is not a state directory
 */
export type OpenState = (dir: string) => Promise<StateEvidence>;
