import { assertNever } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import {
  type ConditionValue,
  type FactName,
  type FactType,
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

/** As {@link compare}, with all that follows from the comparison alone settled once. */
export function comparatorOf({
  fact,
  op,
  value,
}: Comparison): (observation: Observation<FactValue>) => Truth {
  const whenAbsent: Truth = op === 'present' && typeof value === 'boolean' ? truth(!value) : 'unknown';
  const { type, values } = factDefinition(fact);
  const known = values === undefined ? undefined : new Set<unknown>(values);
  const decide = valueComparator(op, value);
  return (observation) => {
    switch (observation.kind) {
      case 'unobservable':
        return 'unknown';
      case 'absent':
        return whenAbsent;
      case 'observed': {
        const actual = observation.value;
        return isOfType(actual, type) && (known === undefined || known.has(actual))
          ? decide(actual)
          : 'unknown';
      }
      default:
        return assertNever(observation, 'observation');
    }
  };
}

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
function isOfType(value: unknown, type: FactType): boolean {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'string-list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    default:
      return assertNever(type, 'fact type');
  }
}
