import { Engine, type TopLevelCondition, type TopLevelConditionResult } from 'json-rules-engine';
import { assertNever } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import {
  type ConditionValue,
  type FactName,
  type FactValue,
  OPERATOR_NAMES,
  type Operator,
} from '../policy/index.ts';
import type { ClauseNode, CompiledControl } from './compile.ts';
import { RulesError } from './errors.ts';
import { observationOf } from './observation.ts';
import { compare } from './operators.ts';
import type { Explanation, FactSet, Truth, Verdict } from './types.ts';
import { verdictOf } from './verdict.ts';

/*
 * json-rules-engine knows two truth values, coerces, and passes negative conditions over missing facts. It is made safe by
 * what it is given, never by trust:
 * - a new engine per evaluation: one engine shared by concurrent runs silently loses results;
 * - every fact is a sealed observation, so nothing of its own could compare it, follow a path into it or coerce it;
 * - every operator it ships is removed; ours compare by type and answer in three values;
 * - three values are had from two runs of the same tree in one engine. In one, every unknown leaf reads so that the root can
 *   only become false ("certainly holds"), in the other so that it can only become true ("possibly holds"); below a `not` the
 *   readings swap. Where both runs agree on a node that is its truth value; where they differ it is unknown;
 * - no `priority`: all conditions of a node run, so the explanation is complete; a missing result is an error, not a false.
 */

type Reading = 'pessimistic' | 'optimistic';
const READINGS = ['pessimistic', 'optimistic'] as const satisfies readonly Reading[];

const swapped = (reading: Reading): Reading => (reading === 'pessimistic' ? 'optimistic' : 'pessimistic');

/** What the library ships, removed by name so that a tree that slipped through could only fail. */
const SHIPPED_OPERATORS = [
  'equal',
  'notEqual',
  'in',
  'notIn',
  'contains',
  'doesNotContain',
  'lessThan',
  'lessThanInclusive',
  'greaterThan',
  'greaterThanInclusive',
] as const;
const SHIPPED_DECORATORS = ['someFact', 'someValue', 'everyFact', 'everyValue', 'swap', 'not'] as const;

/** An observation that only our operators can open. */
class SealedObservation {
  readonly #fact: FactName;
  readonly #observation: Observation<FactValue>;

  constructor(fact: FactName, observation: Observation<FactValue>) {
    this.#fact = fact;
    this.#observation = observation;
  }

