import { err, ok, type Result } from '../core/index.ts';

/** One step into a value: a field name, or the index of a list. */
export type PathStep = string | number;

/**
 * A reference path: it names exactly one place. `$` starts at the state's input, `$$` at the context object.
 * @see https://states-language.net/spec.html (Reference Paths)
 */
export interface ReferencePath {
  readonly root: 'input' | 'context';
  readonly steps: readonly PathStep[];
  /** As written, for messages. */
  readonly text: string;
}

const STEP = /\.([A-Za-z_][A-Za-z0-9_-]*)|\[(0|[1-9][0-9]{0,8})\]|\['((?:[^'\\]|\\.)*)'\]/y;

/** The fields of the context object that the subset carries; everything below `Execution.Input` and `Map.Item.Value` is free. */
const CONTEXT_FIELDS = new Set([
  'Task.Token',
  'Execution.Id',
  'Execution.Name',
  'Execution.StartTime',
  'Execution.Input',
  'State.Name',
  'State.EnteredTime',
  'State.RetryCount',
  'Map.Item.Index',
  'Map.Item.Value',
  'StateMachine.Id',
  'StateMachine.Name',
]);
const OPEN_ENDED = new Set(['Execution.Input', 'Map.Item.Value']);

/** Reads a reference path. Whatever can select several values or compute one is refused, with the reason as the error. */
export function parsePath(text: string): Result<ReferencePath, string> {
  if (/^States\.[A-Za-z0-9]+\(/.test(text))
    return err(`intrinsic function \`${text}\` is outside the portable subset`);
  if (text.startsWith('{%')) return err(`JSONata expression \`${text}\` is outside the portable subset`);
  const root = text.startsWith('$$') ? 'context' : 'input';
  const from = root === 'context' ? 2 : 1;
  if (!text.startsWith('$')) return err(`\`${text}\` is not a path: it must start with \`$\` or \`$$\``);
  if (root === 'input' && /^\$[A-Za-z_]/.test(text))
    return err(`variable reference \`${text}\` is outside the portable subset`);
  const steps: PathStep[] = [];
  STEP.lastIndex = from;
  while (STEP.lastIndex < text.length) {
    const at = STEP.lastIndex;
    const match = STEP.exec(text);
    if (!match)
      return err(`\`${text}\` is not a reference path: cannot read it from \`${text.slice(at, at + 20)}\``);
    if (match[1] !== undefined) steps.push(match[1]);
    else if (match[2] !== undefined) steps.push(Number(match[2]));
    else steps.push((match[3] ?? '').replace(/\\(.)/g, '$1'));
  }
  if (root === 'context') {
    const known = contextField(steps);
    if (known === undefined) return err(`context field \`${text}\` is outside the portable subset`);
  }
  return ok({ root, steps, text });
}

function contextField(steps: readonly PathStep[]): string | undefined {
  for (const length of [2, 3]) {
    const field = steps.slice(0, length).join('.');
    if (CONTEXT_FIELDS.has(field) && (steps.length === length || OPEN_ENDED.has(field))) return field;
  }
  return undefined;
}

export type Resolved = { readonly found: true; readonly value: unknown } | { readonly found: false };

/** What a path reads from. The context is a function because building it costs a parse that most states never need. */
export interface Scope {
  readonly input: unknown;
  readonly context: () => unknown;
}

/** Reads the place a path names. Own fields only, so that `$.constructor` is as absent as on AWS. */
export function resolvePath(path: ReferencePath, scope: Scope): Resolved {
  let value = path.root === 'context' ? scope.context() : scope.input;
  for (const step of path.steps) {
    if (typeof step === 'number') {
      if (!Array.isArray(value) || step >= value.length) return { found: false };
      value = value[step];
    } else {
      if (!isRecord(value) || !Object.hasOwn(value, step)) return { found: false };
      value = value[step];
    }
  }
  return { found: true, value };
}

/**
 * A copy of `target` with `value` put where `path` points; missing objects on the way are made, missing list items are not.
 * @returns the reason when something on the way is neither object nor list
 */
export function assignPath(target: unknown, path: ReferencePath, value: unknown): Result<unknown, string> {
  const put = (node: unknown, depth: number): Result<unknown, string> => {
    const step = path.steps[depth];
    if (step === undefined) return ok(value);
    if (typeof step === 'number') {
      if (!Array.isArray(node) || step >= node.length)
        return err(`\`${path.text}\` points at a list item that does not exist`);
      const inner = put(node[step], depth + 1);
      return inner.ok ? ok(node.with(step, inner.value)) : inner;
    }
    if (node !== undefined && !isRecord(node))
      return err(`\`${path.text}\` goes through a value that is not an object`);
    const inner = put(node !== undefined && Object.hasOwn(node, step) ? node[step] : undefined, depth + 1);
    // A computed key defines an own property even when it is `__proto__`.
    return inner.ok ? ok({ ...node, [step]: inner.value }) : inner;
  };
  return put(target, 0);
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
