import { canonicalJson } from '../core/index.ts';
import type { PolicyCase, PolicyCases } from '../policy/index.ts';
import type { ControlsComparison } from './compare-controls.ts';
import type { Change, PlainWitness } from './types.ts';

/**
 * The cases beside a policy say what its owners agreed on. One that is gone, or expects something else, no longer holds the policy
 * to that; one more does. A case that only has another name is the same case.
 *
 * @param controls - which controls were renamed, and which came or went: with them their cases had to, which says nothing more
 */
export function compareCases(
  old: PolicyCases | undefined,
  next: PolicyCases | undefined,
  controls: Pick<ControlsComparison, 'renamed' | 'deleted' | 'added'>,
): readonly Change[] {
  if ((old === undefined) !== (next === undefined)) return [wholeFileChange(old, next)];
  const before = keyed(old?.cases ?? [], controls.renamed);
  const after = keyed(next?.cases ?? [], {});
  const gone = [...before]
    .filter(([key, { control }]) => !after.has(key) && !controls.deleted.includes(control))
    .map(([, each]) => each);
  const fresh = [...after]
    .filter(([key, { control }]) => !before.has(key) && !controls.added.includes(control))
    .map(([, each]) => each);
  const isChanged = (each: PolicyCase, others: readonly PolicyCase[]): PolicyCase | undefined =>
    others.find(({ name }) => name === each.name);
  return [
    ...gone.flatMap((each) => {
      const now = isChanged(each, fresh);
      return now === undefined
        ? [
            caseChange(each, 'loosening', `the case “${each.name}” is deleted`, {
              caseLine: { old: each.line },
              loosens: example(each, 'old'),
            }),
          ]
        : [
            caseChange(each, 'both', `the case “${each.name}” says something else`, {
              caseLine: { old: each.line, new: now.line },
              loosens: example(each, 'old'),
              tightens: example(now, 'new'),
            }),
          ];
    }),
    ...fresh
      .filter((each) => isChanged(each, gone) === undefined)
      .map((each) =>
        caseChange(each, 'tightening', `the case “${each.name}” is new`, {
          caseLine: { new: each.line },
          tightens: example(each, 'new'),
        }),
      ),
    ...renamedCases(before, after),
  ];
}

/** Cases stand beside the one policy and not beside the other: said once, not case by case. */
function wholeFileChange(old: PolicyCases | undefined, next: PolicyCases | undefined): Change {
  const count = (old ?? next)?.cases.length ?? 0;
  const held = `${count === 1 ? 'one case holds' : `${count} cases hold`} the policy to what was agreed`;
  const free = 'no case holds it to anything';
  const isGone = next === undefined;
  const witness: PlainWitness = {
    kind: 'plain',
    given: ['the policy'],
    old: isGone ? held : free,
    new: isGone ? free : held,
  };
  return {
    area: 'case',
    direction: isGone ? 'loosening' : 'tightening',
    isDecided: true,
    path: 'cases',
    at: {},
    says: isGone
      ? `no cases stand beside the new policy; the old one has ${count}`
      : `${count === 1 ? 'one case stands' : `${count} cases stand`} beside the policy; the old one has none`,
    ...(isGone ? { loosens: witness } : { tightens: witness }),
  };
}

const keyed = (
  cases: readonly PolicyCase[],
  renamed: Readonly<Record<string, string>>,
): ReadonlyMap<string, PolicyCase> =>
  new Map(
    cases.map((each) => {
      const { control, facts, expect } = each;
      return [canonicalJson({ control: renamed[control] ?? control, facts, expect }), each];
    }),
  );

function renamedCases(
  before: ReadonlyMap<string, PolicyCase>,
  after: ReadonlyMap<string, PolicyCase>,
): readonly Change[] {
  const count = [...before].filter(([key, each]) => {
    const now = after.get(key);
    return now !== undefined && now.name !== each.name;
  }).length;
  return count === 0
    ? []
    : [
        {
          area: 'case',
          direction: 'text',
          isDecided: true,
          path: 'cases',
          at: {},
          says: `${count === 1 ? 'one case has' : `${count} cases have`} another name and the same content`,
        },
      ];
}

const caseChange = (
  { control }: PolicyCase,
  direction: Change['direction'],
  says: string,
  more: Pick<Change, 'caseLine' | 'loosens' | 'tightens'>,
): Change => ({
  area: 'case',
  direction,
  isDecided: true,
  path: `cases.${control}`,
  at: {},
  says,
  ...more,
});

function example({ control, expect }: PolicyCase, side: 'old' | 'new'): PlainWitness {
  const held = `the policy is held to “${control} is ${expect.outcome} by ${expect.clause}”`;
  const free = 'no case holds the policy to that';
  return {
    kind: 'plain',
    given: ['the facts of this case'],
    old: side === 'old' ? held : free,
    new: side === 'old' ? free : held,
  };
}
