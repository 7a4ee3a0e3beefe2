import * as z from 'zod';
import { parseCondition } from './choice-rules.ts';
import { parsePath } from './paths.ts';
import { parseTemplate, pathsOf, type ReportFault } from './templates.ts';
import { parseTimestamp } from './timestamps.ts';

/** Longest wait and task timeout that Step Functions takes, in seconds. */
export const MAX_SECONDS = 99_999_999;
export const MAX_STATE_NAME = 80;

export const LAMBDA_INVOKE = 'arn:aws:states:::lambda:invoke';
export const LAMBDA_INVOKE_WITH_TOKEN = 'arn:aws:states:::lambda:invoke.waitForTaskToken';

const reportTo =
  (ctx: z.RefinementCtx): ReportFault =>
  (path, message) =>
    ctx.addIssue({ code: 'custom', path: [...path], message });

const anyPath = z.string('needs a path as text').transform((text, ctx) => {
  const parsed = parsePath(text);
  if (parsed.ok) return parsed.value;
  ctx.addIssue({ code: 'custom', message: parsed.error });
  return z.NEVER;
});
/** Where a result may be written: the input document, never the context object. */
const inputPath = anyPath.refine((path) => path.root === 'input', 'must start with a single `$`');
const template = z
  .record(z.string(), z.unknown(), 'needs an object')
  .transform((value, ctx) => parseTemplate(value, reportTo(ctx)));
/** A template in a place where no task token exists, so that a token asked for is a fault and not a surprise at run time. */
const tokenlessTemplate = template.superRefine((value, ctx) => {
  if (pathsOf(value).some((path) => path.root === 'context' && path.steps[0] === 'Task'))
    ctx.addIssue({
      code: 'custom',
      message: '`$$.Task.Token` exists only in the payload of a `.waitForTaskToken` task',
    });
});
const seconds = (min: number) =>
  z
    .int(`needs a whole number of seconds from ${min} to ${MAX_SECONDS}`)
    .min(min, `needs at least ${min}`)
    .max(MAX_SECONDS, `needs at most ${MAX_SECONDS}`);
const stateName = z.string('needs the name of a state');

const common = {
  Type: z.string(),
  Comment: z.string().optional(),
  QueryLanguage: z
    .literal('JSONPath', 'query languages other than `JSONPath` are outside the portable subset')
    .optional(),
  InputPath: anyPath.nullable().optional(),
  OutputPath: anyPath.nullable().optional(),
};
const flow = {
  Next: stateName.optional(),
  End: z.literal(true, '`End` is `true` or absent').optional(),
};

const errorNames = z.array(z.string().min(1)).min(1, 'needs at least one error name');
const retrier = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorNames,
  IntervalSeconds: seconds(1).optional(),
  BackoffRate: z.number().min(1, 'needs at least 1.0').optional(),
  MaxAttempts: z.int().min(0).max(MAX_SECONDS).optional(),
  MaxDelaySeconds: z.int().min(1).max(31_622_399, 'needs less than 31622400').optional(),
  JitterStrategy: z.enum(['NONE', 'FULL'], 'needs `NONE` or `FULL`').optional(),
});
const catcher = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorNames,
  Next: stateName,
  ResultPath: inputPath.nullable().optional(),
});
const recovery = {
  ResultSelector: tokenlessTemplate.optional(),
  ResultPath: inputPath.nullable().optional(),
  Retry: z.array(retrier).optional(),
  Catch: z.array(catcher).optional(),
};

const functionName = z.strictObject(
  {
    'Fn::GetAtt': z.tuple(
      [z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'needs the name of a function'), z.literal('Arn')],
      'needs `[<function>, Arn]`',
    ),
  },
  'needs `{Fn::GetAtt: [<function>, Arn]}`',
);

