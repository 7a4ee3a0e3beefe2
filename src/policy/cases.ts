import * as z from 'zod';
import {
  type EpochMs,
  err,
  ok,
  type Problem,
  parseInstant,
  parseSourceDocument,
  type Result,
} from '../core/index.ts';
import { checkValue } from './check-conditions.ts';
import { clausePaths } from './clauses.ts';
import type { ClausePath } from './conditions.ts';
import { FACT_NAMES, type FactName, type FactValue, factDefinition, isFactName } from './facts.ts';
import { nearest } from './nearest.ts';
import { inTextOrder, isMapping, problemsOf, quote } from './problems.ts';
import { Report } from './report.ts';
import { type Control, instantText, type Policy } from './schema.ts';

/*
 * `<policy>.cases.yaml`: examples that the policy's owners agree on. Facts in, outcome and deciding clause out. This file reads
 * the cases; `src/rules` runs them.
 */

export const CASE_OUTCOMES = ['compliant', 'non-compliant', 'not-applicable', 'indeterminate'] as const;
export type CaseOutcome = (typeof CASE_OUTCOMES)[number];

/** Why a fact is not known, as the evidence spells it (a test keeps the two lists equal). */
export const CASE_UNOBSERVABLE_REASONS = [
  'access-denied',
  'throttled',
  'not-collected',
  'malformed',
  'failed',
  'not-evaluated',
] as const;
export type CaseUnobservableReason = (typeof CASE_UNOBSERVABLE_REASONS)[number];

/** A fact as a case states it; one that is not stated counts as not collected. */
export type CaseFact =
  | { readonly kind: 'observed'; readonly value: FactValue }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unobservable'; readonly reason: CaseUnobservableReason };

export interface PolicyCase {
  /** A sentence; unique in its file. */
  readonly name: string;
  /** Id of a control of the policy. */
  readonly control: string;
  readonly facts: Readonly<Partial<Record<FactName, CaseFact>>>;
  readonly expect: { readonly outcome: CaseOutcome; readonly clause: ClausePath };
  /** 1-based line of the case in its file, for a failure's report. */
  readonly line: number;
}

export interface PolicyCases {
  /** Id of the policy the cases are written for. */
  readonly policy: string;
  /** The instant at which every observation of the file was made and every case is decided. */
  readonly now: EpochMs;
  readonly cases: readonly PolicyCase[];
  readonly file: string;
}

const NO_EVIDENCE = [
  z.strictObject({ absent: z.literal(true) }).describe('positive evidence that there is no value'),
  z
    .strictObject({ unobservable: z.enum(CASE_UNOBSERVABLE_REASONS).describe('why it is not known') })
    .describe('no evidence at all'),
] as const;

function factSchema(name: FactName): z.ZodType {
  const { type, meaning } = factDefinition(name);
  const value = {
    boolean: z.boolean(),
    string: z.string(),
    number: z.number(),
    'string-list': z.array(z.string()),
  }[type];
  return z
    .union([value, ...NO_EVIDENCE])
    .describe(meaning)
    .optional();
}

export const policyCasesSchema = z.strictObject({
  kind: z.literal('PolicyCases'),
  schemaVersion: z.literal(1),
  policy: z.string().min(1).describe('id of the policy the cases are written for'),
  now: instantText('when the evidence was seen and the cases are decided'),
  cases: z
    .array(
      z.strictObject({
        name: z.string().trim().min(1).max(200).describe('what the case shows, as a sentence'),
        control: z.string().min(1).describe('id of the control'),
        facts: z
          .strictObject(Object.fromEntries(FACT_NAMES.map((name) => [name, factSchema(name)])))
          .describe('what is known; a fact left out was not collected'),
        expect: z.strictObject({
          outcome: z.enum(CASE_OUTCOMES),
          clause: z.string().min(1).describe('the clause that decides, such as `require.any[1].all[0]`'),
        }),
      }),
    )
    .min(1),
});

/**
 * Reads a file of cases for `policy`. All faults of the file are told.
 *
 * @param file - the name shown in problems; nothing is read from it
 */
