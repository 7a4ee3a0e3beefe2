import { canonicalJson } from '../core/index.ts';
import type { Control } from '../policy/index.ts';
import { OverBudget } from './decision-diagram.ts';
import { OutcomeSpace } from './outcome-function.ts';

/** One control in both policies. */
export interface Pairing {
  readonly old: Control;
  readonly new: Control;
  readonly oldIndex: number;
  readonly newIndex: number;
}

interface Placed {
  readonly control: Control;
  readonly index: number;
}

export interface PairedControls {
  /** In the order of the new policy. */
  readonly pairs: readonly Pairing[];
  readonly deleted: readonly Placed[];
  readonly added: readonly Placed[];
}

/**
 * Which control of the one policy is which of the other: by id; where an id is gone and another is new, by meaning (the same
 * outcome for all facts), then by title. A control about another kind of subject is never the same control.
 */
export function pairControls(
  old: readonly Control[],
  next: readonly Control[],
  budget?: number,
): PairedControls {
  const pairs: Pairing[] = [];
  const rest = new Map(old.map((control, index) => [control.id, { control, index }]));
  let added: Placed[] = [];
  const join = (from: Placed, to: Placed): void => {
    pairs.push({ old: from.control, new: to.control, oldIndex: from.index, newIndex: to.index });
    rest.delete(from.control.id);
  };
  for (const [index, control] of next.entries()) {
    const same = rest.get(control.id);
    if (same !== undefined && same.control.subject === control.subject) join(same, { control, index });
    else added.push({ control, index });
  }
  for (const keysOf of [conditionsOf, meaningsOf(budget), titlesOf]) {
    if (added.length === 0 || rest.size === 0) break;
    added = joinByKey([...rest.values()], added, keysOf, join);
  }
  return {
    pairs: pairs.toSorted((one, other) => one.newIndex - other.newIndex),
    deleted: [...rest.values()],
    added,
  };
}

/** A key of what makes two controls one, for every control given; undefined where it cannot be told. */
type KeysOf = (placed: readonly Placed[]) => readonly (string | undefined)[];

function joinByKey(
  gone: readonly Placed[],
  fresh: readonly Placed[],
  keysOf: KeysOf,
  join: (from: Placed, to: Placed) => void,
): Placed[] {
  const keys = keysOf([...gone, ...fresh]);
  const byKey = new Map<string, Placed[]>();
  for (const [index, placed] of gone.entries()) {
    const key = keys[index];
    if (key !== undefined) byKey.set(key, [...(byKey.get(key) ?? []), placed]);
  }
  return fresh.filter((placed, index) => {
    const same = byKey.get(keys[gone.length + index] ?? '')?.shift();
    if (same !== undefined) join(same, placed);
    return same === undefined;
  });
}

const conditionsOf: KeysOf = (placed) =>
  placed.map(({ control: { subject, when, require, severity } }) =>
    canonicalJson({ subject, when: when ?? null, require, severity }),
  );

const titlesOf: KeysOf = (placed) =>
  placed.map(({ control: { subject, title } }) => canonicalJson({ subject, title }));

/** In one diagram, controls with the same outcome everywhere are the same node. */
const meaningsOf =
  (budget: number | undefined): KeysOf =>
  (placed) => {
    try {
      const space = new OutcomeSpace(
        placed.map(({ control }) => control),
        budget,
      );
      return placed.map(({ control }) => `${control.subject} ${space.outcomeOf(control)}`);
    } catch (error) {
      // Then they are told as one deleted and one new control, which is true and counts as a loosening.
      if (error instanceof OverBudget) return placed.map(() => undefined);
      throw error;
    }
  };
