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
export function compare(comparison: Comparison, observation: Observation<FactValue>): Truth {
  const { fact, op, value } = comparison;
  switch (observation.kind) {
    case 'unobservable':
      return 'unknown';
    case 'absent':
      return op === 'present' && typeof value === 'boolean' ? truth(!value) : 'unknown';
    case 'observed':
      return compareValue(fact, op, observation.value, value);
    default:
      return assertNever(observation, 'observation');
  }
}

function compareValue(fact: FactName, op: Operator, actual: FactValue, expected: ConditionValue): Truth {
  const definition = factDefinition(fact);
  if (!isOfType(actual, definition.type)) return 'unknown';
  if (definition.values !== undefined && !(typeof actual === 'string' && definition.values.includes(actual)))
    return 'unknown';
  switch (op) {
    case 'present':
      return typeof expected === 'boolean' ? truth(expected) : 'unknown';
    case 'equal':
    case 'notEqual':
      if (Array.isArray(actual) || typeof actual !== typeof expected) return 'unknown';
      return truth((actual === expected) === (op === 'equal'));
    case 'in':
    case 'notIn': {
      if (!isList(expected) || expected.some((item) => typeof item !== typeof actual)) return 'unknown';
      return truth(expected.some((item) => item === actual) === (op === 'in'));
    }
    case 'lessThan':
    case 'lessThanInclusive':
    case 'greaterThan':
    case 'greaterThanInclusive':
      if (typeof actual !== 'number' || typeof expected !== 'number' || !Number.isFinite(expected))
        return 'unknown';
      return truth(ordered(op, actual, expected));
    case 'contains':
    case 'doesNotContain':
      if (!Array.isArray(actual) || typeof expected !== 'string') return 'unknown';
      return truth(actual.includes(expected) === (op === 'contains'));
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
