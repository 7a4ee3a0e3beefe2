import { hashOf } from '../../src/core/index.ts';
import { comparePolicies, type PolicyDiff } from '../../src/diff/index.ts';
import { type Condition, type Control, type Policy, parsePolicy } from '../../src/policy/index.ts';
import { edited, POLICY_TEXT, shippedPolicy } from '../policy/shipped.ts';

export const SHIPPED: Policy = shippedPolicy().policy;

/** The diff of two policies that were made in a test. @throws if they cannot be compared */
export function diffOf(old: Policy, next: Policy, budget?: number): PolicyDiff {
  const compared = comparePolicies(
    { policy: { policy: old, hash: hashOf(old), file: 'old.yaml' } },
    { policy: { policy: next, hash: hashOf(next), file: 'new.yaml' } },
    budget === undefined ? {} : { budget },
  );
  if (!compared.ok) throw new Error(compared.error.message);
  return compared.value;
}

/** The shipped policy with pieces of its text replaced; each must be there, and the result must be valid. */
export function editedPolicy(...edits: readonly (readonly [find: string, replace: string])[]): Policy {
  const text = edits.reduce((before, [find, replace]) => edited(before, find, replace), POLICY_TEXT);
  const parsed = parsePolicy(text, 'new.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error, undefined, 2));
  return parsed.value.policy;
}

export const controlOf = (
  subject: Control['subject'],
  require: Condition,
  rest: Partial<Control> = {},
): Control => ({
  id: 'CP-90',
  title: 'A control of a test',
  subject,
  severity: 'high',
  source: [{ document: 'policy', section: '1' }],
  require,
  coverableByException: false,
  message: 'a message',
  remedy: 'a remedy',
  ...rest,
});

export const withControls = (...controls: readonly Control[]): Policy => ({
  ...SHIPPED,
  controls: [...controls],
});
