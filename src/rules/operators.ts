import { assertNever } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import {
  type ConditionValue,
  type FactName,
  type FactValue,
  factDefinition,
  type Operator,
} from '../policy/index.ts';
import type { Truth } from './types.ts';

export interface Comparison {
  readonly fact: FactName;
  readonly op: Operator;
  readonly value: ConditionValue;
}

const truth = (holds: boolean): Truth => (holds ? 'true' : 'false');

/**
 * What one comparison says of one observation, in three values and without coercion.
 *
 * `unknown` whenever the evidence does not decide: unobservable, a value that is not of the fact's type or not in its closed
 * list, NaN and infinities, and every operator but `present` over an absent fact. `notEqual` over nothing is therefore not true:
 * a negative comparison must not pass because evidence is missing.
 * INVARIANT (unknown is never green): no operator turns `unobservable` into `true` or `false`.
 */
export const compare = (comparison: Comparison, observation: Observation<FactValue>): Truth =>
  comparatorOf(comparison)(observation);

/** As {@link compare}, with all that follows from the comparison alone settled once: texts and booleans have their answer looked up. */
export function comparatorOf({
  fact,
  op,
  value,
}: Comparison): (observation: Observation<FactValue>) => Truth {
  const whenAbsent: Truth = op === 'present' && typeof value === 'boolean' ? truth(!value) : 'unknown';
  const { type, values } = factDefinition(fact);
  const decide = valueComparator(op, value);
  if (type === 'number' || type === 'string-list')
    return (observation) => {
      if (observation.kind !== 'observed') return observation.kind === 'absent' ? whenAbsent : 'unknown';
      const actual = observation.value;
      return isOfType(actual, type) ? decide(actual) : 'unknown';
    };
  const named: readonly FactValue[] = type === 'boolean' ? [true, false] : (values ?? textsOf(value));
  const settled = new Map<FactValue, Truth>(named.map((each) => [each, decide(each)]));
  // Where any text may be compared, all that the comparison does not name are decided alike.
  const otherText = type === 'string' && values === undefined ? decide(unlike(named)) : 'unknown';
  return (observation) => {
    if (observation.kind !== 'observed') return observation.kind === 'absent' ? whenAbsent : 'unknown';
    const actual = observation.value;
    return settled.get(actual) ?? (typeof actual === 'string' ? otherText : 'unknown');
  };
}

const textsOf = (value: ConditionValue): readonly string[] =>
  (isList(value) ? value : [value]).filter((each) => typeof each === 'string');

/** Longer than any of them. */
const unlike = (texts: readonly FactValue[]): string => `${texts.join()}.`;

const undecided = (): Truth => 'unknown';

/** Decides on a value that is of the fact's type. */
function valueComparator(op: Operator, expected: ConditionValue): (actual: FactValue) => Truth {
  switch (op) {
    case 'present':
      return typeof expected === 'boolean' ? () => truth(expected) : undecided;
    case 'equal':
    case 'notEqual': {
      const type = typeof expected;
      const isEqual = op === 'equal';
      // A list is equal to nothing that a policy can write.
      return (actual) =>
        typeof actual !== type || typeof actual === 'object'
          ? 'unknown'
          : truth((actual === expected) === isEqual);
    }
    case 'in':
    case 'notIn': {
      if (!isList(expected)) return undecided;
      const types = new Set(expected.map((item) => typeof item));
      const [type, ...more] = types;
      const isIn = op === 'in';
      // An empty list has no type, and nothing is in it.
      if (type === undefined) return () => truth(!isIn);
      if (more.length > 0) return undecided;
      const items = new Set<unknown>(expected);
      return (actual) => (typeof actual === type ? truth(items.has(actual) === isIn) : 'unknown');
    }
    case 'lessThan':
    case 'lessThanInclusive':
    case 'greaterThan':
    case 'greaterThanInclusive':
      if (typeof expected !== 'number' || !Number.isFinite(expected)) return undecided;
      return (actual) => (typeof actual === 'number' ? truth(ordered(op, actual, expected)) : 'unknown');
    case 'contains':
    case 'doesNotContain': {
      if (typeof expected !== 'string') return undecided;
      const isIn = op === 'contains';
      return (actual) => (Array.isArray(actual) ? truth(actual.includes(expected) === isIn) : 'unknown');
    }
    default:
      return assertNever(op, 'operator');
  }
}

type Ordering = 'lessThan' | 'lessThanInclusive' | 'greaterThan' | 'greaterThanInclusive';

function ordered(op: Ordering, left: number, right: number): boolean {
  switch (op) {
    case 'lessThan':
      return left < right;
    case 'lessThanInclusive':
      return left <= right;
    case 'greaterThan':
      return left > right;
    case 'greaterThanInclusive':
      return left >= right;
    default:
      return assertNever(op, 'operator');
  }
}

const isList = (value: ConditionValue): value is readonly (string | number)[] => Array.isArray(value);

/** The types of observations are a promise of the compiler; what was read from a file may still break it. */
const isOfType = (value: unknown, type: 'number' | 'string-list'): boolean =>
  type === 'number'
    ? typeof value === 'number' && Number.isFinite(value)
    : Array.isArray(value) && value.every((item) => typeof item === 'string');
