import { DOCUMENT_PROBLEMS, type DocumentProblemCode } from '../core/index.ts';

/** What the policy language itself refuses. Codes are stable: scripts and editors may rely on them. */
const LANGUAGE_PROBLEMS = {
  'wrong-kind': 'the file is of another kind than expected',
  'unsupported-version': 'the file is written in a version of the language that this version does not read',
  'missing-key': 'a key that must be there is not',
  'unknown-key': 'a key that the language does not have',
  'wrong-type': 'a value of another type than expected (text, number, true or false, list, mapping)',
  'wrong-form': 'a text that does not have the expected form',
  'value-not-allowed': 'a value outside the closed list of values',
  'empty-text': 'a text that must say something says nothing',
  'text-too-long': 'a text longer than allowed',
  'list-too-short': 'a list with too few entries, often none',
  'list-too-long': 'a list with too many entries',
  'out-of-range': 'a number below or above what is allowed',
  'not-a-duration': 'a length of time without unit, or not a whole number, or zero where time must pass',
  'not-an-instant': 'a time that is not an absolute UTC instant with seconds',
  'duplicate-entry': 'the same id, role, Region or other name twice where each may stand once',

  'condition-empty': 'a condition that says nothing, or an empty `all` or `any`',
  'condition-ambiguous': 'a condition that is several things at once (`all` beside `any`)',
  'condition-too-deep': 'conditions nested more deeply than people can follow',
  'unknown-fact': 'a fact that does not exist',
  'unknown-operator': 'an operator that does not exist',
  'fact-not-for-subject': 'a fact that is not known of the control’s subject',
  'operator-not-for-fact': 'an operator that does not fit the type of the fact',
  'value-not-for-fact': 'a value that does not fit the type of the fact, or the operator',
  'value-not-known': 'a value that the fact can never have',

  'unknown-source': 'a source reference to a document that `sources` does not list',
  'unknown-carrier': 'a statement carried by something that is not in the file',
  'missing-role': 'the policy does not ask Legal, or does not ask Security',
  'override-empty': 'an override that changes nothing',
  'override-looser': 'an override that is looser than what it overrides',
  'limits-contradict': 'limits that cannot be kept together, or that break a bound of the language',
  'administrator-too-wide': 'a pattern that makes every principal a storage administrator',
  'not-coverable': 'a control that no exception can cover says that one may',
  'effective-from-missing': 'a policy in force that does not say since when',

  'wrong-policy': 'the cases are written for another policy',
  'unknown-control': 'a case for a control that the policy does not have',
  'unknown-clause': 'an expected clause that the control does not have',
  'clause-not-for-outcome': 'an expected clause that can never decide the expected outcome',

  'too-many-problems': 'the file has more faults than are listed',
} as const;

/** Every code that `parsePolicy` and `parsePolicyCases` can give, with its meaning; docs/policy-language.md shows the same table. */
export const POLICY_PROBLEMS = { ...DOCUMENT_PROBLEMS, ...LANGUAGE_PROBLEMS } as const satisfies Record<
  string,
  string
>;
export type PolicyProblemCode = keyof typeof LANGUAGE_PROBLEMS | DocumentProblemCode;
