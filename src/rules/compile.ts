import {
  type ClausePath,
  type Condition,
  type Control,
  isFactName,
  OPERATOR_NAMES,
  type Operator,
} from '../policy/index.ts';
import { RulesError } from './errors.ts';
import type { Comparison } from './operators.ts';

/** A condition tree that has been checked and knows where each node stands in its control. */
export type ClauseNode =
  | { readonly kind: 'all' | 'any'; readonly path: ClausePath; readonly parts: readonly ClauseNode[] }
  | { readonly kind: 'not'; readonly path: ClausePath; readonly part: ClauseNode }
  | { readonly kind: 'leaf'; readonly path: ClausePath; readonly comparison: Comparison };

/** What both evaluators need of a control: its two trees. */
export type Decidable = Pick<Control, 'id' | 'require'> & { readonly when?: Condition | undefined };

export interface CompiledControl {
  readonly id: string;
  readonly when?: ClauseNode;
  readonly require: ClauseNode;
}

/**
 * Checks a control's trees and gives every node its clause path. Done once per control, whatever the number of fact sets.
 * The policy loader has refused all of this before; the check is repeated because json-rules-engine fires on an empty `all`,
 * ignores a `path` on a scalar and skips conditions by `priority`, so nothing unforeseen may reach it.
 *
 * @throws {RulesError} `CONDITION_REFUSED`
 */
export function compileControl(control: Decidable): CompiledControl {
  const require = compile(control.require, 'require');
  return control.when === undefined
    ? { id: control.id, require }
    : { id: control.id, when: compile(control.when, 'when'), require };
}

function compile(condition: Condition, path: ClausePath): ClauseNode {
  const keys = Object.keys(condition).sort().join();
  if ('all' in condition || 'any' in condition) {
    const kind = 'all' in condition ? 'all' : 'any';
    const parts = 'all' in condition ? condition.all : condition.any;
    if (keys !== kind) refuse(path, `\`${kind}\` cannot stand beside other keys (\`${keys}\`)`);
    if (!Array.isArray(parts) || parts.length === 0) refuse(path, `an empty \`${kind}\` decides nothing`);
    return { kind, path, parts: parts.map((part, index) => compile(part, `${path}.${kind}[${index}]`)) };
  }
  if ('not' in condition) {
    if (keys !== 'not') refuse(path, `\`not\` cannot stand beside other keys (\`${keys}\`)`);
    return { kind: 'not', path, part: compile(condition.not, `${path}.not`) };
  }
  if (keys !== 'fact,op,value') refuse(path, `expected \`fact\`, \`op\` and \`value\`, found \`${keys}\``);
  if (!isFactName(condition.fact)) refuse(path, `there is no fact \`${String(condition.fact)}\``);
  if (!isOperator(condition.op)) refuse(path, `there is no operator \`${String(condition.op)}\``);
  const { value } = condition;
  // json-rules-engine reads an object with `fact` as a reference to another fact.
  if (!Array.isArray(value) && typeof value === 'object') refuse(path, '`value` takes no object');
  return { kind: 'leaf', path, comparison: condition };
}

const isOperator = (name: string): name is Operator => OPERATOR_NAMES.some((known) => known === name);

function refuse(path: ClausePath, why: string): never {
  throw new RulesError('CONDITION_REFUSED', `${path}: ${why}`);
}
