/**
 * Why a policy document cannot be used as evidence. A document with a problem makes every answer that depends on it
 * "cannot decide": half a document is no proof that something is denied. Collecting again can help with all of them but
 * `too-many-statements`.
 *
 * | code | the document |
 * |---|---|
 * | `too-long` | has more than 1 MB; AWS keeps none above about 10,000 characters |
 * | `bad-encoding` | looks URL-encoded and does not decode |
 * | `not-json` | is not JSON |
 * | `duplicate-key` | has a key twice in one object, and readers differ on which one counts |
 * | `too-deep` | nests deeper than a policy can |
 * | `too-many-statements` | has more than 10,000 statements |
 * | `not-a-policy` | is JSON, but not of the shape of a policy |
 */
export type IamProblemCode =
  | 'too-long'
  | 'bad-encoding'
  | 'not-json'
  | 'duplicate-key'
  | 'too-deep'
  | 'too-many-statements'
  | 'not-a-policy';

export interface IamProblem {
  readonly code: IamProblemCode;
  /** Where and what, in words: `Statement[2].Effect is neither Allow nor Deny`. */
  readonly message: string;
}
