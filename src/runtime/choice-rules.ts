import { assertNever } from '../core/index.ts';
import { isRecord, parsePath, type ReferencePath, resolvePath, type Scope } from './paths.ts';
import type { ReportFault } from './templates.ts';
import { parseTimestamp } from './timestamps.ts';

type Kind = 'String' | 'Numeric' | 'Boolean' | 'Timestamp';
type Relation = 'Equals' | 'LessThan' | 'GreaterThan' | 'LessThanEquals' | 'GreaterThanEquals';
type TypeTest = 'IsPresent' | 'IsNull' | 'IsString' | 'IsNumeric' | 'IsBoolean' | 'IsTimestamp';

export type ChoiceCondition =
  | { readonly kind: 'and' | 'or'; readonly rules: readonly ChoiceCondition[] }
  | { readonly kind: 'not'; readonly rule: ChoiceCondition }
  | { readonly kind: 'test'; readonly variable: ReferencePath; readonly test: TypeTest; readonly is: boolean }
  | { readonly kind: 'matches'; readonly variable: ReferencePath; readonly pattern: string }
  | {
      readonly kind: 'compare';
      readonly variable: ReferencePath;
      readonly type: Kind;
      readonly relation: Relation;
      readonly operand:
        | { readonly kind: 'literal'; readonly value: string | number | boolean }
        | { readonly kind: 'path'; readonly path: ReferencePath };
    };

const TYPE_TESTS: readonly string[] = [
  'IsPresent',
  'IsNull',
  'IsString',
  'IsNumeric',
  'IsBoolean',
  'IsTimestamp',
] satisfies readonly TypeTest[];
const COMPARISON =
  /^(String|Numeric|Boolean|Timestamp)(Equals|LessThan|GreaterThan|LessThanEquals|GreaterThanEquals)(Path)?$/;

/** Reads one condition (without its `Next`); faults are reported relative to it. */
export function parseCondition(
  value: unknown,
  report: ReportFault,
  at: readonly (string | number)[] = [],
): ChoiceCondition | undefined {
  if (!isRecord(value)) {
    report(at, 'a choice rule must be an object');
    return undefined;
  }
  const keys = Object.keys(value);
  for (const [key, kind] of [
    ['And', 'and'],
    ['Or', 'or'],
  ] as const) {
    if (!keys.includes(key)) continue;
    onlyKeys(keys, [key], report, at);
    const list = value[key];
    if (!Array.isArray(list) || list.length === 0) {
      report([...at, key], `\`${key}\` needs a list with at least one rule`);
      return undefined;
    }
    const rules = list.map((item, index) => parseCondition(item, report, [...at, key, index]));
    return rules.every((rule) => rule !== undefined) ? { kind, rules } : undefined;
  }
  if (keys.includes('Not')) {
    onlyKeys(keys, ['Not'], report, at);
    const rule = parseCondition(value.Not, report, [...at, 'Not']);
    return rule === undefined ? undefined : { kind: 'not', rule };
  }
  return parseComparison(value, keys, report, at);
}

function onlyKeys(
  keys: readonly string[],
  allowed: readonly string[],
  report: ReportFault,
  at: readonly (string | number)[],
): void {
  for (const key of keys) {
    if (!allowed.includes(key)) report([...at, key], `\`${key}\` may not stand beside \`${allowed[0]}\``);
  }
}

function parseComparison(
  value: Record<string, unknown>,
  keys: readonly string[],
  report: ReportFault,
  at: readonly (string | number)[],
): ChoiceCondition | undefined {
  const fault = (key: string, message: string): undefined => {
    report([...at, key], message);
    return undefined;
  };
  const variableText = value.Variable;
  if (typeof variableText !== 'string') return fault('Variable', 'a choice rule needs `Variable`, a path');
  const variable = parsePath(variableText);
  if (!variable.ok) return fault('Variable', variable.error);
  const operators = keys.filter((key) => key !== 'Variable');
  const operator = operators[0];
  if (operator === undefined) return fault('Variable', 'a choice rule needs one comparison');
  if (operators.length > 1)
    return fault(operators[1] ?? '', 'a choice rule has exactly one comparison; use `And` for several');
  const operand = value[operator];
  if (TYPE_TESTS.includes(operator)) {
    if (typeof operand !== 'boolean') return fault(operator, `\`${operator}\` needs \`true\` or \`false\``);
    return { kind: 'test', variable: variable.value, test: operator as TypeTest, is: operand };
  }
  if (operator === 'StringMatches') {
    if (typeof operand !== 'string') return fault(operator, '`StringMatches` needs text');
    return { kind: 'matches', variable: variable.value, pattern: operand };
  }
  const match = COMPARISON.exec(operator);
  const type = match?.[1] as Kind | undefined;
  const relation = match?.[2] as Relation | undefined;
  if (type === undefined || relation === undefined || (type === 'Boolean' && relation !== 'Equals'))
    return fault(operator, `comparison \`${operator}\` is outside the portable subset`);
  const base = { kind: 'compare', variable: variable.value, type, relation } as const;
  if (match?.[3] !== undefined) {
    const path =
      typeof operand === 'string' ? parsePath(operand) : ({ ok: false, error: 'needs a path' } as const);
    return path.ok
      ? { ...base, operand: { kind: 'path', path: path.value } }
      : fault(operator, `\`${operator}\`: ${path.error}`);
  }
  if (asOperand(type, operand) === undefined)
    return fault(operator, `\`${operator}\` needs ${EXPECTED[type]}`);
  return { ...base, operand: { kind: 'literal', value: operand as string | number | boolean } };
}

