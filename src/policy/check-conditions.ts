import type { DocumentPath } from '../core/index.ts';
import { isOperatorName, OPERATORS, type Operator } from './conditions.ts';
import {
  type FactName,
  type FactType,
  factDefinition,
  factsOf,
  isFactName,
  SUBJECTS,
  type Subject,
} from './facts.ts';
import { nearest } from './nearest.ts';
import { describeValue, isMapping, quote } from './problems.ts';
import type { Report } from './report.ts';

/** Deeper trees cannot be reviewed; a `not` counts as a level. */
export const MAX_CONDITION_DEPTH = 20;

/** Whether a tree stays within the depth; looked at before anything walks it, so that no other code meets a deeper one. */
export function checkDepth(report: Report, root: DocumentPath): boolean {
  let isShallow = true;
  const walk = (condition: unknown, path: DocumentPath, depth: number): void => {
    if (!isMapping(condition) || !isShallow) return;
    if (depth > MAX_CONDITION_DEPTH) {
      isShallow = false;
      report.add(
        path,
        'condition-too-deep',
        `conditions are nested more than ${MAX_CONDITION_DEPTH} levels deep`,
        'split the control into several, or flatten the conditions',
      );
      return;
    }
    for (const [inner, innerPath] of partsOf(condition, path)) walk(inner, innerPath, depth + 1);
  };
  walk(report.value(root), root, 1);
  return isShallow;
}

/** What the schema cannot say of a condition: that fact, subject, operator and value fit each other. */
export function checkCondition(report: Report, path: DocumentPath, subject: Subject | undefined): void {
  const condition = report.value(path);
  if (!isMapping(condition)) return;
  for (const [, innerPath] of partsOf(condition, path)) checkCondition(report, innerPath, subject);
  const { fact, op, value } = condition;
  if (typeof fact !== 'string' || !isFactName(fact)) return;
  if (subject !== undefined && !factDefinition(fact).subjects.includes(subject)) {
    const known = factsOf(subject);
    report.add(
      [...path, 'fact'],
      'fact-not-for-subject',
      `\`${fact}\` is not known of ${SUBJECT_WORDS[subject]}`,
      `use a fact of \`${subject}\` (${known.map((name) => `\`${name}\``).join(', ')}), or another \`subject\``,
    );
  }
  // A value of no type that any operator takes is the schema's to tell.
  const hasValue = value !== undefined && value !== null && !isMapping(value);
  if (typeof op === 'string' && isOperatorName(op) && hasValue)
    checkComparison(report, path, fact, op, value);
}

const SUBJECT_WORDS = {
  'account-region': 'an account and Region',
  principal: 'a principal',
  account: 'an account',
  organization: 'an organization',
} as const satisfies Record<Subject, string>;

export const isSubject = (name: unknown): name is Subject => SUBJECTS.some((subject) => subject === name);

function partsOf(
  condition: Readonly<Record<string, unknown>>,
  path: DocumentPath,
): readonly (readonly [unknown, DocumentPath])[] {
  const parts: [unknown, DocumentPath][] = [];
  for (const kind of ['all', 'any'] as const) {
    const list = condition[kind];
    if (Array.isArray(list))
      parts.push(
        ...list.map((part: unknown, index): [unknown, DocumentPath] => [part, [...path, kind, index]]),
      );
  }
  if (condition.not !== undefined) parts.push([condition.not, [...path, 'not']]);
  return parts;
}

function checkComparison(
  report: Report,
  path: DocumentPath,
  fact: FactName,
  op: Operator,
  value: unknown,
): void {
  const definition = factDefinition(fact);
  const operator = OPERATORS[op];
  const fitting: readonly FactType[] = operator.facts;
  if (!fitting.includes(definition.type)) {
    const others = Object.entries(OPERATORS).filter(([, each]) =>
      (each.facts as readonly FactType[]).includes(definition.type),
    );
    report.add(
      [...path, 'op'],
      'operator-not-for-fact',
      `\`${op}\` does not fit \`${fact}\`, which is ${TYPE_WORDS[definition.type]}`,
      `use one of ${others.map(([name]) => `\`${name}\``).join(', ')}`,
    );
    return;
  }
  const valuePath = [...path, 'value'];
  switch (operator.takes) {
    case 'boolean':
      if (typeof value !== 'boolean')
        report.add(
          valuePath,
          'value-not-for-fact',
          `\`${op}\` asks whether there is a value, found ${quote(value)}`,
          'write `true` or `false`',
        );
      return;
    case 'list':
      if (!Array.isArray(value)) {
        report.add(
          valuePath,
          'value-not-for-fact',
          `\`${op}\` compares with a list, found ${quote(value)}`,
          'write the values as a list, such as `[a, b]`, or use `equal` or `notEqual`',
        );
        return;
      }
      for (const [index, element] of value.entries())
        checkValue(report, [...valuePath, index], fact, definition.type, element);
      return;
    case 'one':
    case 'element':
      if (Array.isArray(value)) {
        report.add(
          valuePath,
          'value-not-for-fact',
          `\`${op}\` compares with one value, found a list`,
          'write one value, or use `in` or `notIn`',
        );
        return;
      }
      checkValue(
        report,
        valuePath,
        fact,
        definition.type === 'string-list' ? 'string' : definition.type,
        value,
      );
      return;
  }
}

const TYPE_WORDS = {
  boolean: '`true` or `false`',
  string: 'a text',
  number: 'a number',
  'string-list': 'a list of texts',
} as const satisfies Record<FactType, string>;

/** One value against the type and, where the catalogue closes the list, the values a fact can have. */
export function checkValue(
  report: Report,
  path: DocumentPath,
  fact: FactName,
  type: FactType,
  value: unknown,
): void {
  const fits = type === 'string-list' ? Array.isArray(value) : typeof value === type;
  if (!fits) {
    report.add(
      path,
      'value-not-for-fact',
      `\`${fact}\` is ${TYPE_WORDS[type]}, found ${describeValue(value, report.document.writtenAt(path))}`,
      type === 'string' ? 'write a text; in quotes, if YAML reads it otherwise' : `write ${TYPE_WORDS[type]}`,
    );
    return;
  }
  const { values } = factDefinition(fact);
  if (values === undefined || typeof value !== 'string' || values.includes(value)) return;
  const meant = nearest(value, values);
  const list = values.map((each) => `\`${each}\``).join(', ');
  report.add(
    path,
    'value-not-known',
    `\`${fact}\` is never ${quote(value)}`,
    meant === undefined ? `write one of ${list}` : `did you mean \`${meant}\`? It is one of ${list}`,
  );
}