const task = z
  .strictObject({
    ...common,
    ...flow,
    ...recovery,
    Resource: z.enum(
      [LAMBDA_INVOKE, LAMBDA_INVOKE_WITH_TOKEN],
      `resources other than \`${LAMBDA_INVOKE}\` and \`${LAMBDA_INVOKE_WITH_TOKEN}\` are outside the portable subset`,
    ),
    Parameters: z.strictObject(
      {
        FunctionName: functionName,
        Payload: template.optional(),
        'Payload.$': anyPath.optional(),
      },
      'needs `FunctionName` and `Payload`',
    ),
    TimeoutSeconds: seconds(1).optional(),
    TimeoutSecondsPath: anyPath.optional(),
    HeartbeatSeconds: seconds(1).optional(),
  })
  .superRefine((state, ctx) => {
    const { Payload, 'Payload.$': payloadPath } = state.Parameters;
    if (Payload !== undefined && payloadPath !== undefined)
      ctx.addIssue({
        code: 'custom',
        path: ['Parameters', 'Payload.$'],
        message: 'give either `Payload` or `Payload.$`',
      });
    if (state.TimeoutSeconds !== undefined && state.TimeoutSecondsPath !== undefined)
      ctx.addIssue({
        code: 'custom',
        path: ['TimeoutSecondsPath'],
        message: 'give either `TimeoutSeconds` or `TimeoutSecondsPath`',
      });
    if (state.Resource === LAMBDA_INVOKE) {
      const read = [
        ...(Payload === undefined ? [] : pathsOf(Payload)),
        ...(payloadPath ? [payloadPath] : []),
      ];
      if (read.some((path) => path.root === 'context' && path.steps[0] === 'Task'))
        ctx.addIssue({
          code: 'custom',
          path: ['Parameters', payloadPath ? 'Payload.$' : 'Payload'],
          message: '`$$.Task.Token` exists only in the payload of a `.waitForTaskToken` task',
        });
    }
  });

const pass = z.strictObject({
  ...common,
  ...flow,
  Parameters: tokenlessTemplate.optional(),
  Result: z.unknown().optional(),
  ResultPath: inputPath.nullable().optional(),
});

const choiceRule = z
  .record(z.string(), z.unknown(), 'a choice rule must be an object')
  .transform((value, ctx) => {
    const { Next, Comment, ...rest } = value;
    if (Comment !== undefined && typeof Comment !== 'string')
      ctx.addIssue({ code: 'custom', path: ['Comment'], message: 'needs text' });
    if (typeof Next !== 'string')
      ctx.addIssue({ code: 'custom', path: ['Next'], message: 'a choice rule needs `Next`' });
    const condition = parseCondition(rest, reportTo(ctx));
    return condition === undefined || typeof Next !== 'string'
      ? z.NEVER
      : { condition, next: Next, comment: typeof Comment === 'string' ? Comment : '' };
  });
const choice = z.strictObject({
  ...common,
  Choices: z.array(choiceRule).min(1, 'needs at least one rule'),
  Default: stateName.optional(),
});

