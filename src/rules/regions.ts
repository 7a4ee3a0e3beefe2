import type { EpochMs } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import { type FactName, type FactValue, factDefinition, leavesOf } from '../policy/index.ts';
import type { Decidable } from './compile.ts';
import { type Comparison, compare } from './operators.ts';
import type { FactSet } from './types.ts';

/*
 * A finite stand-in for all fact sets. Conditions only compare a fact with constants, so two values that every comparison answers
 * alike cannot be told apart by any of them: one example of each such region is enough to decide a question about all fact sets.
 */

/** More combinations than this are not tried; whoever asked must then say that it was not decided. */
export const MAX_COMBINATIONS = 300_000;

const NOT_COLLECTED: Observation<FactValue> = { kind: 'unobservable', reason: 'not-collected' };
const SOURCE = { call: 'an example' };

/**
 * One observation of `fact` for every way in which the comparisons can answer, the one without evidence first.
 * @param comparisons - all comparisons of this fact in all the trees that are asked about
 */
export function regionsOf(
  fact: FactName,
  comparisons: readonly Comparison[],
  at: EpochMs,
): readonly Observation<FactValue>[] {
  const seen = new Map<string, Observation<FactValue>>();
  for (const observation of [
    NOT_COLLECTED,
    ...examplesOf(fact, comparisons).map(
      (value): Observation<FactValue> => ({ kind: 'observed', value, at, source: SOURCE }),
    ),
    { kind: 'absent', at, source: SOURCE } as const,
  ]) {
    const answers = comparisons.map((comparison) => compare(comparison, observation)).join();
    if (!seen.has(answers)) seen.set(answers, observation);
  }
  return [...seen.values()];
}

/** Values that reach every region: each constant, what lies between and beyond them, and one value nobody mentions. */
function examplesOf(fact: FactName, comparisons: readonly Comparison[]): readonly FactValue[] {
  const { type, values } = factDefinition(fact);
  const constants = comparisons.flatMap(
    ({ value }) => (Array.isArray(value) ? value : [value]) as FactValue[],
  );
  switch (type) {
    case 'boolean':
      return [true, false];
    case 'number':
      return numbersAround(constants.filter((value): value is number => Number.isFinite(value)));
    case 'string': {
      const texts = constants.filter((value) => typeof value === 'string');
      return values ?? [...texts, unmentioned(fact, texts)];
    }
    case 'string-list': {
      const texts = [...new Set(constants.filter((value) => typeof value === 'string'))];
      const subsets: string[][] = [[]];
      for (const text of texts) subsets.push(...subsets.map((subset) => [...subset, text]));
      return subsets;
    }
  }
}

/** Whole numbers from zero on come first: facts that are numbers count something. */
function numbersAround(constants: readonly number[]): readonly number[] {
  const sorted = [...new Set(constants)].sort((left, right) => left - right);
  const between = sorted.slice(1).map((value, index) => (value + (sorted[index] ?? value)) / 2);
  const all = [
    ...sorted,
    ...sorted.map((value) => value + 1),
    ...sorted.map((value) => value - 1),
    ...between,
  ];
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0;
  return [0, ...all.filter(isCount), ...all.filter((value) => !isCount(value))];
}

/** A usual value where there is one, so that an example reads like the world. */
function unmentioned(fact: FactName, texts: readonly string[]): string {
  const usual = fact === 'account.state' ? ['ACTIVE', 'CLOSED'] : [];
  const found = [...usual, 'something-else'].find((text) => !texts.includes(text));
  return found ?? `not-${texts.toSorted((left, right) => right.length - left.length)[0]}`;
}

/** Every comparison of the controls, by the fact it asks for. */
export function comparisonsOf(controls: readonly Decidable[]): ReadonlyMap<FactName, readonly Comparison[]> {
  const byFact = new Map<FactName, Comparison[]>();
  for (const { when, require } of controls) {
    const leaves = [...(when === undefined ? [] : leavesOf(when, 'when')), ...leavesOf(require, 'require')];
    for (const { leaf } of leaves) byFact.set(leaf.fact, [...(byFact.get(leaf.fact) ?? []), leaf]);
  }
  return byFact;
}

export type Search =
  /** The first fact set that was looked for; none states fewer facts. */
  | { readonly kind: 'found'; readonly facts: FactSet }
  /** There is none, among all fact sets whatever. */
  | { readonly kind: 'none' }
  | { readonly kind: 'too-many'; readonly combinations: number };

/**
 * Looks for a fact set that `isWanted`, fewest stated facts first.
 *
 * @param controls - all trees that `isWanted` evaluates; what they cannot tell apart is tried once
 * @returns `none` is a proof over all fact sets: the regions are exhaustive
 */
export function findFacts(
  controls: readonly Decidable[],
  at: EpochMs,
  isWanted: (facts: FactSet) => boolean,
): Search {
  const facts = [...comparisonsOf(controls)].map(
    ([name, comparisons]) => [name, regionsOf(name, comparisons, at).slice(1)] as const,
  );
  const combinations = facts.reduce((product, [, regions]) => product * (regions.length + 1), 1);
  if (combinations > MAX_COMBINATIONS) return { kind: 'too-many', combinations };
  for (let stated = 0; stated <= facts.length; stated += 1)
    for (const candidate of statingExactly(stated, facts, 0))
      if (isWanted(candidate)) return { kind: 'found', facts: candidate };
  return { kind: 'none' };
}

function* statingExactly(
  count: number,
  facts: readonly (readonly [FactName, readonly Observation<FactValue>[]])[],
  from: number,
): Generator<FactSet> {
  if (count === 0) {
    yield {};
    return;
  }
  for (let index = from; index <= facts.length - count; index += 1) {
    const [name, regions] = facts[index] ?? [];
    if (name === undefined) continue;
    for (const observation of regions ?? [])
      for (const rest of statingExactly(count - 1, facts, index + 1)) yield { [name]: observation, ...rest };
  }
}
