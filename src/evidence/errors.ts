/**
 * | code | meaning | retry helps |
 * |---|---|---|
 * | `organization-unreadable` | the organization could not be read, so nobody knows which accounts exist | when AWS throttled or failed |
 * | `no-regions` | no Region was asked for | no |
 * | `collection-aborted` | the caller stopped the collection | yes |
 */
export type EvidenceErrorCode = 'organization-unreadable' | 'no-regions' | 'collection-aborted';

/** Why no snapshot could be taken. One account's failure is never an error: it is an `unobservable` observation. */
export class EvidenceError extends Error {
  readonly code: EvidenceErrorCode;
  /** What a person can do about it. */
  readonly remedy: string;
  readonly isRetryable: boolean;

  constructor(code: EvidenceErrorCode, message: string, remedy: string, isRetryable: boolean) {
    super(message);
    this.name = 'EvidenceError';
    this.code = code;
    this.remedy = remedy;
    this.isRetryable = isRetryable;
  }
}

/**
 * | code | meaning |
 * |---|---|
 * | `snapshot-missing` | the folder or its `organization.json` is not there |
 * | `not-json` | a file is not valid JSON, for example cut off |
 * | `schema-version` | written in another version of the layout |
 * | `shape` | the envelope of a file has an unknown, missing or wrong field |
 * | `duplicate` | an account, unit or Region stands twice |
 * | `tree` | the organization's tree does not hold together |
 * | `identity-mismatch` | a file says it is about another account or Region than its path |
 * | `unknown-account` | files for an account that is not in the organization |
 * | `unknown-region` | a file for a Region that the snapshot does not list |
 * | `unexpected-file` | a file with a name the layout does not know |
 * | `incomplete` | the collection stopped before every account was read |
 * | `file-missing` | an account has some of its files, but not all |
 * | `unreadable` | the operating system would not give or take a file |
 * | `too-large` | a file is larger than any snapshot file can be |
 */
export type SnapshotProblemCode =
  | 'snapshot-missing'
  | 'not-json'
  | 'schema-version'
  | 'shape'
  | 'duplicate'
  | 'tree'
  | 'identity-mismatch'
  | 'unknown-account'
  | 'unknown-region'
  | 'unexpected-file'
  | 'incomplete'
  | 'file-missing'
  | 'unreadable'
  | 'too-large';

/** One fault of a snapshot folder: where it is, what it is, what to do. */
export interface SnapshotProblem {
  readonly code: SnapshotProblemCode;
  /** The file; below the snapshot's folder, or with the folder in front when the reader knew it. */
  readonly file: string;
  /** `organization.accounts[3].id`; empty for the whole file. */
  readonly field: string;
  readonly message: string;
  readonly remedy: string;
}

/** Two lines for a terminal. */
export function formatSnapshotProblem(problem: SnapshotProblem): string {
  const what = problem.field === '' ? problem.message : `${problem.field}: ${problem.message}`;
  return `${problem.file}\n  ${what} [${problem.code}]\n  ${problem.remedy}`;
}
