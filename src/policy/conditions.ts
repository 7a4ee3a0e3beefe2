import type { FactName, FactType } from './facts.ts';

/** Comparison operators, spelled as json-rules-engine spells its own; `present` is ours. */
export const OPERATORS = {
  equal: { facts: ['boolean', 'string', 'number'], takes: 'one', words: 'is' },
  notEqual: { facts: ['boolean', 'string', 'number'], takes: 'one', words: 'is not' },
  in: { facts: ['string', 'number'], takes: 'list', words: 'is one of' },
  notIn: { facts: ['string', 'number'], takes: 'list', words: 'is none of' },
  lessThan: { facts: ['number'], takes: 'one', words: 'is less than' },
  lessThanInclusive: { facts: ['number'], takes: 'one', words: 'is at most' },
  greaterThan: { facts: ['number'], takes: 'one', words: 'is more than' },
  greaterThanInclusive: { facts: ['number'], takes: 'one', words: 'is at least' },
  contains: { facts: ['string-list'], takes: 'element', words: 'contains' },
  doesNotContain: { facts: ['string-list'], takes: 'element', words: 'does not contain' },
  /** `present: true` is the one way to ask whether there is a value; every other operator over an absent fact is unknown. */
  present: { facts: ['boolean', 'string', 'number', 'string-list'], takes: 'boolean', words: 'is present' },
} as const satisfies Record<
  string,
  { facts: readonly FactType[]; takes: 'one' | 'list' | 'element' | 'boolean'; words: string }
>;

export type Operator = keyof typeof OPERATORS;
export const OPERATOR_NAMES = Object.keys(OPERATORS) as readonly Operator[];
export const isOperatorName = (name: string): name is Operator => Object.hasOwn(OPERATORS, name);

export type ConditionValue = boolean | string | number | readonly (string | number)[];

/** A leaf compares one fact; the three others combine. `all` and `any` are never empty (the loader refuses that). */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly fact: FactName; readonly op: Operator; readonly value: ConditionValue };

/** A leaf's place in its control: `require.all[2].not`. Findings and cases name the deciding clause with it. */
export type ClausePath = string;
