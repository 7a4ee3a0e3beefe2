import { type Condition, FACTS, type FactDefinition, type FactName } from '../../src/policy/index.ts';
import type { Outcome } from '../../src/rules/index.ts';

/*
 * A second, independent reading of the policy language: a plain recursive evaluator and the whole truth table. It shares no code with
 * src/rules or src/diff; slow and simple, so that a person can see that it is right.
 */

type Value = string | number | boolean | 'ABSENT!' | 'MISSING!';
const ABSENT = 'ABSENT!';
const MISSING = 'MISSING!';
export type Assignment = Readonly<Partial<Record<FactName, Value>>>;
type Three = true | false | undefined;

export interface Judged {
  readonly when?: Condition | undefined;
  readonly require: Condition;
}

export function naiveOutcome({ when, require }: Judged, facts: Assignment): Outcome {
  const applies = when === undefined ? true : holds(when, facts);
  if (applies === false) return 'not-applicable';
  const met = holds(require, facts);
  if (applies === undefined || met === undefined) return 'indeterminate';
  return met ? 'compliant' : 'non-compliant';
}

function holds(condition: Condition, facts: Assignment): Three {
  if ('all' in condition) {
    const parts = condition.all.map((part) => holds(part, facts));
    return parts.some((part) => part === false)
      ? false
      : parts.every((part) => part === true)
        ? true
        : undefined;
  }
  if ('any' in condition) {
    const parts = condition.any.map((part) => holds(part, facts));
    return parts.some((part) => part === true)
      ? true
      : parts.every((part) => part === false)
        ? false
        : undefined;
  }
  if ('not' in condition) {
    const inner = holds(condition.not, facts);
    return inner === undefined ? undefined : !inner;
  }
  const is = facts[condition.fact] ?? MISSING;
  if (is === MISSING) return undefined;
  if (condition.op === 'present') return (is !== ABSENT) === condition.value;
  if (is === ABSENT) return undefined;
  const wanted = condition.value;
  const list: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
  switch (condition.op) {
    case 'equal':
    case 'in':
      return list.includes(is);
    case 'notEqual':
    case 'notIn':
      return !list.includes(is);
    case 'lessThan':
      return Number(is) < Number(wanted);
    case 'lessThanInclusive':
      return Number(is) <= Number(wanted);
    case 'greaterThan':
      return Number(is) > Number(wanted);
    case 'greaterThanInclusive':
      return Number(is) >= Number(wanted);
    case 'contains':
    case 'doesNotContain':
      throw new Error(`the corpus has no \`${condition.op}\``);
  }
}

const factsIn = (condition: Condition): readonly FactName[] =>
  'all' in condition
    ? condition.all.flatMap(factsIn)
    : 'any' in condition
      ? condition.any.flatMap(factsIn)
      : 'not' in condition
        ? factsIn(condition.not)
        : [condition.fact];

const constantsIn = (condition: Condition, fact: FactName): readonly unknown[] =>
  'all' in condition
    ? condition.all.flatMap((part) => constantsIn(part, fact))
    : 'any' in condition
      ? condition.any.flatMap((part) => constantsIn(part, fact))
      : 'not' in condition
        ? constantsIn(condition.not, fact)
        : condition.fact !== fact
          ? []
          : Array.isArray(condition.value)
            ? condition.value
            : [condition.value];

/** Everything that can make a difference, without any grouping of values: the whole table. */
export function* everyAssignment(...controls: readonly Judged[]): Generator<Assignment> {
  const trees = controls.flatMap(({ when, require }) => (when === undefined ? [require] : [when, require]));
  const facts = [...new Set(trees.flatMap(factsIn))];
  const valuesOf = (fact: FactName): readonly Value[] => {
    const { type, values }: FactDefinition = FACTS[fact];
    const constants = trees.flatMap((tree) => constantsIn(tree, fact));
    const own: readonly Value[] =
      type === 'boolean'
        ? [true, false]
        : type === 'number'
          ? Array.from(
              { length: Math.max(0, ...constants.filter((each) => typeof each === 'number')) + 2 },
              (_, n) => n,
            )
          : (values ?? [...new Set(constants.filter((each) => typeof each === 'string')), 'something else']);
    return [MISSING, ABSENT, ...own];
  };
  const domains = facts.map(valuesOf);
  const walk = function* (index: number, chosen: Assignment): Generator<Assignment> {
    const fact = facts[index];
    if (fact === undefined) yield chosen;
    else for (const value of domains[index] ?? []) yield* walk(index + 1, { ...chosen, [fact]: value });
  };
  yield* walk(0, {});
}

export const known = (facts: Assignment): number =>
  Object.values(facts).filter((value) => value !== MISSING).length;

/** Every step from outcome to outcome that occurs, with the fewest known facts it takes. */
export function naiveSteps(old: Judged, next: Judged): ReadonlyMap<string, number> {
  const steps = new Map<string, number>();
  for (const facts of everyAssignment(old, next)) {
    const step = `${naiveOutcome(old, facts)} -> ${naiveOutcome(next, facts)}`;
    steps.set(step, Math.min(steps.get(step) ?? Number.POSITIVE_INFINITY, known(facts)));
  }
  return steps;
}

const LOOSER = new Set([
  'non-compliant -> compliant',
  'non-compliant -> indeterminate',
  'non-compliant -> not-applicable',
  'indeterminate -> compliant',
  'indeterminate -> not-applicable',
]);
const reversed = (step: string): string => step.split(' -> ').reverse().join(' -> ');

export function naiveDirection(
  steps: ReadonlyMap<string, number>,
): 'loosening' | 'tightening' | 'both' | 'neutral' {
  const loosens = [...steps.keys()].some((step) => LOOSER.has(step));
  const tightens = [...steps.keys()].some((step) => LOOSER.has(reversed(step)));
  return loosens && tightens ? 'both' : loosens ? 'loosening' : tightens ? 'tightening' : 'neutral';
}
