import type { DocumentPath, Sha256Hex, SourceDocument } from '../core/index.ts';
import type { ChoiceCondition } from './choice-rules.ts';
import type { ReferencePath } from './paths.ts';
import type { Template } from './templates.ts';

/** Where a path may also be `null`: `InputPath: null` reads `{}`, `ResultPath: null` drops the result. */
export type PathOrNull = ReferencePath | null;

export type Transition = { readonly kind: 'next'; readonly state: string } | { readonly kind: 'end' };

interface StateBase {
  readonly name: string;
  readonly comment: string;
  /** Where the state stands in its file. */
  readonly at: DocumentPath;
  readonly inputPath: PathOrNull;
  readonly outputPath: PathOrNull;
}

interface WithResult extends StateBase {
  readonly resultSelector: Template | undefined;
  readonly resultPath: PathOrNull;
  readonly retry: readonly Retrier[];
  readonly catch: readonly Catcher[];
  readonly transition: Transition;
}

export interface Retrier {
  readonly errorEquals: readonly string[];
  readonly intervalSeconds: number;
  readonly backoffRate: number;
  readonly maxAttempts: number;
  readonly maxDelaySeconds: number | undefined;
}

export interface Catcher {
  readonly errorEquals: readonly string[];
  readonly next: string;
  readonly resultPath: PathOrNull;
}

/** A number given in the definition, or read from the state's input. */
export type NumberSource =
  | { readonly kind: 'literal'; readonly value: number }
  | { readonly kind: 'path'; readonly path: ReferencePath };

export interface TaskState extends WithResult {
  readonly type: 'Task';
  readonly functionName: string;
  readonly payload: Template;
  /** `true` for `.waitForTaskToken`: the state goes on when the token comes back, not when the function returns. */
  readonly waitsForToken: boolean;
  readonly timeoutSeconds: NumberSource | undefined;
  readonly heartbeatSeconds: number | undefined;
}
export interface PassState extends StateBase {
  readonly type: 'Pass';
  readonly parameters: Template | undefined;
  readonly result: { readonly value: unknown } | undefined;
  readonly resultPath: PathOrNull;
  readonly transition: Transition;
}
export interface ChoiceRule {
  readonly condition: ChoiceCondition;
  readonly next: string;
  readonly comment: string;
}
export interface ChoiceState extends StateBase {
  readonly type: 'Choice';
  readonly choices: readonly ChoiceRule[];
  readonly default: string | undefined;
}
export interface WaitState extends StateBase {
  readonly type: 'Wait';
  readonly until:
    | { readonly kind: 'seconds'; readonly value: NumberSource }
    | { readonly kind: 'timestamp'; readonly value: string }
    | { readonly kind: 'timestamp-path'; readonly path: ReferencePath };
  readonly transition: Transition;
}
export interface ParallelState extends WithResult {
  readonly type: 'Parallel';
  readonly parameters: Template | undefined;
  readonly branches: readonly StateGraph[];
}
export interface MapState extends WithResult {
  readonly type: 'Map';
  readonly itemsPath: ReferencePath;
  readonly itemSelector: Template | undefined;
  /** 0 means as many at a time as AWS runs inline: 40. */
  readonly maxConcurrency: number;
  readonly processor: StateGraph;
}
export interface SucceedState extends StateBase {
  readonly type: 'Succeed';
}
export interface FailState extends StateBase {
  readonly type: 'Fail';
  readonly error: string | undefined;
  readonly cause: string | undefined;
}

export type State =
  | TaskState
  | PassState
  | ChoiceState
  | WaitState
  | ParallelState
  | MapState
  | SucceedState
  | FailState;

/** States that run one after another from `startAt`; transitions never leave it. */
export interface StateGraph {
  readonly startAt: string;
  readonly states: ReadonlyMap<string, State>;
}

/** A definition inside the portable subset: everything in it can be run here and on Step Functions. */
export interface StateMachine extends StateGraph {
  readonly comment: string;
  readonly timeoutSeconds: number | undefined;
  /** Every state, nested ones too: names are unique in the whole machine. */
  readonly allStates: ReadonlyMap<string, State>;
  /** The document the machine was read from, as JSON, and its hash: running executions keep the definition they started with. */
  readonly definition: string;
  readonly hash: Sha256Hex;
  readonly source: SourceDocument;
}

/** The states a state can hand over to in its own graph, by any route, errors included. */
export function successorsOf(state: State): string[] {
  const next = (transition: Transition): string[] => (transition.kind === 'next' ? [transition.state] : []);
  switch (state.type) {
    case 'Task':
    case 'Parallel':
    case 'Map':
      return [...next(state.transition), ...state.catch.map((catcher) => catcher.next)];
    case 'Pass':
    case 'Wait':
      return next(state.transition);
    case 'Choice':
      return [
        ...state.choices.map((choice) => choice.next),
        ...(state.default === undefined ? [] : [state.default]),
      ];
    case 'Succeed':
    case 'Fail':
      return [];
  }
}

/** Can a run of the graph end here? */
export const isTerminal = (state: State): boolean =>
  state.type === 'Succeed' ||
  state.type === 'Fail' ||
  ('transition' in state && state.transition.kind === 'end');

/** The graphs inside a state. */
export function nestedGraphs(state: State): readonly StateGraph[] {
  if (state.type === 'Parallel') return state.branches;
  return state.type === 'Map' ? [state.processor] : [];
}
