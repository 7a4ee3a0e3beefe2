import { canonicalJson } from '../core/index.ts';
import {
  type ClausePath,
  type Condition,
  type ConditionValue,
  type Control,
  factDefinition,
  type Leaf,
  type Operator,
} from '../policy/index.ts';
import type { Decidable } from './compile.ts';

/** A control with one small mistake in it, of the kind people make. */
export interface Mutant {
  readonly controlId: string;
  /** The node that was changed, as the original counts it. */
  readonly clause: ClausePath;
  /** What was changed, in a few words. */
  readonly change: string;
  readonly control: Decidable;
}

interface Change {
  readonly clause: ClausePath;
  readonly change: string;
  readonly condition: Condition;
}

/**
 * Every control that differs from this one by one mistake: a part left out, `all` for `any`, the opposite asked, a bound moved by one,
 * another constant, a list one entry shorter or longer, `when` left out. Each tree once, in the policy's order.
 */
export function mutantsOf({
  id,
  when,
  require,
}: Pick<Control, 'id' | 'when' | 'require'>): readonly Mutant[] {
  const original = when === undefined ? { id, require } : { id, when, require };
  const of = ({ clause, change }: Change, control: Decidable): Mutant => ({
    controlId: id,
    clause,
    change,
    control,
  });
  const mutants = [
    ...(when === undefined
      ? []
      : [
          of({ clause: 'when', change: '`when` left out', condition: require }, { id, require }),
          ...changesOf(when, 'when').map((each) => of(each, { ...original, when: each.condition })),
        ]),
    ...changesOf(require, 'require').map((each) => of(each, { ...original, require: each.condition })),
  ];
  const seen = new Set([canonicalJson(original)]);
  return mutants.filter(({ control }) => {
    const tree = canonicalJson(control);
    return !seen.has(tree) && seen.add(tree) !== undefined;
  });
}

function changesOf(condition: Condition, path: ClausePath): readonly Change[] {
  if ('fact' in condition) return leafChanges(condition, path);
  if ('not' in condition)
    return [
      { clause: path, change: '`not` left out', condition: condition.not },
      ...changesOf(condition.not, `${path}.not`).map((each) => ({
        ...each,
        condition: { not: each.condition },
      })),
    ];
  const kind = 'all' in condition ? 'all' : 'any';
  const parts = 'all' in condition ? condition.all : condition.any;
  const list = (of: 'all' | 'any', items: readonly Condition[]): Condition =>
    of === 'all' ? { all: items } : { any: items };
  const other = kind === 'all' ? 'any' : 'all';
  return [
    ...(parts.length < 2
      ? []
      : [
          { clause: path, change: `\`${other}\` for \`${kind}\``, condition: list(other, parts) },
          ...parts.map((_, index) => ({
            clause: `${path}.${kind}[${index}]`,
            change: 'left out',
            condition: list(kind, parts.toSpliced(index, 1)),
          })),
        ]),
    ...parts.flatMap((part, index) =>
      changesOf(part, `${path}.${kind}[${index}]`).map((each) => ({
        ...each,
        condition: list(kind, parts.toSpliced(index, 1, each.condition)),
      })),
    ),
  ];
}

/** The operator that asks the opposite, and for bounds the one that moves them by one. */
const OTHER_OPERATORS = {
  equal: ['notEqual'],
  notEqual: ['equal'],
  in: ['notIn'],
  notIn: ['in'],
  lessThan: ['greaterThanInclusive', 'lessThanInclusive'],
  lessThanInclusive: ['greaterThan', 'lessThan'],
  greaterThan: ['lessThanInclusive', 'greaterThanInclusive'],
  greaterThanInclusive: ['lessThan', 'greaterThan'],
  contains: ['doesNotContain'],
  doesNotContain: ['contains'],
  present: [],
} as const satisfies Record<Operator, readonly Operator[]>;

function leafChanges(leaf: Leaf, path: ClausePath): readonly Change[] {
  const at = (change: string, edit: Partial<Leaf>): Change => ({
    clause: path,
    change,
    condition: { ...leaf, ...edit },
  });
  return [
    ...OTHER_OPERATORS[leaf.op].map((op) => at(`\`${op}\` for \`${leaf.op}\``, { op })),
    ...otherValues(leaf).map((value) => at(`\`${said(value)}\` for \`${said(leaf.value)}\``, { value })),
  ];
}

const said = (value: ConditionValue): string =>
  typeof value === 'object' ? `[${value.join(', ')}]` : String(value);

/** Constants a person might have written instead. For a boolean the other one is the opposite operator again, except with `present`. */
function otherValues({ fact, op, value }: Leaf): readonly ConditionValue[] {
  const { values = [] } = factDefinition(fact);
  if (typeof value === 'boolean') return op === 'present' ? [!value] : [];
  if (typeof value === 'number') return [value - 1, value + 1];
  if (typeof value === 'string')
    return values.length === 0 ? [`not-${value}`] : values.filter((other) => other !== value);
  return [
    ...(value.length < 2 ? [] : value.map((_, index) => value.toSpliced(index, 1))),
    ...values.filter((other) => !value.includes(other)).map((other) => [...value, other]),
  ];
}
