import {
  type Condition,
  FACTS,
  type FactDefinition,
  type FactName,
  factsOf,
  type Leaf,
  type Subject,
} from '../../src/policy/index.ts';
import type { Judged } from './naive.ts';

/*
 * Edits of conditions whose direction is known by how they are made. Trees are read-once (no fact stands twice) and no leaf is
 * constant, so every part of a tree can come out either way whatever the others do: a change of one part always reaches the outcome.
 */

export type Known = 'loosening' | 'tightening' | 'both' | 'neutral';

export interface CorpusEdit {
  readonly name: string;
  readonly subject: Subject;
  readonly old: Judged;
  readonly new: Judged;
  readonly direction: Known;
}

/** Deterministic numbers in [0, 1): mulberry32. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

type Roll = () => number;
const pick = <T>(list: readonly T[], roll: Roll): T => {
  const chosen = list[Math.floor(roll() * list.length)];
  if (chosen === undefined) throw new Error('nothing to pick from');
  return chosen;
};
const shuffled = <T>(list: readonly T[], roll: Roll): readonly T[] =>
  list
    .map((each) => ({ each, at: roll() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ each }) => each);

const definition = (fact: FactName): FactDefinition => FACTS[fact];
const OPEN = ['alpha', 'beta', 'gamma', 'delta'];

/** A leaf that is true for some value and false for some other. */
function leafOn(fact: FactName, roll: Roll): Leaf {
  const { type, values } = definition(fact);
  if (roll() < 0.1) return { fact, op: 'present', value: roll() < 0.5 };
  if (type === 'boolean')
    return { fact, op: pick(['equal', 'notEqual'] as const, roll), value: roll() < 0.5 };
  if (type === 'number') {
    const value = Math.floor(roll() * 3) + 1;
    return {
      fact,
      op: pick(
        [
          'lessThan',
          'lessThanInclusive',
          'greaterThan',
          'greaterThanInclusive',
          'equal',
          'notEqual',
        ] as const,
        roll,
      ),
      value,
    };
  }
  const list = values ?? OPEN;
  if (roll() < 0.4) return { fact, op: pick(['equal', 'notEqual'] as const, roll), value: pick(list, roll) };
  const some = shuffled(list, roll).slice(0, 1 + Math.floor(roll() * (list.length - 1)));
  return { fact, op: pick(['in', 'notIn'] as const, roll), value: some };
}

/** A read-once tree over exactly these facts. */
function treeOver(facts: readonly FactName[], roll: Roll): Condition {
  const [first, ...rest] = facts;
  if (first === undefined) throw new Error('a tree needs a fact');
  if (rest.length === 0) {
    const leaf = leafOn(first, roll);
    return roll() < 0.2 ? { not: leaf } : leaf;
  }
  const cut = 1 + Math.floor(roll() * rest.length);
  const parts = [facts.slice(0, cut), facts.slice(cut)].map((part) => treeOver(part, roll));
  const tree: Condition = roll() < 0.5 ? { all: parts } : { any: parts };
  return roll() < 0.2 ? { not: tree } : tree;
}

/** What becomes of the truth of one part, and whether "unknown" stays where it was. */
interface Rewrite {
  readonly name: string;
  readonly part: Condition;
  readonly effect: 'more' | 'less' | 'other' | 'same';
  readonly keepsUnknown: boolean;
}