export function parsePolicyCases(
  text: string,
  file: string,
  policy: Policy,
): Result<PolicyCases, readonly Problem[]> {
  const document = parseSourceDocument(text, file);
  if (!document.ok) return document;
  const source = document.value;
  const parsed = policyCasesSchema.safeParse(source.value);
  const faults = parsed.success ? [] : problemsOf(source, parsed.error, policyCasesSchema);
  const isOfAnotherKind = faults.filter(
    ({ code }) => code === 'wrong-kind' || code === 'unsupported-version',
  );
  if (isOfAnotherKind.length > 0) return err(isOfAnotherKind);

  const report = new Report(source);
  checkCases(report, policy);
  const problems = inTextOrder([...faults, ...report.problems]);
  if (!parsed.success || problems.length > 0) return err(problems);
  const now = parseInstant(parsed.data.now);
  if (!now.ok) throw new Error(`the schema let \`${parsed.data.now}\` pass as an instant`);
  return ok({
    policy: parsed.data.policy,
    now: now.value,
    file,
    cases: parsed.data.cases.map(({ name, control, facts, expect }, index) => ({
      name,
      control,
      facts: Object.fromEntries(Object.entries(facts).map(([fact, value]) => [fact, caseFactOf(value)])),
      expect,
      line: source.problemAt(['cases', index], '', '', '').line,
    })),
  });
}

/** `{ absent: true }`, `{ unobservable: throttled }` or a plain value; the schema has refused everything else. */
function caseFactOf(value: unknown): CaseFact {
  if (!isMapping(value)) return { kind: 'observed', value: value as FactValue };
  return 'absent' in value
    ? { kind: 'absent' }
    : { kind: 'unobservable', reason: value.unobservable as CaseUnobservableReason };
}

function checkCases(report: Report, policy: Policy): void {
  const id = report.text(['policy']);
  if (id !== undefined && id !== policy.metadata.id)
    report.add(
      ['policy'],
      'wrong-policy',
      `these are cases of ${quote(id)}, and the policy is \`${policy.metadata.id}\``,
      `write \`policy: ${policy.metadata.id}\`, or give the policy they belong to`,
    );
  const names = new Set<string>();
  for (const path of report.mappings(['cases'])) {
    const name = report.text([...path, 'name'])?.trim();
    if (name !== undefined && names.has(name))
      report.add(
        [...path, 'name'],
        'duplicate-entry',
        `the case ${quote(name)} stands twice`,
        'give each case a sentence of its own',
      );
    if (name !== undefined) names.add(name);

    const controlId = report.text([...path, 'control']);
    if (controlId === undefined) continue;
    const control = policy.controls.find((each) => each.id === controlId);
    if (control === undefined) {
      const ids = policy.controls.map((each) => each.id);
      const meant = nearest(controlId, ids);
      report.add(
        [...path, 'control'],
        'unknown-control',
        `the policy has no control ${quote(controlId)}`,
        meant === undefined ? `write one of ${list(ids)}` : `did you mean \`${meant}\`?`,
      );
      continue;
    }
    checkFacts(report, [...path, 'facts'], control);
    checkExpectation(report, [...path, 'expect'], control);
  }
}

function checkFacts(report: Report, path: readonly (string | number)[], control: Control): void {
  const facts = report.value(path);
  if (!isMapping(facts)) return;
  for (const [fact, value] of Object.entries(facts)) {
    if (!isFactName(fact)) continue;
    const { subjects, type } = factDefinition(fact);
    if (!subjects.includes(control.subject))
      report.add(
        [...path, fact],
        'fact-not-for-subject',
        `\`${fact}\` is not known of the subject of \`${control.id}\`, \`${control.subject}\``,
        'remove it',
        'key',
      );
    // The schema has told about a value of another type.
    if (typeof value === type) checkValue(report, [...path, fact], fact, type, value);
  }
}

function checkExpectation(report: Report, path: readonly (string | number)[], control: Control): void {
  const outcome = report.value([...path, 'outcome']);
  const clause = report.text([...path, 'clause']);
  if (outcome === 'not-applicable' && control.when === undefined)
    report.add(
      [...path, 'outcome'],
      'clause-not-for-outcome',
      `\`${control.id}\` has no \`when\`, so it always applies`,
      'expect another outcome, or give the control a `when`',
    );
  if (clause === undefined) return;
  const under = {
    when: control.when === undefined ? [] : clausePaths(control.when, 'when'),
    require: clausePaths(control.require, 'require'),
  };
  const all = [...under.when, ...under.require];
  if (!all.includes(clause)) {
    const meant = nearest(clause, all);
    report.add(
      [...path, 'clause'],
      'unknown-clause',
      `\`${control.id}\` has no clause ${quote(clause)} that compares a fact`,
      meant === undefined ? `write one of ${list(all)}` : `did you mean \`${meant}\`? It has ${list(all)}`,
    );
    return;
  }
  const isUnderWhen = under.when.includes(clause);
  const isPossible = outcome === 'indeterminate' || isUnderWhen === (outcome === 'not-applicable');
  if (!isPossible && CASE_OUTCOMES.some((each) => each === outcome))
    report.add(
      [...path, 'clause'],
      'clause-not-for-outcome',
      `${quote(clause)} can never decide that the outcome is ${quote(outcome)}`,
      `a clause under \`${isUnderWhen ? 'require' : 'when'}\` decides it`,
    );
}

const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
