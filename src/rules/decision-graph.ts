import { assertNever } from '../core/index.ts';
import type { ClausePath } from '../policy/index.ts';
import type { ClauseNode, CompiledControl } from './compile.ts';
import type { Comparison } from './operators.ts';
import { notOf } from './truth.ts';
import type { Decision, Truth } from './types.ts';
import { OUTCOME_OF, OUTCOME_UNLESS } from './verdict.ts';

/**
 * The decision of one control as a graph: every state asks for the truth value of one comparison, and each of the three values leads to
 * another state or to the decision. Following it calls nothing and takes at most one step for each condition.
 */
export interface DecisionGraph {
  /** Like every state below: its index, or, where it is negative, the complement (`~`) of an index in `decisions`. */
  readonly start: number;
  /** The comparison that a state asks for. */
  readonly asks: readonly number[];
  readonly onTrue: readonly number[];
  readonly onFalse: readonly number[];
  readonly onUnknown: readonly number[];
  readonly decisions: readonly Decision[];
}

/** A graph has up to the square of its conditions in states, more where groups stand in groups; the controls of a policy have a few. */
const MAX_CONDITIONS = 64;
const MAX_STATES = 4096;

/**
 * The graph of a control; nothing where it would be too large, and whoever asks must then decide from the explanation.
 * @param numberOf - the number by which the truth value of a comparison will be looked up
 */
export function decisionGraph(
  { when, require }: CompiledControl,
  numberOf: (comparison: Comparison) => number,
): DecisionGraph | undefined {
  if (conditionsIn(require) + (when === undefined ? 0 : conditionsIn(when)) > MAX_CONDITIONS)
    return undefined;
  const builder = new GraphBuilder(numberOf);
  const required = builder.add(require, ({ truth, path }) =>
    builder.end({ outcome: OUTCOME_OF[truth], decidingClause: path }),
  );
  const start =
    when === undefined
      ? required
      : builder.add(when, ({ truth, path }) =>
          truth === 'true' ? required : builder.end({ outcome: OUTCOME_UNLESS[truth], decidingClause: path }),
        );
  return builder.asks.length > MAX_STATES ? undefined : { start, ...builder.parts() };
}

/** What a tree comes to, and the leaf that accounts for it: `decidingClause` of its explanation. */
interface Ruling {
  readonly truth: Truth;
  readonly path: ClausePath;
}

/** The state in which to go on after a ruling. */
type Next = (ruling: Ruling) => number;

class GraphBuilder {
  readonly asks: number[] = [];
  readonly #onTrue: number[] = [];
  readonly #onFalse: number[] = [];
  readonly #onUnknown: number[] = [];
  readonly #decisions: Decision[] = [];
  readonly #numberOf: (comparison: Comparison) => number;

  constructor(numberOf: (comparison: Comparison) => number) {
    this.#numberOf = numberOf;
  }

  parts() {
    return {
      asks: this.asks,
      onTrue: this.#onTrue,
      onFalse: this.#onFalse,
      onUnknown: this.#onUnknown,
      decisions: this.#decisions,
    };
  }

  end(decision: Decision): number {
    this.#decisions.push(decision);
    return ~(this.#decisions.length - 1);
  }

  /** Adds the states that judge `node`, those after it first. @returns the state to begin with */
  add(node: ClauseNode, next: Next): number {
    // Too large: what was begun is ended without going further.
    if (this.asks.length > MAX_STATES) return 0;
    const { kind, path } = node;
    switch (kind) {
      case 'leaf': {
        const onTrue = next({ truth: 'true', path });
        const onFalse = next({ truth: 'false', path });
        const onUnknown = next({ truth: 'unknown', path });
        this.#onTrue.push(onTrue);
        this.#onFalse.push(onFalse);
        this.#onUnknown.push(onUnknown);
        return this.asks.push(this.#numberOf(node.comparison)) - 1;
      }
      case 'not':
        return this.add(node.part, ({ truth, path: leaf }) => next({ truth: notOf(truth), path: leaf }));
      case 'all':
      case 'any':
        return this.#addGroup(node.parts, DECISIVE[kind], once(next));
      default:
        return assertNever(kind, 'condition');
    }
  }

  /** The first part that decides alone does; else the first unknown one; else all agree, and the first stands for them. */
  #addGroup([part, ...rest]: readonly ClauseNode[], decisive: Truth, next: Next, before?: Ruling): number {
    if (part === undefined) throw new Error('a group of conditions has no parts');
    const goOn = once((answer) =>
      rest.length === 0 ? next(answer) : this.#addGroup(rest, decisive, next, answer),
    );
    return this.add(part, (ruling) => {
      if (ruling.truth === decisive) return next(ruling);
      const isFirstUnknown = ruling.truth === 'unknown' && before?.truth !== 'unknown';
      return goOn(before === undefined || isFirstUnknown ? ruling : before);
    });
  }
}

/** Of the same ruling, the same state. */
function once(next: Next): Next {
  const states = new Map<string, number>();
  return (ruling) => {
    const key = `${ruling.truth} ${ruling.path}`;
    const known = states.get(key);
    if (known !== undefined) return known;
    const state = next(ruling);
    states.set(key, state);
    return state;
  };
}

/** Kleene logic: one of these decides alone, otherwise one unknown leaves it open. */
export const DECISIVE = { all: 'false', any: 'true' } as const satisfies Record<'all' | 'any', Truth>;

function conditionsIn(node: ClauseNode): number {
  if (node.kind === 'leaf') return 1;
  const parts = node.kind === 'not' ? [node.part] : node.parts;
  return parts.reduce((sum, part) => sum + conditionsIn(part), 0);
}
