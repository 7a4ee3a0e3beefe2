/**
 * Reduced, ordered decision diagrams over variables with few values: the exact table of a function, stored without repetition.
 * Two functions built in one diagram are equal exactly if their nodes are the same number, so equivalence is decided and not
 * sampled.
 *
 * After R. Bryant, *Graph-Based Algorithms for Boolean Function Manipulation* (1986), with more than two edges per node.
 */

/** The index of a node. Only meaningful within the diagram that gave it. */
export type NodeId = number;

/** More nodes than the budget were needed: the question stays undecided. */
export class OverBudget extends Error {
  constructor(budget: number) {
    super(`the comparison needs more than ${budget} nodes`);
    this.name = 'OverBudget';
  }
}

/** Enough for every policy that people have written; a diagram of this size takes some 50 MB and one second. */
export const NODE_BUDGET = 200_000;

const NO_VARIABLE = Number.MAX_SAFE_INTEGER;

export class DecisionDiagram {
  readonly #sizes: readonly number[];
  readonly #budget: number;
  readonly #variables: number[] = [];
  readonly #children: (readonly NodeId[])[] = [];
  readonly #values: number[] = [];
  readonly #known = new Map<string, NodeId>();
  #steps = 0;

  /**
   * @param sizes - how many values each variable has; variables are asked in this order
   * @param budget - most nodes, and most steps of one combination times ten, before {@link OverBudget} is thrown
   */
  constructor(sizes: readonly number[], budget: number = NODE_BUDGET) {
    this.#sizes = sizes;
    this.#budget = budget;
  }

  /** The function that is `value` everywhere; whole numbers from 0. */
  constant(value: number): NodeId {
    return this.#make(`=${value}`, NO_VARIABLE, [], value);
  }

  /** The function of one variable alone: `values[i]` where the variable has its value `i`. */
  table(variable: number, values: readonly number[]): NodeId {
    if (values.length !== this.#sizes[variable])
      throw new RangeError(`variable ${variable} has another size`);
    return this.#node(
      variable,
      values.map((value) => this.constant(value)),
    );
  }

  /** `combine` applied everywhere to the values of two functions. */
  combine(left: NodeId, right: NodeId, combine: (left: number, right: number) => number): NodeId {
    const done = new Map<number, NodeId>();
    const walk = (one: NodeId, other: NodeId): NodeId => {
      const key = one * 0x4000000 + other;
      const known = done.get(key);
      if (known !== undefined) return known;
      if (++this.#steps > this.#budget * 10) throw new OverBudget(this.#budget);
      const variable = Math.min(this.#variable(one), this.#variable(other));
      const result =
        variable === NO_VARIABLE
          ? this.constant(combine(this.#value(one), this.#value(other)))
          : this.#node(
              variable,
              Array.from({ length: this.#sizes[variable] ?? 0 }, (_, index) =>
                walk(this.#branch(one, variable, index), this.#branch(other, variable, index)),
              ),
            );
      done.set(key, result);
      return result;
    };
    return walk(left, right);
  }

  /** Every value the function has somewhere. */
  valuesOf(root: NodeId): ReadonlySet<number> {
    const seen = new Set<NodeId>();
    const values = new Set<number>();
    const walk = (node: NodeId): void => {
      if (seen.has(node)) return;
      seen.add(node);
      if (this.#variable(node) === NO_VARIABLE) values.add(this.#value(node));
      for (const child of this.#childrenOf(node)) walk(child);
    };
    walk(root);
    return values;
  }

  /**
   * The cheapest choice of values for which the function is `wanted`. Variables that do not matter are left out and cost nothing.
   * Of choices that cost the same, always the same one.
   *
   * @returns pairs of variable and value, in the order of the variables; undefined if the function is never `wanted`
   */
  cheapest(
    root: NodeId,
    wanted: number,
    costOf: (variable: number, value: number) => number,
  ): readonly (readonly [variable: number, value: number])[] | undefined {
    interface Best {
      readonly cost: number;
      readonly value: number;
    }
    const best = new Map<NodeId, Best>();
    const walk = (node: NodeId): number => {
      const known = best.get(node);
      if (known !== undefined) return known.cost;
      const variable = this.#variable(node);
      let found: Best = { cost: Number.POSITIVE_INFINITY, value: 0 };
      if (variable === NO_VARIABLE) {
        if (this.#value(node) === wanted) found = { cost: 0, value: 0 };
      } else {
        for (const [value, child] of this.#childrenOf(node).entries()) {
          const cost = walk(child) + costOf(variable, value);
          if (cost < found.cost) found = { cost, value };
        }
      }
      best.set(node, found);
      return found.cost;
    };
    if (walk(root) === Number.POSITIVE_INFINITY) return undefined;
    const path: (readonly [number, number])[] = [];
    let node = root;
    while (this.#variable(node) !== NO_VARIABLE) {
      const { value } = best.get(node) ?? { value: 0 };
      path.push([this.#variable(node), value]);
      node = this.#childrenOf(node)[value] ?? node;
    }
    return path;
  }

  #node(variable: number, children: readonly NodeId[]): NodeId {
    const [first] = children;
    if (first !== undefined && children.every((child) => child === first)) return first;
    return this.#make(`${variable}:${children.join()}`, variable, children, 0);
  }

  #make(key: string, variable: number, children: readonly NodeId[], value: number): NodeId {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#variables.length;
    if (id >= this.#budget) throw new OverBudget(this.#budget);
    this.#variables.push(variable);
    this.#children.push(children);
    this.#values.push(value);
    this.#known.set(key, id);
    return id;
  }

  #branch(node: NodeId, variable: number, index: number): NodeId {
    return this.#variable(node) === variable ? (this.#childrenOf(node)[index] ?? node) : node;
  }
  #variable = (node: NodeId): number => this.#variables[node] ?? NO_VARIABLE;
  #childrenOf = (node: NodeId): readonly NodeId[] => this.#children[node] ?? [];
  #value = (node: NodeId): number => this.#values[node] ?? 0;
}
