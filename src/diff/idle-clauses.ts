import { type ClausePath, type Control, leavesOf } from '../policy/index.ts';
import { reach } from './compare-outcomes.ts';
import { OverBudget } from './decision-diagram.ts';
import { OutcomeSpace } from './outcome-function.ts';

/** Something in a policy that does nothing. Not a fault: a policy with it is valid, but its author meant something by it. */
export interface IdleClause {
  readonly code:
    | 'never-applies'
    | 'never-violated'
    | 'always-violated'
    | 'clause-never-decides'
    | 'not-decided';
  readonly controlId: string;
  /** The clause; absent where the whole control is meant. */
  readonly clause?: ClausePath;
  readonly message: string;
  readonly remedy: string;
}

/**
 * Controls that can never report anything, and clauses without which every outcome would be the same, decided over all regions of
 * values by the machinery of the diff. Where that is over the budget, it says so instead of nothing.
 */
export const findIdleClauses = (controls: readonly Control[], budget?: number): readonly IdleClause[] =>
  controls.flatMap((control) => idleIn(control, budget));

function idleIn(control: Control, budget: number | undefined): readonly IdleClause[] {
  const { id } = control;
  const reached = (['non-compliant', 'compliant', 'indeterminate'] as const).map((outcome) =>
    reach(control, [outcome], budget),
  );
  if (reached.some(({ kind }) => kind === 'undecided')) return [undecided(id)];
  const [isViolated, isMet, isUnknown] = reached.map(
    (each) => each.kind === 'decided' && each.facts !== undefined,
  );
  if (isViolated !== true && isMet !== true && isUnknown !== true)
    return [
      {
        code: 'never-applies',
        controlId: id,
        clause: 'when',
        message: `${id} never applies: no facts make its \`when\` hold`,
        remedy: 'correct `when`, or remove the control',
      },
    ];
  if (isViolated !== true)
    return [
      {
        code: 'never-violated',
        controlId: id,
        message: `${id} can never be violated: no facts make it non-compliant`,
        remedy: 'correct its conditions, or remove the control: nobody should rely on it',
      },
    ];
  if (isMet !== true)
    return [
      {
        code: 'always-violated',
        controlId: id,
        clause: 'require',
        message: `${id} can never be met: no facts make it compliant`,
        remedy: 'correct `require`',
      },
    ];
  try {
    return idleLeaves(control, budget);
  } catch (error) {
    if (error instanceof OverBudget) return [undecided(id)];
    throw error;
  }
}

/** A clause decides nothing if the control says the same with the clause taken for true, or for false, whatever the facts. */
function idleLeaves(control: Control, budget: number | undefined): readonly IdleClause[] {
  const space = new OutcomeSpace([control], budget);
  const whole = space.outcomeOf(control);
  const leaves = [
    ...(control.when === undefined ? [] : leavesOf(control.when, 'when')),
    ...leavesOf(control.require, 'require'),
  ];
  return leaves
    .filter(({ path }) =>
      (['true', 'false'] as const).some((as) => space.outcomeOf(control, { clause: path, as }) === whole),
    )
    .map(({ path }) => ({
      code: 'clause-never-decides' as const,
      controlId: control.id,
      clause: path,
      message: `${control.id}: ${path} can never decide: without it every outcome would be the same`,
      remedy: 'remove it, or correct what it compares: another clause says it already, or rules it out',
    }));
}

const undecided = (controlId: string): IdleClause => ({
  code: 'not-decided',
  controlId,
  message: `${controlId} has too many conditions to tell whether each of them can decide`,
  remedy: 'split the control',
});
