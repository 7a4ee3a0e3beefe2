import type { EpochMs } from '../core/index.ts';
import { type ClausePath, type Control, leavesOf, type Policy, type PolicyCases } from '../policy/index.ts';
import { evaluateControl } from './evaluate.ts';
import { factsOfCase } from './run-cases.ts';
import type { Explanation, Truth } from './types.ts';
import { decidingLeaves } from './verdict.ts';

/** How often the cases saw a clause with one truth value, and how often it then helped to decide the outcome. */
export interface Exercise {
  readonly seen: number;
  readonly decided: number;
}

export interface ClauseCoverage {
  readonly controlId: string;
  readonly clause: ClausePath;
  readonly byTruth: Readonly<Record<Truth, Exercise>>;
  /** The truth values with which no case saw it. Empty: the clause is exercised in both directions. */
  readonly missing: readonly Direction[];
}

/** The two directions of a clause. Unknown is no direction of its own: `policy test` asks for a case without evidence. */
export const DIRECTIONS = ['true', 'false'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface CoverageReport {
  /** Controls in the policy's order, clauses in theirs. */
  readonly clauses: readonly ClauseCoverage[];
  /** Directions that some case exercises, of all (two for each clause). */
  readonly exercised: number;
  readonly directions: number;
  /** In percent, rounded down, so that 100 means all. */
  readonly percent: number;
}

/**
 * Which clauses the cases exercise, and in which direction. A clause below `require` counts only in cases to which the control
 * applies, because elsewhere nothing depends on it. Only cases that pass count.
 */
export function coverCases(policy: Policy, { cases, now }: PolicyCases): CoverageReport {
  const clauses = policy.controls.flatMap((control) => coverControl(control, cases, now));
  const directions = clauses.length * DIRECTIONS.length;
  const exercised = directions - clauses.reduce((sum, { missing }) => sum + missing.length, 0);
  return {
    clauses,
    exercised,
    directions,
    percent: directions === 0 ? 100 : Math.floor((100 * exercised) / directions),
  };
}

function coverControl(
  control: Control,
  cases: PolicyCases['cases'],
  now: EpochMs,
): readonly ClauseCoverage[] {
  const seen = new Map<ClausePath, Record<Truth, { seen: number; decided: number }>>();
  const count = (path: ClausePath, truth: Truth, what: 'seen' | 'decided'): void => {
    const row = seen.get(path) ?? nothing();
    row[truth][what] += 1;
    seen.set(path, row);
  };
  for (const each of cases) {
    if (each.control !== control.id) continue;
    const verdict = evaluateControl(control, factsOfCase(each, now));
    if (verdict.outcome !== each.expect.outcome || verdict.decidingClause !== each.expect.clause) continue;
    const applies = verdict.when === undefined || verdict.when.truth === 'true';
    const trees = [verdict.when, applies ? verdict.require : undefined].filter((tree) => tree !== undefined);
    for (const tree of trees) {
      for (const leaf of leavesWithin(tree)) count(leaf.path, leaf.truth, 'seen');
      for (const leaf of decidingLeaves(tree)) count(leaf.path, leaf.truth, 'decided');
    }
  }
  return [
    ...(control.when === undefined ? [] : leavesOf(control.when, 'when')),
    ...leavesOf(control.require, 'require'),
  ].map(({ path }) => {
    const byTruth = seen.get(path) ?? nothing();
    return {
      controlId: control.id,
      clause: path,
      byTruth,
      missing: DIRECTIONS.filter((direction) => byTruth[direction].seen === 0),
    };
  });
}

const nothing = (): Record<Truth, { seen: number; decided: number }> => ({
  true: { seen: 0, decided: 0 },
  false: { seen: 0, decided: 0 },
  unknown: { seen: 0, decided: 0 },
});

/** Every comparison of a tree, whether or not it mattered. */
export function leavesWithin(tree: Explanation): readonly (Explanation & { readonly kind: 'leaf' })[] {
  if (tree.kind === 'leaf') return [tree];
  return tree.kind === 'not' ? leavesWithin(tree.part) : tree.parts.flatMap(leavesWithin);
}
