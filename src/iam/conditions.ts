import type { ContextValue, RequestContext } from './context.ts';
import { type Match, OPERATORS, type Operator } from './operators.ts';
import type { StatementCondition } from './policy-document.ts';
import { isEverything, parseTemplate, resolveTemplate, type Template } from './template.ts';
import { not, or, type Truth, truthOf } from './truth.ts';

type SetOperator = 'ForAllValues' | 'ForAnyValue';

/** One condition (an operator, a key, its values) ready to be evaluated. */
export interface CompiledCondition {
  readonly key: string;
  /** What must hold, in words: `aws:MultiFactorAuthPresent is true`. */
  readonly words: string;
  readonly test: ConditionTest;
}

type ConditionTest =
  | {
      readonly kind: 'compare';
      readonly operator: Operator;
      readonly set: SetOperator | undefined;
      readonly isIfExists: boolean;
      readonly values: readonly Template[];
    }
  | { readonly kind: 'null'; readonly wants: readonly ('absent' | 'present')[] }
  /** Kept, and never true nor false: what we do not understand can neither allow nor deny for certain. */
  | { readonly kind: 'not-understood' };

const NAME = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

export function compileCondition(
  { operator: name, key, values }: StatementCondition,
  version: string,
): CompiledCondition {
  const [, prefix, base = '', suffix] = NAME.exec(name) ?? [];
  const set = prefix === undefined ? undefined : (prefix as SetOperator);
  const operator = OPERATORS.get(base);
  if (key === '' || values.length === 0) return notUnderstood(name, key, values);
  if (base === 'Null' && set === undefined && suffix === undefined) {
    const wants = values.map((value) => NULL_VALUES.get(value.toLowerCase()));
    if (wants.some((want) => want === undefined)) return notUnderstood(name, key, values);
    return {
      key,
      words: wants.length > 1 ? `${key} is there or not` : `${key} is ${wants[0]}`,
      test: { kind: 'null', wants: wants.filter((want) => want !== undefined) },
    };
  }
  if (operator === undefined) return notUnderstood(name, key, values);
  const templates = values.map((value) =>
    parseTemplate(value, operator.hasVariables ? version : '', operator.hasWildcards),
  );
  return {
    key,
    words: describe(key, operator, set, suffix !== undefined, values),
    test: { kind: 'compare', operator, set, isIfExists: suffix !== undefined, values: templates },
  };
}

const NULL_VALUES: ReadonlyMap<string, 'absent' | 'present'> = new Map([
  ['true', 'absent'],
  ['false', 'present'],
]);

const notUnderstood = (name: string, key: string, values: readonly string[]): CompiledCondition => ({
  key,
  words: `${[name, key, listed(values)].filter((part) => part !== '').join(' ')} (not understood)`,
  test: { kind: 'not-understood' },
});

/** Whether the condition holds in a request; rules of the User Guide, "Condition operators" and "Multivalued context keys". */
export function evaluateCondition({ key, test }: CompiledCondition, context: RequestContext): Truth {
  if (test.kind === 'not-understood') return 'unknown';
  const value = context.lookup(key);
  if (test.kind === 'null') return nullTruth(value, test.wants);
  const { operator, set, isIfExists, values } = test;
  if (value.kind === 'unknown') return unknownTruth(test);
  const given = value.kind === 'known' ? value.values : [];
  if (set !== undefined) {
    // A key without values is the empty set, and so is one whose only value is the empty text.
    if (given.length === 0 || (given.length === 1 && given[0] === '')) {
      if (set === 'ForAllValues') return 'true';
      return isIfExists ? 'unknown' : 'false';
    }
    const each = given.map((one) => singleTruth(one, operator, values, context));
    return set === 'ForAllValues' ? not(or(...each.map(not))) : or(...each);
  }
  if (given.length === 0) return isIfExists || operator.isNegated ? 'true' : 'false';
  // A key of many values needs a set operator; without one the outcome is not documented.
  if (given.length > 1) return 'unknown';
  return singleTruth(given[0] ?? '', operator, values, context);
}

/** One value of the request: it must match one of the policy's values, or with a negated operator none of them. */
function singleTruth(
  value: string,
  operator: Operator,
  values: readonly Template[],
  context: RequestContext,
): Truth {
  let anyMatch: Truth = 'false';
  for (const template of values) {
    const expected = resolveTemplate(template, context);
    let match: Truth;
    // A variable without a value matches nothing. Whether "matches nothing" then satisfies a negated operator is not documented.
    if (expected === 'absent') match = operator.isNegated ? 'unknown' : 'false';
    else if (expected === 'unknown') match = 'unknown';
    else match = matchTruth(operator.compare(value, expected));
    if (match === 'true') {
      anyMatch = 'true';
      break;
    }
    if (match === 'unknown') anyMatch = 'unknown';
  }
  return operator.isNegated ? not(anyMatch) : anyMatch;
}

const matchTruth = (match: Match): Truth => (match === 'not-understood' ? 'unknown' : truthOf(match));

function nullTruth(value: ContextValue, wants: readonly ('absent' | 'present')[]): Truth {
  if (value.kind === 'unknown') return 'unknown';
  const isThere = value.kind === 'known' && value.values.length > 0;
  return truthOf(wants.includes(isThere ? 'present' : 'absent'));
}

/** A key that may have any value or none: certain only where every value and its absence pass. */
function unknownTruth({ operator, isIfExists, set, values }: ConditionTest & { kind: 'compare' }): Truth {
  const takesAnything =
    !operator.isNegated &&
    values.some(
      ({ fixed }) => fixed !== undefined && isEverything(fixed) && operator.compare('', fixed) === true,
    );
  return takesAnything && (isIfExists || set === 'ForAllValues') ? 'true' : 'unknown';
}

const MAX_VALUES = 5;
const MAX_LENGTH = 160;

function describe(
  key: string,
  operator: Operator,
  set: SetOperator | undefined,
  isIfExists: boolean,
  values: readonly string[],
): string {
  const subject =
    set === undefined ? key : set === 'ForAllValues' ? `every value of ${key}` : `some value of ${key}`;
  const list = listed(values);
  const choice = values.length === 1 ? list : operator.isNegated ? `any of ${list}` : `one of ${list}`;
  return `${subject} ${operator.words} ${choice}${isIfExists ? ', or it is absent' : ''}`;
}

function listed(values: readonly string[]): string {
  const shown = values.slice(0, MAX_VALUES).map((value) => {
    const text = value === '' ? 'the empty text' : value;
    return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}...` : text;
  });
  const more = values.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