const WAIT_FIELDS = ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'] as const;
const wait = z
  .strictObject({
    ...common,
    ...flow,
    Seconds: seconds(0).optional(),
    SecondsPath: anyPath.optional(),
    Timestamp: z
      .string()
      .refine(
        (text) => parseTimestamp(text) !== undefined,
        'needs an instant in UTC such as `2026-12-01T09:00:00Z`',
      )
      .optional(),
    TimestampPath: anyPath.optional(),
  })
  .superRefine((state, ctx) => {
    const given = WAIT_FIELDS.filter((field) => state[field] !== undefined);
    if (given.length !== 1)
      ctx.addIssue({
        code: 'custom',
        path: given.slice(1, 2),
        message: `a Wait needs exactly one of ${WAIT_FIELDS.map((field) => `\`${field}\``).join(', ')}`,
      });
  });

/** A nested graph is only looked at here; the walk over the document reads it, with its own positions. */
const graph = z.record(z.string(), z.unknown(), 'needs an object with `StartAt` and `States`');

const parallel = z.strictObject({
  ...common,
  ...flow,
  ...recovery,
  Parameters: tokenlessTemplate.optional(),
  Branches: z.array(graph).min(1, 'needs at least one branch'),
});

const map = z
  .strictObject({
    ...common,
    ...flow,
    ...recovery,
    ItemsPath: anyPath.optional(),
    ItemSelector: tokenlessTemplate.optional(),
    Parameters: tokenlessTemplate.optional(),
    MaxConcurrency: z.int().min(0).max(40, 'needs at most 40, what an inline Map runs at a time').optional(),
    ItemProcessor: graph.optional(),
    Iterator: graph.optional(),
  })
  .superRefine((state, ctx) => {
    if ((state.ItemProcessor === undefined) === (state.Iterator === undefined))
      ctx.addIssue({ code: 'custom', message: 'a Map needs one of `ItemProcessor` and `Iterator`' });
    if (state.ItemSelector !== undefined && state.Parameters !== undefined)
      ctx.addIssue({
        code: 'custom',
        path: ['Parameters'],
        message: 'give either `ItemSelector` or `Parameters`',
      });
  });

const succeed = z.strictObject(common);
const fail = z.strictObject({
  Type: common.Type,
  Comment: common.Comment,
  QueryLanguage: common.QueryLanguage,
  Error: z.string().min(1).max(256).optional(),
  Cause: z.string().max(32_768).optional(),
});

/** The one definition of what a state may say, by `Type`. */
export const STATE_SCHEMAS = {
  Task: task,
  Pass: pass,
  Choice: choice,
  Wait: wait,
  Parallel: parallel,
  Map: map,
  Succeed: succeed,
  Fail: fail,
} as const;

export type StateSchemas = typeof STATE_SCHEMAS;
export type ParsedState<T extends keyof StateSchemas> = z.infer<StateSchemas[T]>;

/** Top level of a definition file. `Version` and `QueryLanguage` may only say what is true anyway. */
export const machineSchema = z.strictObject({
  Comment: z.string().optional(),
  StartAt: stateName,
  States: z.record(z.string(), z.unknown(), 'needs an object of states'),
  TimeoutSeconds: seconds(1).optional(),
  Version: z.literal('1.0', 'needs `"1.0"`').optional(),
  QueryLanguage: z
    .literal('JSONPath', 'query languages other than `JSONPath` are outside the portable subset')
    .optional(),
});

/** The same for a branch or an item processor. */
export const graphSchema = z.strictObject({
  Comment: z.string().optional(),
  StartAt: stateName,
  States: z.record(z.string(), z.unknown(), 'needs an object of states'),
  QueryLanguage: machineSchema.shape.QueryLanguage,
  ProcessorConfig: z
    .strictObject(
      { Mode: z.literal('INLINE', 'a Map in `DISTRIBUTED` mode is outside the portable subset').optional() },
      'takes only `Mode`: the other settings belong to a distributed Map',
    )
    .optional(),
});

/** Fields of the full language that a reader may miss here, and why. */
export const REFUSED_FIELDS: Readonly<Record<string, string>> = {
  Assign: 'variables do not run the same everywhere',
  Arguments: 'it belongs to JSONata; use `Parameters`',
  Output: 'it belongs to JSONata; use `ResultSelector`, `ResultPath` and `OutputPath`',
  Items: 'it belongs to JSONata; use `ItemsPath`',
  Condition: 'it belongs to JSONata; use `Variable` and a comparison',
  Credentials: 'assume the role inside the function instead',
  ItemReader: 'it belongs to a distributed Map',
  ItemBatcher: 'it belongs to a distributed Map',
  ResultWriter: 'it belongs to a distributed Map',
  ToleratedFailureCount: 'it belongs to a distributed Map',
  ToleratedFailureCountPath: 'it belongs to a distributed Map',
  ToleratedFailurePercentage: 'it belongs to a distributed Map',
  ToleratedFailurePercentagePath: 'it belongs to a distributed Map',
  Label: 'it belongs to a distributed Map',
  MaxConcurrencyPath: 'give `MaxConcurrency` as a number',
  HeartbeatSecondsPath: 'give `HeartbeatSeconds` as a number',
  ErrorPath: 'give `Error` as text',
  CausePath: 'give `Cause` as text',
  InvocationType: 'functions are always called and waited for',
  Qualifier: 'functions are called without a version',
  ClientContext: 'put what the function needs into `Payload`',
};
