import { DATA_LIMIT_EXCEEDED, RESULT_PATH_MATCH_FAILURE, RUNTIME_ERROR, StateFailure } from './errors.ts';
import { LIMITS } from './limits.ts';
import { assignPath, type ReferencePath, resolvePath, type Scope } from './paths.ts';
import type { NumberSource, PathOrNull, State } from './states.ts';
import { fillTemplate, type Template } from './templates.ts';

/**
 * A path that names nothing ends the execution, here with `States.Runtime`, which no Catch takes: a definition that asks for what is
 * not there is wrong, and a Catch must not paper over it.
 */
export const missingIn =
  (state: State, field: string) =>
  (path: ReferencePath): never => {
    throw new StateFailure(
      RUNTIME_ERROR,
      `state \`${state.name}\`: \`${path.text}\` in \`${field}\` names nothing in the input`,
    );
  };

/** Reads `path`; `null` reads `{}`. */
function readPath(path: PathOrNull, scope: Scope, missing: (path: ReferencePath) => never): unknown {
  if (path === null) return {};
  const resolved = resolvePath(path, scope);
  return resolved.found ? resolved.value : missing(path);
}

/** The state's input after `InputPath`. */
export const effectiveInput = (state: State, scope: Scope): unknown =>
  readPath(state.inputPath, scope, missingIn(state, 'InputPath'));

/** `template` filled from `scope`, or the scope's input where there is no template. */
export const filled = (state: State, template: Template | undefined, field: string, scope: Scope): unknown =>
  template === undefined ? scope.input : fillTemplate(template, scope, missingIn(state, field));

/** Puts a result into the state's raw input at `ResultPath`; `null` drops the result. */
export function withResult(state: State, resultPath: PathOrNull, raw: unknown, result: unknown): unknown {
  if (resultPath === null) return raw;
  const assigned = assignPath(raw, resultPath, result);
  if (assigned.ok) return assigned.value;
  throw new StateFailure(RESULT_PATH_MATCH_FAILURE, `state \`${state.name}\`: ${assigned.error}`);
}

/** What the state hands on, after `OutputPath`. */
export const outputOf = (state: State, value: unknown, context: Scope['context']): unknown =>
  readPath(state.outputPath, { input: value, context }, missingIn(state, 'OutputPath'));

/** A number of seconds from the definition or from the input, a whole number within `min` and 99,999,999. */
export function secondsOf(
  state: State,
  source: NumberSource,
  field: string,
  min: number,
  scope: Scope,
): number {
  if (source.kind === 'literal') return source.value;
  const value = readPath(source.path, scope, missingIn(state, field));
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= 99_999_999)
    return value;
  throw new StateFailure(
    RUNTIME_ERROR,
    `state \`${state.name}\`: \`${field}\` must give a whole number of seconds from ${min} to 99999999`,
  );
}

/** JSON text of a value within the size that Step Functions carries. */
export function encode(value: unknown, what: string): string {
  const text = JSON.stringify(value) ?? 'null';
  if (text.length * 3 > LIMITS.payloadBytes && Buffer.byteLength(text) > LIMITS.payloadBytes) {
    throw new StateFailure(DATA_LIMIT_EXCEEDED, `${what} has more than ${LIMITS.payloadBytes} bytes`);
  }
  return text;
}

export const decode = (text: string): unknown => JSON.parse(text);
