import type { z } from 'zod';
import {
  type DocumentPath,
  err,
  hashOf,
  ok,
  type Problem,
  parseSourceDocument,
  type Result,
  type SourceDocument,
} from '../core/index.ts';
import { checkGraph } from './graph-checks.ts';
import { isRecord, type ReferencePath } from './paths.ts';
import {
  graphSchema,
  LAMBDA_INVOKE_WITH_TOKEN,
  MAX_STATE_NAME,
  machineSchema,
  type ParsedState,
  REFUSED_FIELDS,
  STATE_SCHEMAS,
} from './state-schemas.ts';
import type {
  Catcher,
  NumberSource,
  Retrier,
  State,
  StateGraph,
  StateMachine,
  Transition,
} from './states.ts';

/** The issue kinds by which zod tells of a value that is not there. */
const MISSING: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value']);

/** `$`: the whole input. */
const WHOLE: ReferencePath = { root: 'input', steps: [], text: '$' };

/**
 * Reads a state machine in the portable subset of the Amazon States Language (docs/workflow-subset.md), from YAML or JSON.
 * Whatever lies outside is refused by name, with the state and the field; all problems of a file are reported, not the first.
 * @param file - for positions in messages; it is not opened
 */
export function parseStateMachine(text: string, file: string): Result<StateMachine, readonly Problem[]> {
  const document = parseSourceDocument(text, file);
  if (!document.ok) return document;
  return new DefinitionReader(document.value).read();
}

class DefinitionReader {
  readonly #source: SourceDocument;
  readonly #problems: Problem[] = [];
  readonly #allStates = new Map<string, State>();

  constructor(source: SourceDocument) {
    this.#source = source;
  }

  read(): Result<StateMachine, readonly Problem[]> {
    const { value } = this.#source;
    const parsed = machineSchema.safeParse(value);
    if (!parsed.success) this.#reportIssues(parsed.error.issues, [], 'the state machine', value);
    const graph = isRecord(value) ? this.#graph(value, [], 'the state machine') : undefined;
    if (this.#problems.length > 0 || !parsed.success || graph === undefined) return err(this.#problems);
    return ok({
      ...graph,
      comment: parsed.data.Comment ?? '',
      timeoutSeconds: parsed.data.TimeoutSeconds,
      allStates: this.#allStates,
      definition: JSON.stringify(value),
      hash: hashOf(value),
      source: this.#source,
    });
  }

  #report(path: DocumentPath, code: string, message: string, remedy: string, at?: 'key'): void {
    this.#problems.push(this.#source.problemAt(path, code, message, remedy, at));
  }