const EXPECTED: Record<Kind, string> = {
  String: 'text',
  Numeric: 'a number',
  Boolean: '`true` or `false`',
  Timestamp: 'an instant such as `2026-12-01T09:00:00Z`',
};

/** The value in the form in which two of its kind compare, or `undefined` when it is not of the kind. */
function asOperand(type: Kind, value: unknown): string | number | boolean | undefined {
  switch (type) {
    case 'String':
      return typeof value === 'string' ? value : undefined;
    case 'Numeric':
      return typeof value === 'number' ? value : undefined;
    case 'Boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'Timestamp':
      return typeof value === 'string' ? parseTimestamp(value) : undefined;
    default:
      return assertNever(type, 'comparison type');
  }
}

/**
 * Decides a condition. A value of another type than the comparison's is simply not equal (`false`), as on AWS; a variable that is
 * not there is a fault of the definition, reported through `missing`, which must throw. `IsPresent` is how to ask first.
 */
export function evaluateCondition(
  condition: ChoiceCondition,
  scope: Scope,
  missing: (path: ReferencePath) => never,
): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.rules.every((rule) => evaluateCondition(rule, scope, missing));
    case 'or':
      return condition.rules.some((rule) => evaluateCondition(rule, scope, missing));
    case 'not':
      return !evaluateCondition(condition.rule, scope, missing);
    case 'test': {
      const resolved = resolvePath(condition.variable, scope);
      if (condition.test === 'IsPresent') return resolved.found === condition.is;
      if (!resolved.found) return missing(condition.variable);
      return isOfType(condition.test, resolved.value) === condition.is;
    }
    case 'matches': {
      const resolved = resolvePath(condition.variable, scope);
      if (!resolved.found) return missing(condition.variable);
      return typeof resolved.value === 'string' && matchesPattern(resolved.value, condition.pattern);
    }
    case 'compare': {
      const read = (path: ReferencePath): unknown => {
        const resolved = resolvePath(path, scope);
        return resolved.found ? resolved.value : missing(path);
      };
      const left = asOperand(condition.type, read(condition.variable));
      const { operand } = condition;
      const right = asOperand(condition.type, operand.kind === 'path' ? read(operand.path) : operand.value);
      return left !== undefined && right !== undefined && compare(condition.relation, left, right);
    }
  }
}

function isOfType(test: Exclude<TypeTest, 'IsPresent'>, value: unknown): boolean {
  switch (test) {
    case 'IsNull':
      return value === null;
    case 'IsString':
      return typeof value === 'string';
    case 'IsNumeric':
      return typeof value === 'number';
    case 'IsBoolean':
      return typeof value === 'boolean';
    case 'IsTimestamp':
      return typeof value === 'string' && parseTimestamp(value) !== undefined;
    default:
      return assertNever(test, 'type test');
  }
}

function compare(
  relation: Relation,
  left: string | number | boolean,
  right: string | number | boolean,
): boolean {
  switch (relation) {
    case 'Equals':
      return left === right;
    case 'LessThan':
      return left < right;
    case 'GreaterThan':
      return left > right;
    case 'LessThanEquals':
      return left <= right;
    case 'GreaterThanEquals':
      return left >= right;
    default:
      return assertNever(relation, 'relation');
  }
}

/** `*` stands for any run of characters, `\*` for a star, `\\` for a backslash. Linear: no regular expression is built from a definition. */
function matchesPattern(text: string, pattern: string): boolean {
  const parts: string[] = [''];
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern[index] ?? '';
    if (char === '*') parts.push('');
    else {
      const literal = char === '\\' ? (pattern[++index] ?? '\\') : char;
      parts[parts.length - 1] += literal;
    }
  }
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return text === first;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  let from = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, from);
    if (found < 0 || found + part.length > end) return false;
    from = found + part.length;
  }
  return true;
}