function rewritesOfLeaf(leaf: Leaf, roll: Roll): readonly Rewrite[] {
  const { fact, op, value } = leaf;
  const { type, values } = definition(fact);
  const sure = { keepsUnknown: true } as const;
  const rewrites: Rewrite[] = [
    { name: 'negate a comparison', part: { not: leaf }, effect: 'other', ...sure },
    { name: 'negate it twice', part: { not: { not: leaf } }, effect: 'same', ...sure },
    { name: 'say it twice', part: { all: [leaf, leaf] }, effect: 'same', ...sure },
    { name: 'put it in a list of one', part: { any: [leaf] }, effect: 'same', ...sure },
  ];
  if (op === 'equal') {
    rewrites.push({
      name: 'swap equal for notEqual',
      part: { ...leaf, op: 'notEqual' },
      effect: 'other',
      ...sure,
    });
    rewrites.push({
      name: 'equal as not notEqual',
      part: { not: { ...leaf, op: 'notEqual' } },
      effect: 'same',
      ...sure,
    });
    if (type === 'string' && typeof value === 'string') {
      rewrites.push({
        name: 'equal as in',
        part: { fact, op: 'in', value: [value] },
        effect: 'same',
        ...sure,
      });
      const others = (values ?? OPEN).filter((each) => each !== value);
      const more = pick(others, roll);
      if (others.length > 1 || values === undefined)
        rewrites.push({
          name: 'widen equal to in',
          part: { fact, op: 'in', value: [value, more] },
          effect: 'more',
          ...sure,
        });
      if (values !== undefined)
        rewrites.push({
          name: 'equal as notIn the others',
          part: { fact, op: 'notIn', value: others },
          effect: 'same',
          ...sure,
        });
    }
    if (type === 'boolean')
      rewrites.push({
        name: 'equal as notEqual the other',
        part: { fact, op: 'notEqual', value: value !== true },
        effect: 'same',
        ...sure,
      });
  }
  if ((op === 'in' || op === 'notIn') && typeof value === 'object') {
    const list = value.map(String);
    const free = (values ?? [...OPEN, 'epsilon']).filter((each) => !list.includes(each));
    const isIn = op === 'in';
    rewrites.push({
      name: 'swap in for notIn',
      part: { fact, op: isIn ? 'notIn' : 'in', value },
      effect: 'other',
      ...sure,
    });
    if (list.length > 1)
      rewrites.push({
        name: 'another order of the set',
        part: { fact, op, value: list.toReversed() },
        effect: 'same',
        ...sure,
      });
    // A closed list that is all in the set would make the leaf constant.
    if (free.length > (values === undefined ? 0 : 1))
      rewrites.push({
        name: 'widen a set',
        part: { fact, op, value: [...list, pick(free, roll)] },
        effect: isIn ? 'more' : 'less',
        ...sure,
      });
    if (list.length > 1)
      rewrites.push({
        name: 'narrow a set',
        part: { fact, op, value: list.slice(1) },
        effect: isIn ? 'less' : 'more',
        ...sure,
      });
    rewrites.push({
      name: 'a set as alternatives',
      part: isIn
        ? { any: list.map((each) => ({ fact, op: 'equal' as const, value: each })) }
        : { all: list.map((each) => ({ fact, op: 'notEqual' as const, value: each })) },
      effect: 'same',
      ...sure,
    });
  }
  if (type === 'number' && typeof value === 'number') {
    const isLess = op === 'lessThan' || op === 'lessThanInclusive';
    const isMore = op === 'greaterThan' || op === 'greaterThanInclusive';
    if (isLess || isMore)
      rewrites.push({
        name: 'raise a limit',
        part: { ...leaf, value: value + 1 },
        effect: isLess ? 'more' : 'less',
        ...sure,
      });
    if (op === 'lessThan') {
      rewrites.push({
        name: 'lessThan made inclusive',
        part: { ...leaf, op: 'lessThanInclusive' },
        effect: 'more',
        ...sure,
      });
      rewrites.push({
        name: 'lessThan n as at most n-1',
        part: { fact, op: 'lessThanInclusive', value: value - 1 },
        effect: 'same',
        ...sure,
      });
    }
    if (op === 'greaterThanInclusive') {
      rewrites.push({
        name: 'greaterThanInclusive made strict',
        part: { ...leaf, op: 'greaterThan' },
        effect: 'less',
        ...sure,
      });
      rewrites.push({
        name: 'at least as not less',
        part: { not: { fact, op: 'lessThan', value } },
        effect: 'same',
        ...sure,
      });
    }
  }
  return rewrites;
}

function rewritesOfList(
  kind: 'all' | 'any',
  parts: readonly Condition[],
  fresh: Leaf | undefined,
): readonly Rewrite[] {
  const make = (list: readonly Condition[]): Condition => (kind === 'all' ? { all: list } : { any: list });
  const dual = (list: readonly Condition[]): Condition => (kind === 'all' ? { any: list } : { all: list });
  const [first] = parts;
  return [
    {
      name: `drop a part of ${kind}`,
      part: make(parts.slice(1)),
      effect: kind === 'all' ? 'more' : 'less',
      keepsUnknown: false,
    },
    { name: `reorder ${kind}`, part: make(parts.toReversed()), effect: 'same', keepsUnknown: true },
    {
      name: `${kind} by De Morgan`,
      part: { not: dual(parts.map((part) => ({ not: part }))) },
      effect: 'same',
      keepsUnknown: true,
    },
    ...(first === undefined
      ? []
      : [
          {
            name: `absorb in ${kind}`,
            part: make([...parts, dual([first, ...parts.slice(1)])]),
            effect: 'same' as const,
            keepsUnknown: true,
          },
        ]),
    ...(fresh === undefined
      ? []
      : [
          {
            name: `add a part to ${kind}`,
            part: make([...parts, fresh]),
            effect: kind === 'all' ? ('less' as const) : ('more' as const),
            keepsUnknown: false,
          },
          {
            name: `absorb a new fact in ${kind}`,
            part: make([...parts, dual([make(parts), fresh])]),
            effect: 'same' as const,
            keepsUnknown: true,
          },
        ]),
  ];
}

