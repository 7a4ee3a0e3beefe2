import { assertNever } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import type { ClausePath, FactName, FactValue } from '../policy/index.ts';
import type { ClauseNode, CompiledControl } from './compile.ts';
import { DECISIVE, type DecisionGraph, decisionGraph } from './decision-graph.ts';
import { NOT_IN_SET, observationOf } from './observation.ts';
import { type Comparison, comparatorOf } from './operators.ts';
import { notOf } from './truth.ts';
import type { Decision, Explanation, FactSet, Truth, Verdict } from './types.ts';
import { verdictOf } from './verdict.ts';

/** What several controls say of one fact set. */
export interface Judgements {
  /** In the order of the controls. */
  readonly decisions: readonly Decision[];
  /** The decision of one control with every condition, also where one decides; built when asked for, the same every time. */
  explain(control: number): Verdict;
}

/** Judges fact sets by the controls it was made for. */
export type Judge = (facts: FactSet) => Judgements;

/**
 * The synchronous evaluator: controls made ready once, for many fact sets.
 *
 * A comparison that several controls make (`account.state` is none of …) is made once for a fact set. A decision comes from the truth values
 * of the comparisons alone and builds nothing; the tree that explains it is built from the same truth values, so the two cannot differ.
 * Where several controls ask the same at the same place, their trees have that part in common: one object, which nobody may change.
 */
export function judgeOf(controls: readonly CompiledControl[]): Judge {
  const comparisons = new Comparisons();
  const common = new CommonParts(controls);
  const judges = controls.map((control) => controlJudge(control, comparisons, common));
  return (facts) => {
    const observations = comparisons.observe(facts);
    const truths = comparisons.compare(observations);
    const seen: Seen = { truths, observations, made: undefined, common };
    const decisions = judges.map((judge) => decide(judge, seen));
    return {
      decisions,
      explain(control) {
        const judge = judges[control];
        const decision = decisions[control];
        if (judge === undefined || decision === undefined)
          throw new RangeError(`there is no control ${control}`);
        const { outcome, decidingClause } = decision;
        const require = explain(judge.require, seen);
        return judge.when === undefined
          ? { outcome, decidingClause, require }
          : { outcome, decidingClause, when: explain(judge.when, seen), require };
      },
    };
  };
}

/** Of one fact set: of every comparison, by its number, its truth value and what was seen; and what was built of the explanations. */
interface Seen {
  readonly truths: readonly Truth[];
  readonly observations: readonly Observation<FactValue>[];
  /** The common parts as far as they were built, by their number. */
  made: (Explanation | undefined)[] | undefined;
  readonly common: CommonParts;
}

/** The comparisons of some controls, each once. */
class Comparisons {
  readonly #numbers = new Map<string, number>();
  readonly #facts: FactName[] = [];
  readonly #comparators: ((observation: Observation<FactValue>) => Truth)[] = [];

  numberOf(comparison: Comparison): number {
    const { fact, op, value } = comparison;
    const key = JSON.stringify([fact, op, value]);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#facts.length;
    this.#facts.push(fact);
    this.#comparators.push(comparatorOf(comparison));
    this.#numbers.set(key, number);
    return number;
  }

  observe(facts: FactSet): readonly Observation<FactValue>[] {
    return this.#facts.map((fact) => observationOf(facts, fact));
  }

  compare(observations: readonly Observation<FactValue>[]): readonly Truth[] {
    return this.#comparators.map((compare, number) => compare(observations[number] ?? NOT_IN_SET));
  }
}

/** The conditions that several controls ask at the same place: their explanations are equal in all that they hold. */
class CommonParts {
  readonly #seen = new Set<string>();
  readonly #numbers = new Map<string, number>();

  constructor(controls: readonly CompiledControl[]) {
    for (const { when, require } of controls) {
      if (when !== undefined) this.#add(when);
      this.#add(require);
    }
  }

  get size(): number {
    return this.#numbers.size;
  }

  /** Negative where only one control asks this here. */
  numberOf(node: ClauseNode): number {
    return this.#numbers.get(identityOf(node)) ?? -1;
  }

