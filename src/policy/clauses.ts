import {
  type ClausePath,
  type Condition,
  type ConditionValue,
  OPERATORS,
  type Operator,
} from './conditions.ts';
import type { FactName } from './facts.ts';
import { FACT_WORDS, type FactWords } from './words.ts';

export type Leaf = Extract<Condition, { readonly fact: FactName }>;

/** Where every leaf of a tree stands, in the policy's order: `require.any[1].all[0]`. */
export function leavesOf(
  condition: Condition,
  root: ClausePath,
): readonly { readonly path: ClausePath; readonly leaf: Leaf }[] {
  if ('all' in condition)
    return condition.all.flatMap((part, index) => leavesOf(part, `${root}.all[${index}]`));
  if ('any' in condition)
    return condition.any.flatMap((part, index) => leavesOf(part, `${root}.any[${index}]`));
  if ('not' in condition) return leavesOf(condition.not, `${root}.not`);
  return [{ path: root, leaf: condition }];
}

/** The paths that a verdict can name as its deciding clause, in the policy's order. */
export const clausePaths = (condition: Condition, root: ClausePath): readonly ClausePath[] =>
  leavesOf(condition, root).map(({ path }) => path);

/**
 * A condition in one sentence without its full stop: `the delivery of text is disabled`. Nested lists are put in brackets, so the
 * sentence means exactly what the tree means.
 */
export function describeCondition(condition: Condition): string {
  return sentence(condition, false);
}

function sentence(condition: Condition, isNested: boolean): string {
  if ('all' in condition) return joined(condition.all, 'and', isNested);
  if ('any' in condition) return joined(condition.any, 'or', isNested);
  if ('not' in condition) {
    const inner = condition.not;
    return 'fact' in inner ? describeLeaf(inner, true) : `it is not so that ${sentence(inner, true)}`;
  }
  return describeLeaf(condition, false);
}

function joined(parts: readonly Condition[], word: 'and' | 'or', isNested: boolean): string {
  const sentences = parts.map((part) => sentence(part, true));
  const [last, ...before] = sentences.toReversed();
  if (before.length === 0) return last ?? '';
  const whole = `${before.toReversed().join(', ')} ${word} ${last}`;
  return isNested ? `(${whole})` : whole;
}

/** One comparison in words; `isNegated` says the opposite, which over missing evidence is as unknown as the comparison. */
export function describeLeaf(leaf: Leaf, isNegated: boolean): string {
  const words: FactWords = FACT_WORDS[leaf.fact];
  if (leaf.op === 'present') {
    const isThere = (leaf.value === true) !== isNegated;
    const noun = typeof words === 'string' ? words : `a value of \`${leaf.fact}\``;
    if (!noun.startsWith('a ')) return `${noun} ${isThere ? 'is there' : 'is not there'}`;
    return isThere ? `${noun} is named` : `no ${noun.slice(2)} is named`;
  }
  if (typeof words !== 'string' && (leaf.op === 'equal' || leaf.op === 'notEqual')) {
    const isYes = ((leaf.value === true) === (leaf.op === 'equal')) !== isNegated;
    return isYes ? words.yes : words.no;
  }
  const noun = typeof words === 'string' ? words : `\`${leaf.fact}\``;
  const op = isNegated ? OPPOSITE[leaf.op] : leaf.op;
  return `${noun} ${OPERATORS[op].words} ${describeValue(leaf.value)}`;
}

const OPPOSITE = {
  equal: 'notEqual',
  notEqual: 'equal',
  in: 'notIn',
  notIn: 'in',
  lessThan: 'greaterThanInclusive',
  lessThanInclusive: 'greaterThan',
  greaterThan: 'lessThanInclusive',
  greaterThanInclusive: 'lessThan',
  contains: 'doesNotContain',
  doesNotContain: 'contains',
  present: 'present',
} as const satisfies Record<Operator, Operator>;

function describeValue(value: ConditionValue): string {
  if (typeof value === 'string') return `\`${value}\``;
  return typeof value === 'object' ? value.map((each) => describeValue(each)).join(', ') : String(value);
}