/** Every rewrite of every part of a tree, as whole trees; `isPositive` says whether more truth there is more truth of the whole. */
function rewritesOf(
  condition: Condition,
  fresh: Leaf | undefined,
  roll: Roll,
): readonly (Rewrite & { readonly isPositive: boolean })[] {
  if ('fact' in condition)
    return rewritesOfLeaf(condition, roll).map((each) => ({ ...each, isPositive: true }));
  if ('not' in condition)
    return rewritesOf(condition.not, fresh, roll).map((each) => ({
      ...each,
      part: { not: each.part },
      isPositive: !each.isPositive,
    }));
  const kind = 'all' in condition ? 'all' : 'any';
  const parts = 'all' in condition ? condition.all : condition.any;
  return [
    ...rewritesOfList(kind, parts, fresh).map((each) => ({ ...each, isPositive: true })),
    ...parts.flatMap((part, index) =>
      rewritesOf(part, fresh, roll).map((each) => ({
        ...each,
        part: { [kind]: parts.with(index, each.part) } as unknown as Condition,
      })),
    ),
  ];
}

/**
 * The direction of a rewrite. In `require`, more truth is looser. In `when`, more truth is stricter, but only where it is true or
 * false: a fact that becomes needed there can be unknown, which makes what was compliant indeterminate and the other way round.
 */
function directionOf(rewrite: Rewrite & { readonly isPositive: boolean }, tree: 'when' | 'require'): Known {
  if (rewrite.effect === 'same') return 'neutral';
  if (rewrite.effect === 'other') return 'both';
  if (tree === 'when' && !rewrite.keepsUnknown) return 'both';
  const isMore = (rewrite.effect === 'more') === rewrite.isPositive;
  return isMore === (tree === 'require') ? 'loosening' : 'tightening';
}

/** Pairs of controls that have nothing to do with each other, in which facts stand several times: what a person could write. */
export function anyPairs(
  seed: number,
  count: number,
): readonly { readonly old: Judged; readonly new: Judged }[] {
  const roll = dice(seed);
  return Array.from({ length: count }, () => {
    const facts = shuffled(factsOf('principal'), roll).slice(0, 3);
    const many = (): readonly FactName[] =>
      Array.from({ length: 1 + Math.floor(roll() * 5) }, () => pick(facts, roll));
    const control = (): Judged => ({
      when: roll() < 0.5 ? undefined : treeOver(many(), roll),
      require: treeOver(many(), roll),
    });
    return { old: control(), new: control() };
  });
}

/** `count` controls, and for each some rewrites of each kind. */
export function conditionCorpus(seed: number, count: number): readonly CorpusEdit[] {
  const roll = dice(seed);
  return Array.from({ length: count }, (): readonly CorpusEdit[] => {
    const subject = pick(['account-region', 'principal'] as const, roll);
    const [fresh, ...facts] = shuffled(factsOf(subject), roll).slice(0, 3 + Math.floor(roll() * 2));
    const split = Math.floor(roll() * Math.min(2, facts.length));
    const when = split === 0 ? undefined : treeOver(facts.slice(0, split), roll);
    const old: Judged = { when, require: treeOver(facts.slice(split), roll) };
    const freshLeaf = fresh === undefined ? undefined : leafOn(fresh, roll);
    const inTree = (tree: 'when' | 'require'): readonly CorpusEdit[] => {
      const condition = old[tree];
      if (condition === undefined) return [];
      return rewritesOf(condition, freshLeaf, roll).map((rewrite) => ({
        name: `${rewrite.name} (${tree})`,
        subject,
        old,
        new: { ...old, [tree]: rewrite.part },
        direction: directionOf(rewrite, tree),
      }));
    };
    return [...inTree('when'), ...inTree('require')];
  }).flat();
}
