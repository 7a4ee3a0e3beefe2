import { assertNever } from '../core/index.ts';
import type { ClausePath } from '../policy/index.ts';
import type { Explanation, Outcome, Truth, Verdict } from './types.ts';

/**
 * The outcome of a control and the clause that decided it.
 *
 * | when | require | outcome | the clause lies under |
 * |---|---|---|---|
 * | false | any | not-applicable | `when` |
 * | unknown | any | indeterminate | `when` |
 * | true or none | true / false / unknown | compliant / non-compliant / indeterminate | `require` |
 */
export function verdictOf(when: Explanation | undefined, require: Explanation): Verdict {
  if (when === undefined)
    return { outcome: OUTCOME_OF[require.truth], decidingClause: decidingClause(require), require };
  if (when.truth === 'true')
    return { outcome: OUTCOME_OF[require.truth], decidingClause: decidingClause(require), when, require };
  return { outcome: OUTCOME_UNLESS[when.truth], decidingClause: decidingClause(when), when, require };
}

/** What the truth value of `require` comes to. */
export const OUTCOME_OF = {
  true: 'compliant',
  false: 'non-compliant',
  unknown: 'indeterminate',
} as const satisfies Record<Truth, Outcome>;

/** What `when` comes to by itself; where it is true `require` decides, and the first is never read. */
export const OUTCOME_UNLESS = {
  true: 'compliant',
  false: 'not-applicable',
  unknown: 'indeterminate',
} as const satisfies Record<Truth, Outcome>;

/**
 * The first leaf, in policy order, that accounts for the tree's truth value: it descends into the first child that by itself
 * forces its parent (a false child of `all`, a true child of `any`, an unknown child where the parent is unknown) and, where
 * all children together force it, into the first.
 */
export function decidingClause(tree: Explanation): ClausePath {
  let node = tree;
  while (node.kind !== 'leaf') {
    if (node.kind === 'not') {
      node = node.part;
      continue;
    }
    // Where all children together force the parent, each has the parent's truth value: the first child carries it in every case.
    const { truth } = node;
    let next: Explanation | undefined;
    for (const part of node.parts)
      if (part.truth === truth) {
        next = part;
        break;
      }
    if (next === undefined) throw new Error(`no part of \`${node.path}\` accounts for its truth value`);
    node = next;
  }
  return node.path;
}

/** Every leaf that helped to bring the tree to its truth value, in policy order. What did not matter is left out. */
export function decidingLeaves(tree: Explanation): readonly (Explanation & { readonly kind: 'leaf' })[] {
  switch (tree.kind) {
    case 'leaf':
      return [tree];
    case 'not':
      return decidingLeaves(tree.part);
    case 'all':
    case 'any':
      return tree.parts.filter((part) => part.truth === tree.truth).flatMap(decidingLeaves);
    default:
      return assertNever(tree, 'explanation');
  }
}
