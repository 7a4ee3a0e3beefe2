import {
  type CaseFact,
  type CaseOutcome,
  type ClausePath,
  type Control,
  describeLeaf,
  type FactName,
  isFactName,
  type Policy,
  type PolicyCase,
  type PolicyCases,
} from '../policy/index.ts';
import { coverCases, type Direction, leavesWithin } from './coverage.ts';
import { evaluateControl } from './evaluate.ts';
import { mutatePolicy } from './mutate.ts';
import { findFacts } from './regions.ts';
import { NEEDED_CASES, type NeededCase, SHOWN_BY } from './run-cases.ts';
import type { FactSet, Verdict } from './types.ts';
import { decidingLeaves } from './verdict.ts';

/** A case that is missing, for a person to accept: what it expects is what the policy says today, which may be wrong. */
export interface SuggestedCase {
  readonly case: Omit<PolicyCase, 'line'>;
  /** What it is good for. */
  readonly because: string;
}

export interface Suggestions {
  readonly cases: readonly SuggestedCase[];
  /** What is missing and no case can show: a direction that a clause can never take, an outcome that cannot come about. */
  readonly impossible: readonly string[];
}

/**
 * The cases that a policy lacks: for each control one that fires, one that passes and one without evidence; for each clause both
 * directions; and for each mistake that no case notices a case that does. Each states as few facts as possible; one that is served by
 * an earlier one is left out.
 */
export function suggestCases(policy: Policy, cases: PolicyCases): Suggestions {
  const suggested: SuggestedCase[] = [];
  const impossible: string[] = [];
  const names = new Set(cases.cases.map(({ name }) => name));
  for (const control of policy.controls) {
    const one: Policy = { ...policy, controls: [control] };
    const all = (): PolicyCases => ({
      ...cases,
      cases: [...cases.cases, ...suggested.map((each) => ({ ...each.case, line: 0 }))],
    });
    const add = (facts: FactSet, because: string): void => {
      const suggestion = caseOf(control, facts, names);
      names.add(suggestion.name);
      suggested.push({ case: suggestion, because });
    };
    for (const needed of NEEDED_CASES) {
      if (hasOutcome(control, all(), SHOWN_BY[needed])) continue;
      const search = findFacts(
        [control],
        cases.now,
        (facts) => evaluateControl(control, facts).outcome === SHOWN_BY[needed],
      );
      if (search.kind === 'found') add(search.facts, NEEDED_WORDS[needed]);
      else impossible.push(`${control.id} can never be ${SHOWN_BY[needed]}`);
    }
    for (const { clause, missing } of coverCases(one, all()).clauses)
      for (const direction of missing) {
        if (!isMissing(one, all(), clause, direction)) continue;
        const search = findFacts([control], cases.now, (facts) =>
          decidesAs(evaluateControl(control, facts), clause, direction),
        );
        if (search.kind === 'found') add(search.facts, `\`${clause}\` decides, being ${direction}`);
        else impossible.push(`\`${clause}\` of ${control.id} never decides by being ${direction}`);
      }
    for (let survivor = survivorOf(one, all()); survivor !== undefined; survivor = survivorOf(one, all()))
      add(survivor.witness, `notices a mistake at \`${survivor.clause}\`: ${survivor.change}`);
  }
  return { cases: suggested, impossible };
}

const NEEDED_WORDS = {
  fires: 'the control needs a case in which it fires',
  passes: 'the control needs a case in which it passes',
  'missing-evidence': 'the control needs a case with missing evidence',
} as const satisfies Record<NeededCase, string>;

function hasOutcome(control: Control, { cases }: PolicyCases, outcome: CaseOutcome): boolean {
  return cases.some((each) => each.control === control.id && each.expect.outcome === outcome);
}

const isMissing = (one: Policy, cases: PolicyCases, clause: ClausePath, direction: Direction): boolean =>
  coverCases(one, cases).clauses.some((each) => each.clause === clause && each.missing.includes(direction));