  #graph(value: Record<string, unknown>, at: DocumentPath, owner: string): StateGraph | undefined {
    const states = new Map<string, State>();
    const written = value.States;
    // A wrong type was reported with the schema of the graph.
    if (!isRecord(written) || typeof value.StartAt !== 'string') return undefined;
    let complete = true;
    for (const [name, body] of Object.entries(written)) {
      const here = [...at, 'States', name];
      if (name.length === 0 || name.length > MAX_STATE_NAME)
        this.#report(
          here,
          'state-name',
          `state name \`${name}\` must have 1 to ${MAX_STATE_NAME} characters`,
          'shorten it',
          'key',
        );
      const state = this.#state(name, body, here);
      if (state === undefined) {
        complete = false;
        continue;
      }
      if (this.#allStates.has(name))
        this.#report(
          here,
          'duplicate-state',
          `state \`${name}\` exists twice in this machine`,
          'give every state a name of its own, also across branches',
          'key',
        );
      this.#allStates.set(name, state);
      states.set(name, state);
    }
    const graph = { startAt: value.StartAt, states };
    // Transitions are judged on a complete graph only: a state that could not be read would look like a missing one.
    if (complete)
      checkGraph(graph, new Set(Object.keys(written)), (path, code, message, remedy) =>
        this.#report([...at, ...path], code, `${owner}: ${message}`, remedy),
      );
    return graph;
  }

  #state(name: string, body: unknown, at: DocumentPath): State | undefined {
    const subject = `state \`${name}\``;
    const type = isRecord(body) ? body.Type : undefined;
    if (!isRecord(body) || typeof type !== 'string' || !Object.hasOwn(STATE_SCHEMAS, type)) {
      const said =
        typeof type === 'string' ? `state type \`${type}\` is outside the portable subset` : 'needs a `Type`';
      this.#report(
        typeof type === 'string' ? [...at, 'Type'] : at,
        'unsupported-state-type',
        `${subject}: ${said}`,
        `use one of ${Object.keys(STATE_SCHEMAS).join(', ')}`,
      );
      return undefined;
    }
    const before = this.#problems.length;
    const state = this.#stateOfType(type as State['type'], name, body, at);
    return this.#problems.length === before ? state : undefined;
  }

  #stateOfType(
    type: State['type'],
    name: string,
    body: Record<string, unknown>,
    at: DocumentPath,
  ): State | undefined {
    const base = { name, at } as const;
    switch (type) {
      case 'Task': {
        const data = this.#parse('Task', name, body, at);
        if (!data) return undefined;
        const { Payload, 'Payload.$': payloadPath, FunctionName } = data.Parameters;
        const payload = payloadPath
          ? ({ kind: 'path', path: payloadPath } as const)
          : (Payload ?? { kind: 'object', entries: [] });
        return {
          ...base,
          ...common(data),
          ...recovery(data),
          type,
          transition: this.#transition(data, name, at),
          functionName: FunctionName['Fn::GetAtt'][0],
          payload,
          waitsForToken: data.Resource === LAMBDA_INVOKE_WITH_TOKEN,
          timeoutSeconds: numberSource(data.TimeoutSeconds, data.TimeoutSecondsPath),
          heartbeatSeconds: data.HeartbeatSeconds,
        };
      }
      case 'Pass': {
        const data = this.#parse('Pass', name, body, at);
        return (
          data && {
            ...base,
            ...common(data),
            type,
            transition: this.#transition(data, name, at),
            parameters: data.Parameters,
            result: Object.hasOwn(body, 'Result') ? { value: body.Result } : undefined,
            resultPath: orWhole(data.ResultPath),
          }
        );
      }
      case 'Choice': {
        const data = this.#parse('Choice', name, body, at);
        return data && { ...base, ...common(data), type, choices: data.Choices, default: data.Default };
      }
      case 'Wait': {
        const data = this.#parse('Wait', name, body, at);
        return (
          data && {
            ...base,
            ...common(data),
            type,
            transition: this.#transition(data, name, at),
            until: waitEnd(data),
          }
        );
      }
      case 'Parallel': {
        const data = this.#parse('Parallel', name, body, at);
        const branches = data?.Branches.map((branch, index) =>
          this.#nested(branch, [...at, 'Branches', index], `state \`${name}\`, branch ${index + 1}`),
        );
        if (!data || !branches?.every((branch) => branch !== undefined)) return undefined;
        return {
          ...base,
          ...common(data),
          ...recovery(data),
          type,
          transition: this.#transition(data, name, at),
          parameters: data.Parameters,
          branches,
        };
      }
      case 'Map': {
        const data = this.#parse('Map', name, body, at);
        const field = data?.ItemProcessor === undefined ? 'Iterator' : 'ItemProcessor';
        const processor = this.#nested(data?.[field], [...at, field], `state \`${name}\`, ${field}`);
        if (!data || !processor) return undefined;
        return {
          ...base,
          ...common(data),
          ...recovery(data),
          type,
          transition: this.#transition(data, name, at),
          itemsPath: data.ItemsPath ?? WHOLE,
          itemSelector: data.ItemSelector ?? data.Parameters,
          maxConcurrency: data.MaxConcurrency ?? 0,
          processor,
        };
      }
      case 'Succeed': {
        const data = this.#parse('Succeed', name, body, at);
        return data && { ...base, ...common(data), type };
      }
      case 'Fail': {
        const data = this.#parse('Fail', name, body, at);
        return data && { ...base, ...common(data), type, error: data.Error, cause: data.Cause };
      }
    }
  }

  #parse<T extends keyof typeof STATE_SCHEMAS>(
    type: T,
    name: string,
    body: Record<string, unknown>,
    at: DocumentPath,
  ): ParsedState<T> | undefined {
    const parsed = STATE_SCHEMAS[type].safeParse(body);
    // The schema is chosen by the same `type`; the compiler cannot follow an indexed union that far.
    if (parsed.success) return parsed.data as ParsedState<T>;
    this.#reportIssues(parsed.error.issues, at, `state \`${name}\``, body);
    return undefined;
  }

  #nested(
    value: Record<string, unknown> | undefined,
    at: DocumentPath,
    owner: string,
  ): StateGraph | undefined {
    if (value === undefined) return undefined;
    const parsed = graphSchema.safeParse(value);
    if (!parsed.success) this.#reportIssues(parsed.error.issues, at, owner, value);
    return this.#graph(value, at, owner);
  }

  #transition(
    data: { readonly Next?: string | undefined; readonly End?: true | undefined },
    name: string,
    at: DocumentPath,
  ): Transition {
    if ((data.Next === undefined) === (data.End === undefined))
      this.#report(
        at,
        'transition',
        `state \`${name}\`: needs exactly one of \`Next\` and \`End: true\``,
        data.Next === undefined ? 'add `Next`, or `End: true`' : 'remove one of the two',
        'key',
      );
    return data.Next === undefined ? { kind: 'end' } : { kind: 'next', state: data.Next };
  }

  #reportIssues(issues: readonly z.core.$ZodIssue[], at: DocumentPath, subject: string, body: unknown): void {
    for (const issue of issues) {
      const path = issue.path.filter((step): step is string | number => typeof step !== 'symbol');
      const within = path.length === 0 ? '' : ` field \`${path.join('.')}\`:`;
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) {
          const reason = REFUSED_FIELDS[key];
          const field = [...path, key].join('.');
          this.#report(
            [...at, ...path, key],
            'unsupported-field',
            `${subject}: field \`${field}\` is outside the portable subset`,
            reason ?? 'remove it',
            'key',
          );
        }
      } else if (MISSING.has(issue.code) && valueAt(body, path) === undefined) {
        this.#report(
          [...at, ...path],
          'missing-field',
          `${subject}: field \`${path.join('.')}\` is missing`,
          'add it',
        );
      } else {
        this.#report(
          [...at, ...path],
          'invalid-field',
          `${subject}:${within} ${issue.message}`,
          'see docs/workflow-subset.md for what this field takes',
        );
      }
    }
  }
}

