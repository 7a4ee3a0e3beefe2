import { type ClausePath, type Condition, type FactName, type Leaf, leavesOf } from '../policy/index.ts';
import type { Decidable, Outcome, Truth } from '../rules/index.ts';
import { DecisionDiagram, NODE_BUDGET, type NodeId } from './decision-diagram.ts';
import { type Region, regionsOf } from './regions.ts';
import type { ExampleFact } from './types.ts';

/*
 * A control as a function: facts -> outcome, written out over the whole finite abstraction. Conditions are strong Kleene logic
 * (src/rules/truth.ts): with false < unknown < true, `all` is the least and `any` the greatest of its parts.
 */

const TRUTHS = ['false', 'unknown', 'true'] as const satisfies readonly Truth[];
const FALSE = 0;
const UNKNOWN = 1;
const TRUE = 2;

/** As numbers, the values of an outcome function. */
export const OUTCOMES = [
  'compliant',
  'indeterminate',
  'non-compliant',
  'not-applicable',
] as const satisfies readonly Outcome[];

/** One clause may be taken out of a tree to ask what it is for: it then counts as `as`. */
export interface Replaced {
  readonly clause: ClausePath;
  readonly as: 'true' | 'false';
}

/** The space of fact sets that all given controls together can tell apart, and their outcome functions in it. */
export class OutcomeSpace {
  readonly #diagram: DecisionDiagram;
  readonly #facts: readonly FactName[];
  readonly #regions: readonly (readonly Region[])[];
  readonly #leaves: readonly (readonly Leaf[])[];

  /** @throws {OverBudget} */
  constructor(controls: readonly Decidable[], budget: number = NODE_BUDGET) {
    const byFact = new Map<FactName, Map<string, Leaf>>();
    for (const control of controls) {
      for (const leaf of leavesOfControl(control)) {
        const known = byFact.get(leaf.fact) ?? new Map<string, Leaf>();
        byFact.set(leaf.fact, known.set(keyOf(leaf), leaf));
      }
    }
    this.#facts = [...byFact.keys()];
    this.#leaves = [...byFact.values()].map((leaves) => [...leaves.values()]);
    this.#regions = this.#facts.map((fact, index) => regionsOf(fact, this.#leaves[index] ?? []));
    this.#diagram = new DecisionDiagram(
      this.#regions.map(({ length }) => length),
      budget,
    );
  }

  /** Facts -> outcome, as an index into {@link OUTCOMES}. */
  outcomeOf(control: Decidable, replaced?: Replaced): NodeId {
    const require = this.#truth(control.require, 'require', replaced);
    if (control.when === undefined) return this.#diagram.combine(require, require, outcomeOfTruths(TRUE));
    const when = this.#truth(control.when, 'when', replaced);
    return this.#diagram.combine(when, require, (truth, required) => outcomeOfTruths(truth)(required));
  }

  /** Facts -> the pair of two functions, as {@link pairOf} numbers it. */
  pair(old: NodeId, new_: NodeId): NodeId {
    return this.#diagram.combine(old, new_, (left, right) => left * OUTCOMES.length + right);
  }

  valuesOf(node: NodeId): ReadonlySet<number> {
    return this.#diagram.valuesOf(node);
  }

  /**
   * The example with the fewest facts for which the function is `wanted`; among these, the most familiar values.
   * What it leaves out counts as not known, and the function's value does not depend on it.
   */
  exampleOf(node: NodeId, wanted: number): readonly ExampleFact[] | undefined {
    const region = (variable: number, value: number): Region | undefined => this.#regions[variable]?.[value];
    return this.#diagram
      .cheapest(node, wanted, (variable, value) => region(variable, value)?.cost ?? 0)
      ?.flatMap(([variable, value]) => region(variable, value)?.example ?? []);
  }

  #truth(condition: Condition, path: ClausePath, replaced: Replaced | undefined): NodeId {
    const diagram = this.#diagram;
    if ('all' in condition)
      return condition.all
        .map((part, index) => this.#truth(part, `${path}.all[${index}]`, replaced))
        .reduce((left, right) => diagram.combine(left, right, Math.min));
    if ('any' in condition)
      return condition.any
        .map((part, index) => this.#truth(part, `${path}.any[${index}]`, replaced))
        .reduce((left, right) => diagram.combine(left, right, Math.max));
    if ('not' in condition) {
      const part = this.#truth(condition.not, `${path}.not`, replaced);
      return diagram.combine(part, part, (truth) => TRUE - truth);
    }
    if (replaced?.clause === path) return diagram.constant(TRUTHS.indexOf(replaced.as));
    const variable = this.#facts.indexOf(condition.fact);
    const place = this.#leaves[variable]?.findIndex((leaf) => keyOf(leaf) === keyOf(condition)) ?? -1;
    return diagram.table(
      variable,
      (this.#regions[variable] ?? []).map(({ truths }) => TRUTHS.indexOf(truths[place] ?? 'unknown')),
    );
  }
}

/** The number of a pair of outcomes in {@link OutcomeSpace.pair}. */
export const pairOf = (old: Outcome, new_: Outcome): number =>
  OUTCOMES.indexOf(old) * OUTCOMES.length + OUTCOMES.indexOf(new_);

/** As src/rules/verdict.ts; witnesses are replayed through it, so a difference would not stay hidden. */
const outcomeOfTruths =
  (when: number) =>
  (require: number): number =>
    OUTCOMES.indexOf(
      when === FALSE
        ? 'not-applicable'
        : when === UNKNOWN || require === UNKNOWN
          ? 'indeterminate'
          : require === TRUE
            ? 'compliant'
            : 'non-compliant',
    );

const keyOf = ({ op, value }: Leaf): string => `${op} ${JSON.stringify(value)}`;

export const leavesOfControl = ({ when, require }: Decidable): readonly Leaf[] => [
  ...(when === undefined ? [] : leavesOf(when, 'when').map(({ leaf }) => leaf)),
  ...leavesOf(require, 'require').map(({ leaf }) => leaf),
];