/** Whether a clause takes a direction and helps to decide with it; `require` counts only where the control applies. */
function decidesAs({ when, require }: Verdict, clause: ClausePath, direction: Direction): boolean {
  const isUnderWhen = clause.startsWith('when');
  if (!isUnderWhen && when !== undefined && when.truth !== 'true') return false;
  const tree = isUnderWhen ? when : require;
  if (tree === undefined || !leavesWithin(tree).some(({ path }) => path === clause)) return false;
  return decidingLeaves(tree).some(({ path, truth }) => path === clause && truth === direction);
}

function survivorOf(
  one: Policy,
  cases: PolicyCases,
): { readonly witness: FactSet; readonly change: string; readonly clause: ClausePath } | undefined {
  for (const { mutant, fate } of mutatePolicy(one, cases).results)
    if (fate.kind === 'survives')
      return { witness: fate.witness, change: mutant.change, clause: mutant.clause };
  return undefined;
}

const MAX_NAME = 200;

function caseOf(control: Control, facts: FactSet, names: ReadonlySet<string>): SuggestedCase['case'] {
  const { outcome, decidingClause: clause } = evaluateControl(control, facts);
  const stated = statedFacts(facts);
  const words = stated.map(([fact, seen]) => said(fact, seen)).join(', ');
  const whole = `${control.id} is ${outcome} where ${words === '' ? 'nothing is known' : words}`;
  const base = whole.length <= MAX_NAME - 4 ? whole : `${whole.slice(0, MAX_NAME - 7)}...`;
  let name = base;
  for (let again = 2; names.has(name); again += 1) name = `${base} (${again})`;
  return { name, control: control.id, facts: Object.fromEntries(stated), expect: { outcome, clause } };
}

const statedFacts = (facts: FactSet): readonly (readonly [FactName, CaseFact])[] =>
  Object.entries(facts).flatMap(([name, observation]) =>
    isFactName(name) && observation.kind !== 'unobservable'
      ? [
          [
            name,
            observation.kind === 'absent'
              ? { kind: 'absent' as const }
              : { kind: 'observed' as const, value: observation.value },
          ] as const,
        ]
      : [],
  );

function said(fact: FactName, seen: CaseFact): string {
  if (seen.kind !== 'observed') return describeLeaf({ fact, op: 'present', value: false }, false);
  const { value } = seen;
  return typeof value === 'object'
    ? `\`${fact}\` is ${value.length === 0 ? 'empty' : value.join(', ')}`
    : describeLeaf({ fact, op: 'equal', value }, false);
}

/** Suggested cases as YAML, ready to stand under `cases:` once a person has read them and named them well. */
export function suggestionsText({ cases, impossible }: Suggestions): string {
  const lines = cases.flatMap(({ case: { name, control, facts, expect }, because }) => [
    `  # ${oneLine(because)}`,
    `  - name: ${scalar(name)}`,
    `    control: ${control}`,
    Object.keys(facts).length === 0 ? '    facts: {}' : '    facts:',
    ...Object.entries(facts).map(([fact, seen]) => `      ${fact}: ${factText(seen)}`),
    `    expect: { outcome: ${expect.outcome}, clause: ${scalar(expect.clause)} }`,
  ]);
  return [...lines, ...impossible.map((what) => `  # ${oneLine(what)}`)].map((line) => `${line}\n`).join('');
}

const factText = (seen: CaseFact | undefined): string => {
  if (seen === undefined || seen.kind === 'unobservable')
    return `{ unobservable: ${seen?.reason ?? 'not-collected'} }`;
  if (seen.kind === 'absent') return '{ absent: true }';
  const { value } = seen;
  return typeof value === 'object' ? `[${value.map(scalar).join(', ')}]` : scalar(value);
};

const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');

/** Plain where YAML reads it as the same text, else in double quotes (JSON is YAML). */
function scalar(value: boolean | number | string): string {
  if (typeof value !== 'string') return String(value);
  const isPlain = /^[A-Za-z][A-Za-z0-9_-]*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value);
  return isPlain ? value : JSON.stringify(value);
}