function valueAt(body: unknown, path: readonly (string | number)[]): unknown {
  let value = body;
  for (const step of path) {
    if (Array.isArray(value) && typeof step === 'number') value = value[step];
    else if (isRecord(value) && Object.hasOwn(value, step)) value = value[step];
    else return undefined;
  }
  return value;
}

const orWhole = (path: ReferencePath | null | undefined): ReferencePath | null =>
  path === undefined ? WHOLE : path;

interface CommonFields {
  readonly Comment?: string | undefined;
  readonly InputPath?: ReferencePath | null | undefined;
  readonly OutputPath?: ReferencePath | null | undefined;
}
const common = (data: CommonFields) => ({
  comment: data.Comment ?? '',
  inputPath: orWhole(data.InputPath),
  outputPath: orWhole(data.OutputPath),
});

/** Defaults of Retry as Step Functions documents them: 1 s, 2.0, 3 attempts. `FULL` jitter takes the whole delay, its upper bound. */
const recovery = (data: Pick<ParsedState<'Task'>, 'Retry' | 'Catch' | 'ResultPath' | 'ResultSelector'>) => ({
  resultSelector: data.ResultSelector,
  resultPath: orWhole(data.ResultPath),
  retry: (data.Retry ?? []).map(
    (entry): Retrier => ({
      errorEquals: entry.ErrorEquals,
      intervalSeconds: entry.IntervalSeconds ?? 1,
      backoffRate: entry.BackoffRate ?? 2,
      maxAttempts: entry.MaxAttempts ?? 3,
      maxDelaySeconds: entry.MaxDelaySeconds,
    }),
  ),
  catch: (data.Catch ?? []).map(
    (entry): Catcher => ({
      errorEquals: entry.ErrorEquals,
      next: entry.Next,
      resultPath: orWhole(entry.ResultPath),
    }),
  ),
});

function numberSource(value: number | undefined, path: ReferencePath | undefined): NumberSource | undefined {
  if (value !== undefined) return { kind: 'literal', value };
  return path === undefined ? undefined : { kind: 'path', path };
}

function waitEnd(data: ParsedState<'Wait'>): Extract<State, { type: 'Wait' }>['until'] {
  if (data.Timestamp !== undefined) return { kind: 'timestamp', value: data.Timestamp };
  if (data.TimestampPath !== undefined) return { kind: 'timestamp-path', path: data.TimestampPath };
  const value = numberSource(data.Seconds, data.SecondsPath);
  if (value === undefined) throw new TypeError('a Wait without an end passed its schema');
  return { kind: 'seconds', value };
}
