/**
 * A bug, never an answer: what the policy loader should have refused reached the evaluator, or an evaluator contradicts itself.
 *
 * | code | meaning | retry helps |
 * |---|---|---|
 * | `CONDITION_REFUSED` | the tree is empty somewhere, has keys beyond the language, or names an unknown fact or operator | no |
 * | `ENGINE_INCOMPLETE` | json-rules-engine left a condition without a result | no |
 * | `UNKNOWN_CONTROL` | cases were run against a policy they were not parsed for | no |
 */
export class RulesError extends Error {
  readonly code: 'CONDITION_REFUSED' | 'ENGINE_INCOMPLETE' | 'UNKNOWN_CONTROL';

  constructor(code: RulesError['code'], message: string) {
    super(message);
    this.name = 'RulesError';
    this.code = code;
  }
}