  compare(op: Operator, value: ConditionValue): Truth {
    return compare({ fact: this.#fact, op, value }, this.#observation);
  }

  open(): Observation<FactValue> {
    return this.#observation;
  }
}

/** An engine with our operators (`equal?pessimistic`) and none of its own. For one evaluation only. */
export function createSafeEngine(): Engine {
  const engine = new Engine([], { allowUndefinedFacts: false, allowUndefinedConditions: false });
  for (const name of SHIPPED_OPERATORS) engine.removeOperator(name);
  for (const name of SHIPPED_DECORATORS) engine.removeOperatorDecorator(name);
  for (const op of OPERATOR_NAMES) {
    for (const reading of READINGS) {
      engine.addOperator<SealedObservation, ConditionValue>(operatorName(op, reading), (sealed, value) => {
        const truth = sealed.compare(op, value);
        return truth === 'unknown' ? reading === 'optimistic' : truth === 'true';
      });
    }
  }
  return engine;
}

const operatorName = (op: Operator, reading: Reading): string => `${op}?${reading}`;

/**
 * Judges one fact set by one control with json-rules-engine.
 * @throws {RulesError} `ENGINE_INCOMPLETE` if the engine gave no result for some condition
 */
export async function evaluateWithEngine(control: CompiledControl, facts: FactSet): Promise<Verdict> {
  const engine = createSafeEngine();
  const trees = control.when === undefined ? [control.require] : [control.when, control.require];
  for (const tree of trees) {
    for (const reading of READINGS) {
      engine.addRule({
        name: ruleName(tree, reading),
        // The root's own result is not kept by the library; one level above it makes it a condition like the others.
        conditions: { all: [engineCondition(tree, reading)] },
        event: { type: 'holds' },
      });
    }
  }
  const sealed: Record<string, SealedObservation> = {};
  for (const fact of trees.flatMap(factsOf))
    sealed[fact] = new SealedObservation(fact, observationOf(facts, fact));

  const { results, failureResults } = await engine.run(sealed);
  const byRule = new Map([...results, ...failureResults].map((result) => [result.name, result.conditions]));
  const read = (tree: ClauseNode): Explanation => {
    const [certain, possible] = READINGS.map((reading) => rootResult(byRule.get(ruleName(tree, reading))));
    return merge(tree, certain, possible);
  };
  return verdictOf(control.when === undefined ? undefined : read(control.when), read(control.require));
}

const ruleName = (tree: ClauseNode, reading: Reading): string => `${tree.path}?${reading}`;

type NestedCondition = Extract<TopLevelCondition, { all: unknown[] }>['all'][number];

function engineCondition(node: ClauseNode, reading: Reading): NestedCondition {
  switch (node.kind) {
    case 'leaf': {
      const { fact, op, value } = node.comparison;
      return { fact, operator: operatorName(op, reading), value };
    }
    case 'not':
      return { not: engineCondition(node.part, swapped(reading)) };
    case 'all':
      return { all: node.parts.map((part) => engineCondition(part, reading)) };
    case 'any':
      return { any: node.parts.map((part) => engineCondition(part, reading)) };
    default:
      return assertNever(node, 'condition');
  }
}

function factsOf(node: ClauseNode): readonly FactName[] {
  if (node.kind === 'leaf') return [node.comparison.fact];
  return node.kind === 'not' ? factsOf(node.part) : node.parts.flatMap(factsOf);
}

type NestedResult = Extract<TopLevelConditionResult, { all: unknown[] }>['all'][number];

const rootResult = (conditions: TopLevelConditionResult | undefined): NestedResult | undefined =>
  conditions !== undefined && 'all' in conditions ? conditions.all[0] : undefined;

/** Joins the results of the two runs node by node. Below a `not` the names swap, but agreement means the same. */
function merge(
  node: ClauseNode,
  certain: NestedResult | undefined,
  possible: NestedResult | undefined,
): Explanation {
  const truth = agreed(node, certain, possible);
  switch (node.kind) {
    case 'leaf': {
      const sealed: unknown =
        certain !== undefined && 'factResult' in certain ? certain.factResult : undefined;
      if (!(sealed instanceof SealedObservation)) throw incomplete(node);
      const { fact, op, value } = node.comparison;
      return { kind: 'leaf', path: node.path, truth, fact, op, value, observation: sealed.open() };
    }
    case 'not':
      return {
        kind: 'not',
        path: node.path,
        truth,
        part: merge(node.part, negated(certain), negated(possible)),
      };
    case 'all':
    case 'any': {
      const [certainParts, possibleParts] = [partsOf(certain), partsOf(possible)];
      return {
        kind: node.kind,
        path: node.path,
        truth,
        parts: node.parts.map((part, index) => merge(part, certainParts[index], possibleParts[index])),
      };
    }
    default:
      return assertNever(node, 'condition');
  }
}

function agreed(
  node: ClauseNode,
  certain: NestedResult | undefined,
  possible: NestedResult | undefined,
): Truth {
  const [one, other] = [resultOf(certain), resultOf(possible)];
  if (one === undefined || other === undefined) throw incomplete(node);
  if (one !== other) return 'unknown';
  return one ? 'true' : 'false';
}

const resultOf = (result: NestedResult | undefined): boolean | undefined =>
  result !== undefined && 'result' in result && typeof result.result === 'boolean'
    ? result.result
    : undefined;

const negated = (result: NestedResult | undefined): NestedResult | undefined =>
  result !== undefined && 'not' in result ? result.not : undefined;

function partsOf(result: NestedResult | undefined): readonly NestedResult[] {
  if (result !== undefined && 'all' in result) return result.all;
  return result !== undefined && 'any' in result ? result.any : [];
}

const incomplete = (node: ClauseNode): RulesError =>
  new RulesError('ENGINE_INCOMPLETE', `json-rules-engine gave no result for \`${node.path}\``);