  #add(node: ClauseNode): void {
    const identity = identityOf(node);
    if (!this.#seen.has(identity)) this.#seen.add(identity);
    else if (!this.#numbers.has(identity)) this.#numbers.set(identity, this.#numbers.size);
    if (node.kind === 'not') this.#add(node.part);
    else if (node.kind !== 'leaf') for (const part of node.parts) this.#add(part);
  }
}

/** Path and condition. */
const identityOf = (node: ClauseNode): string => JSON.stringify(node);

interface ControlJudge {
  readonly graph: DecisionGraph | undefined;
  readonly when: Clause | undefined;
  readonly require: Clause;
}

const controlJudge = (
  control: CompiledControl,
  comparisons: Comparisons,
  common: CommonParts,
): ControlJudge => ({
  graph: decisionGraph(control, (comparison) => comparisons.numberOf(comparison)),
  when: control.when === undefined ? undefined : clauseOf(control.when, comparisons, common),
  require: clauseOf(control.require, comparisons, common),
});

function decide({ graph, when, require }: ControlJudge, seen: Seen): Decision {
  if (graph === undefined) {
    const { outcome, decidingClause } = verdictOf(
      when === undefined ? undefined : explain(when, seen),
      explain(require, seen),
    );
    return { outcome, decidingClause };
  }
  const { asks, onTrue, onFalse, onUnknown } = graph;
  const { truths } = seen;
  let at = graph.start;
  while (at >= 0) {
    const truth = truths[asks[at] ?? -1];
    const next = truth === 'true' ? onTrue[at] : truth === 'false' ? onFalse[at] : onUnknown[at];
    if (next === undefined) throw new Error(`the graph has no state ${at}`);
    at = next;
  }
  const decision = graph.decisions[~at];
  if (decision === undefined) throw new Error(`the graph has no decision ${~at}`);
  return decision;
}

/**
 * A condition as explanations are built of it. Kinds are told apart by a field and not by a function each: calling what cannot be foreseen took
 * most of a tree's time.
 */
type Clause =
  | {
      readonly kind: 'leaf';
      readonly path: ClausePath;
      readonly common: number;
      readonly number: number;
      readonly comparison: Comparison;
    }
  | { readonly kind: 'not'; readonly path: ClausePath; readonly common: number; readonly part: Clause }
  | {
      readonly kind: 'all' | 'any';
      readonly path: ClausePath;
      readonly common: number;
      readonly first: Clause;
      readonly rest: readonly Clause[];
    };

function clauseOf(node: ClauseNode, comparisons: Comparisons, common: CommonParts): Clause {
  const { path } = node;
  const place = { path, common: common.numberOf(node) };
  switch (node.kind) {
    case 'leaf': {
      const { comparison } = node;
      return { kind: 'leaf', ...place, number: comparisons.numberOf(comparison), comparison };
    }
    case 'not':
      return { kind: 'not', ...place, part: clauseOf(node.part, comparisons, common) };
    case 'all':
    case 'any': {
      const [first, ...rest] = node.parts.map((part) => clauseOf(part, comparisons, common));
      if (first === undefined) throw new Error(`\`${path}\` has no parts`);
      return { kind: node.kind, ...place, first, rest };
    }
    default:
      return assertNever(node, 'condition');
  }
}

function explain(clause: Clause, seen: Seen): Explanation {
  const { common } = clause;
  if (common < 0) return build(clause, seen);
  seen.made ??= new Array<undefined>(seen.common.size).fill(undefined);
  const { made } = seen;
  const before = made[common];
  if (before !== undefined) return before;
  const now = build(clause, seen);
  made[common] = now;
  return now;
}

function build(clause: Clause, seen: Seen): Explanation {
  const { kind, path } = clause;
  switch (kind) {
    case 'leaf': {
      const { comparison, number } = clause;
      return {
        kind: 'leaf',
        path,
        truth: seen.truths[number] ?? 'unknown',
        fact: comparison.fact,
        op: comparison.op,
        value: comparison.value,
        observation: seen.observations[number] ?? NOT_IN_SET,
      };
    }
    case 'not': {
      const part = explain(clause.part, seen);
      return { kind: 'not', path, truth: notOf(part.truth), part };
    }
    case 'all':
    case 'any': {
      const { first, rest } = clause;
      const one = explain(first, seen);
      const second = rest[0];
      const third = rest[1];
      if (second === undefined) return joined(kind, path, [one]);
      // Two and three parts are what most conditions have; a list that grows took half as long again.
      const two = explain(second, seen);
      if (third === undefined) return joined(kind, path, [one, two]);
      const parts = [one, two, explain(third, seen)];
      for (let at = 2; at < rest.length; at++) {
        const next = rest[at];
        if (next !== undefined) parts.push(explain(next, seen));
      }
      return joined(kind, path, parts);
    }
    default:
      return assertNever(kind, 'condition');
  }
}

function joined(kind: 'all' | 'any', path: ClausePath, parts: readonly Explanation[]): Explanation {
  const decisive = DECISIVE[kind];
  let truth = notOf(decisive);
  // By index: an iterator here was a quarter of a tree's time.
  for (let at = 0; at < parts.length; at++) {
    const own = parts[at]?.truth;
    if (own === decisive) truth = decisive;
    else if (own === 'unknown' && truth !== decisive) truth = 'unknown';
  }
  return { kind, path, truth, parts };
}
