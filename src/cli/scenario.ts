import * as z from 'zod';
import { FAULT_KINDS, FAULTY_OPERATIONS } from '../adapters/embedded/aws/faults.ts';
import {
  err,
  isAccountId,
  isPrincipalId,
  isRegion,
  ok,
  type Problem,
  parseDuration,
  parseSourceDocument,
  type Result,
} from '../core/index.ts';
import { SETTINGS } from '../enforcement/index.ts';
import { durationText, instantText, problemsOf } from '../policy/index.ts';

/*
 * What can be made to happen in a simulated state, defined once: the steps of a scenario file and the actions of `simulate do`.
 * `exception` is an id, or the name that a `request` step gave it.
 */

const who = z.string().refine(isPrincipalId, 'expected a person’s id');
const account = z.string().refine(isAccountId, 'expected a 12-digit account id, in quotes');
const region = z.string().refine(isRegion, 'expected an AWS Region code');
const exception = z.string().min(1);
const callerArn = z
  .string()
  .startsWith('arn:')
  .max(700)
  .describe('ARN of the caller, as CloudTrail names it');
const count = z.coerce.number().int().min(1).max(100_000);

export const DETECTORS = ['workflow', 'dead-mans-switch', 'sweeper'] as const;

const ACTIONS = {
  adopt: z
    .strictObject({ do: z.literal('adopt'), policy: z.string().min(1), as: who })
    .describe('put a policy in force'),
  request: z
    .strictObject({
      do: z.literal('request'),
      file: z.string().min(1),
      as: who,
      name: z.string().min(1).optional(),
    })
    .describe('ask for an exception'),
  approve: z
    .strictObject({ do: z.literal('approve'), exception, as: who, role: z.string().min(1) })
    .describe('approve it in one role'),
  reject: z
    .strictObject({
      do: z.literal('reject'),
      exception,
      as: who,
      role: z.string().min(1),
      reason: z.string().optional(),
    })
    .describe('reject it'),
  withdraw: z
    .strictObject({ do: z.literal('withdraw'), exception, as: who, reason: z.string().min(1) })
    .describe('take it back'),
  revoke: z
    .strictObject({ do: z.literal('revoke'), exception, as: who, reason: z.string().min(1) })
    .describe('end it now'),
  advance: z
    .strictObject({
      do: z.literal('advance'),
      by: durationText('how far').optional(),
      to: instantText('up to when').optional(),
    })
    .describe('move the clock'),
  'create-bucket': z
    .strictObject({
      do: z.literal('create-bucket'),
      account,
      region,
      bucket: z.string().min(3),
      kmsKeyArn: z.string().optional(),
      versioned: z.stringbool().or(z.boolean()).default(true),
    })
    .describe('an empty bucket'),
  invoke: z
    .strictObject({
      do: z.literal('invoke'),
      account,
      region,
      as: z.string().min(1).describe('ARN of the caller'),
      prompt: z.string(),
      response: z.string().default('an answer'),
      times: count.default(1),
      /** Makes the prompt a body of its own. */
      kilobytes: count.optional(),
    })
    .describe('somebody invokes a model; Bedrock delivers a record if logging is on'),
  'overwrite-object': z
    .strictObject({
      do: z.literal('overwrite-object'),
      bucket: z.string(),
      key: z.string(),
      body: z.string(),
    })
    .describe('a further version of an object'),
  'delete-object': z
    .strictObject({ do: z.literal('delete-object'), bucket: z.string(), key: z.string() })
    .describe('a delete marker on an object'),
  'start-upload': z
    .strictObject({ do: z.literal('start-upload'), bucket: z.string(), key: z.string(), body: z.string() })
    .describe('a multipart upload that is never completed'),
  'put-logging': z
    .strictObject({
      do: z.literal('put-logging'),
      account,
      region,
      bucket: z.string().min(3),
      prefix: z.string().default(''),
      content: z.enum(['on', 'off']).default('on'),
      by: callerArn.optional(),
    })
    .describe('somebody else switches logging on'),
  'delete-logging': z
    .strictObject({ do: z.literal('delete-logging'), account, region, by: callerArn.optional() })
    .describe('somebody else switches logging off'),
  'config-rule': z
    .strictObject({ do: z.literal('config-rule'), account, region })
    .describe('deploy the hourly AWS Config rule of the settings there'),
  'event-rules': z
    .strictObject({ do: z.literal('event-rules'), state: z.enum(['on', 'off']) })
    .describe('deploy, or remove, the event rules: calls then become events after 5 minutes'),
  'count-reads': z
    .strictObject({ do: z.literal('count-reads'), account, region })
    .describe('deploy the rules there that forward reads of what is captured: they are counted from now on'),
  read: z
    .strictObject({ do: z.literal('read'), exception, as: callerArn, times: count.default(1) })
    .describe('somebody reads what an exception captured, at its first place'),
  'set-retention': z
    .strictObject({ do: z.literal('set-retention'), account, region, mode: z.string().min(1) })
    .describe('somebody else sets the data-retention mode'),
  'adopt-foreign': z
    .strictObject({
      do: z.literal('adopt-foreign'),
      account,
      region,
      setting: z.enum(SETTINGS),
      as: who,
      reason: z.string().min(1),
    })
    .describe('take over somebody else’s configuration'),
  'stop-workflow': z
    .strictObject({ do: z.literal('stop-workflow'), exception })
    .describe('stop the execution; nothing of it runs afterwards'),
  mute: z
    .strictObject({ do: z.literal('mute'), detector: z.enum(['dead-mans-switch', 'sweeper']) })
    .describe('its schedules no longer fire'),
  unmute: z
    .strictObject({ do: z.literal('unmute'), detector: z.enum(['dead-mans-switch', 'sweeper']) })
    .describe('they fire again'),
  fault: z
    .strictObject({
      do: z.literal('fault'),
      operation: z.enum(FAULTY_OPERATIONS),
      kind: z.enum(FAULT_KINDS),
      times: count.default(1),
      delay: durationText('for `slow`').optional(),
    })
    .describe('the next calls of an AWS operation fail'),
  'clear-faults': z.strictObject({ do: z.literal('clear-faults') }).describe('no call fails any more'),
  expect: z
    .strictObject({
      do: z.literal('expect'),
      exception: exception.optional(),
      state: z.string().optional(),
      account: account.optional(),
      region: region.optional(),
      contentStorage: z.enum(['on', 'off']).optional(),
      retentionMode: z.string().optional(),
      bucket: z.string().optional(),
      versions: z.coerce.number().int().min(0).optional(),
    })
    .describe('fail the scenario unless this holds'),
} as const;

export const actionSchema = z.discriminatedUnion(
  'do',
  Object.values(ACTIONS) as unknown as [typeof ACTIONS.adopt, ...(typeof ACTIONS)[keyof typeof ACTIONS][]],
);
export type Action = z.output<(typeof ACTIONS)[keyof typeof ACTIONS]>;
export const ACTION_HELP = Object.entries(ACTIONS).map(([name, schema]) => ({
  name,
  what: schema.description ?? '',
  fields: Object.keys(schema.shape).filter((field) => field !== 'do'),
}));

const scenarioSchema = z.strictObject({
  kind: z.literal('Scenario'),
  schemaVersion: z.literal(1),
  description: z.string().min(1).max(2000),
  /** A snapshot; relative to the scenario file, as are all paths in it. */
  organization: z.string().min(1),
  people: z.string().min(1),
  startsAt: instantText('first instant of the simulated clock').optional(),
  steps: z.array(actionSchema).min(1),
});
export type Scenario = z.output<typeof scenarioSchema>;

export function parseScenario(text: string, file: string): Result<Scenario, readonly Problem[]> {
  const document = parseSourceDocument(text, file);
  if (!document.ok) return document;
  const parsed = scenarioSchema.safeParse(document.value.value);
  if (!parsed.success) return err(problemsOf(document.value, parsed.error, scenarioSchema));
  return ok(parsed.data);
}

/** Reads `stop-workflow exception=ex-…`: an action and its fields, as words of a command line. */
export function parseAction(name: string, words: readonly string[]): Result<Action, string> {
  const schema = Object.hasOwn(ACTIONS, name) ? ACTIONS[name as keyof typeof ACTIONS] : undefined;
  if (schema === undefined)
    return err(`there is no action \`${name}\`; there are ${Object.keys(ACTIONS).join(', ')}`);
  const fields: Record<string, string> = { do: name };
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) return err(`\`${word}\` is not a field; write NAME=VALUE`);
    fields[word.slice(0, at)] = word.slice(at + 1);
  }
  const parsed = schema.safeParse(fields);
  if (parsed.success) return ok(parsed.data as Action);
  const takes = Object.keys(schema.shape).filter((field) => field !== 'do');
  const says = parsed.error.issues.map((issue) => {
    const field = issue.path.join('.');
    if (issue.code === 'unrecognized_keys')
      return `\`${name}\` has no field ${issue.keys.map((key) => `\`${key}\``).join(', ')}; it takes ${takes.length === 0 ? 'none' : takes.join(', ')}`;
    const given = fields[field];
    if (given === undefined) return `\`${name}\` needs \`${field}=…\``;
    if (issue.code === 'invalid_value')
      return `\`${field}=${given}\`: write ${issue.values.map(String).join(' or ')}`;
    if (issue.code === 'too_small' && given === '') return `\`${field}=\` is empty`;
    // Messages of our own begin with what was expected; those of the validator name its types.
    return issue.code === 'custom' || !/^(Invalid|Too)/.test(issue.message)
      ? `\`${field}=${given}\`: ${issue.message}`
      : `\`${field}=${given}\` cannot be read`;
  });
  return err(says.join('; '));
}

export function lengthOf(text: string): number {
  const read = parseDuration(text);
  return read.ok ? read.value : 0;
}
