import classes from './bedrock-actions.json' with { type: 'json' };
import catalogue from './catalogue.json' with { type: 'json' };
import { globMatches } from './glob.ts';

/* Actions as AWS's service authorization reference spells them; policies match them without regard to case. */

/** What can change whether, where or in which retention mode prompts are stored. */
export const PROMPT_STORAGE_CHANGES = [
  'bedrock:PutModelInvocationLoggingConfiguration',
  'bedrock:DeleteModelInvocationLoggingConfiguration',
  'bedrock:PutAccountDataRetention',
  'bedrock-mantle:PutAccountDataRetention',
  'bedrock-mantle:CreateProject',
  'bedrock-mantle:UpdateProject',
] as const;

/**
 * What can send a prompt to a model. Converse and ConverseStream have no actions of their own: the two InvokeModel actions
 * authorize them, and a policy that names `bedrock:Converse` grants nothing.
 */
export const MODEL_INVOCATIONS = [
  'bedrock:InvokeModel',
  'bedrock:InvokeModelWithResponseStream',
  'bedrock:CreateModelInvocationJob',
  'bedrock-mantle:CreateInference',
] as const;

/** What can weaken the limits around stored content without touching a setting of Bedrock: access, retention, copies, keys. */
const LIMIT_WEAKENINGS = [
  'iam:PassRole',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
  's3:PutAccessPointPolicy',
  's3:DeleteAccessPointPolicy',
  's3:PutMultiRegionAccessPointPolicy',
  's3:PutLifecycleConfiguration',
  's3:PutReplicationConfiguration',
  'logs:PutRetentionPolicy',
  'logs:DeleteRetentionPolicy',
  'logs:PutResourcePolicy',
  'logs:PutSubscriptionFilter',
  'logs:PutAccountPolicy',
  'logs:PutDestination',
  'logs:CreateExportTask',
  'logs:PutDataProtectionPolicy',
  'logs:DeleteDataProtectionPolicy',
  'logs:PutLogGroupDeletionProtection',
  'kms:PutKeyPolicy',
  'kms:CreateGrant',
] as const;

/** What can read content where it may lie: in a bucket, a log group, a store of Bedrock itself; and the key it lies under. */
const CONTENT_READS = [
  's3:GetObject',
  's3:GetObjectVersion',
  'logs:GetLogEvents',
  'logs:FilterLogEvents',
  'logs:StartQuery',
  'logs:GetQueryResults',
  'logs:GetLogRecord',
  'logs:StartLiveTail',
  'logs:Unmask',
  'logs:CreateExportTask',
  'logs:PutSubscriptionFilter',
  'kms:Decrypt',
] as const;

/**
 * What can reach a model past invocation logging, which covers the runtime endpoint's InvokeModel and Converse calls and nothing else, or with a key
 * that names no session: batch, agents and flows, and the whole of `bedrock-mantle`.
 */
const UNMETERED_INVOCATIONS = [
  'bedrock:CreateModelInvocationJob',
  'bedrock:InvokeAgent',
  'bedrock:InvokeInlineAgent',
  'bedrock:InvokeFlow',
  'bedrock:StartFlowExecution',
  'bedrock:RetrieveAndGenerate',
  'bedrock:CallWithBearerToken',
  'bedrock-mantle:CreateInference',
  'bedrock-mantle:CallWithBearerToken',
] as const;

export type ActionClass = 'stores' | 'reads' | 'invokes' | 'none';

/** Every action of every prefix of Bedrock with what it can do to content; a new one without a class fails a test. */
export const BEDROCK_ACTION_CLASSES = classes as Readonly<Record<string, readonly ActionClass[]>>;

const bedrockReads = Object.keys(BEDROCK_ACTION_CLASSES).filter((action) =>
  BEDROCK_ACTION_CLASSES[action]?.includes('reads'),
);

/** The questions that can be asked of an organization, by name; `who-can` takes one of them. */
export const ACTION_SETS = {
  'change-storage': {
    actions: PROMPT_STORAGE_CHANGES,
    words: 'change whether, where or in which retention mode prompts are stored',
  },
  'weaken-limits': {
    actions: LIMIT_WEAKENINGS,
    words: 'weaken the limits around stored content: its access, retention, copies and keys',
  },
  'read-content': { actions: [...CONTENT_READS, ...bedrockReads], words: 'read stored content' },
  invoke: { actions: MODEL_INVOCATIONS, words: 'invoke a model' },
  'invoke-unmetered': {
    actions: UNMETERED_INVOCATIONS,
    words: 'invoke a model past invocation logging, or with an API key',
  },
} as const satisfies Record<string, { readonly actions: readonly string[]; readonly words: string }>;

export type ActionSetName = keyof typeof ACTION_SETS;
export const isActionSetName = (name: string): name is ActionSetName => Object.hasOwn(ACTION_SETS, name);

/** Where the list of actions comes from, and of which day it is. */
export const CATALOGUE = {
  source: catalogue.source,
  version: catalogue.version,
  date: catalogue.date,
} as const;

/** Every action of every prefix of Bedrock in the catalogue, in AWS’s spelling. */
export const BEDROCK_ACTIONS: readonly string[] = Object.entries(catalogue.actions)
  .filter(([service]) => service.startsWith('bedrock'))
  .flatMap(([service, names]) => names.map((name) => `${service}:${name}`));

const NAMES: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  Object.entries(catalogue.actions).map(([service, names]) => [
    service,
    new Map(names.map((name) => [name.toLowerCase(), name])),
  ]),
);

/** The action in AWS's spelling; undefined where its service is in the catalogue and the action is not. */
export function spelledAction(action: string): string | undefined {
  const [service = '', name = ''] = action.split(':');
  const names = NAMES.get(service.toLowerCase());
  if (names === undefined) return action;
  const found = names.get(name.toLowerCase());
  return found === undefined ? undefined : `${service.toLowerCase()}:${found}`;
}

const SAID_OTHERWISE: ReadonlyMap<string, string> = new Map([
  ['bedrock:converse', '`bedrock:InvokeModel` authorizes Converse'],
  ['bedrock:conversestream', '`bedrock:InvokeModelWithResponseStream` authorizes ConverseStream'],
  [
    'bedrock:startasyncinvoke',
    '`bedrock:InvokeModel` on an `async-invoke` resource authorizes StartAsyncInvoke',
  ],
  [
    'bedrock:invokemodelwithbidirectionalstream',
    // [unverified: bidirectional-action]
    '`bedrock:InvokeModel` authorizes the bidirectional stream [unverified on AWS]',
  ],
  ['s3:putbucketreplication', 'the IAM name is `s3:PutReplicationConfiguration`'],
  ['s3:putbucketlifecycleconfiguration', 'the IAM name is `s3:PutLifecycleConfiguration`'],
]);

/** Names that people take for actions, the runbook's among them; anything else after a colon may be a condition key. */
export const isMistakenAction = (name: string): boolean => SAID_OTHERWISE.has(name.toLowerCase());

/**
 * What is wrong with an action pattern of a policy: it names no action that AWS has, so it grants and denies nothing.
 * Services outside the catalogue are not judged.
 *
 * @returns a sentence with what to write instead where we know it; undefined when nothing is wrong
 */
export function unknownActionWarning(pattern: string): string | undefined {
  const lower = pattern.toLowerCase();
  const [service = '', name = ''] = lower.split(':');
  const names = NAMES.get(service);
  if (names === undefined || name === '') return undefined;
  const isKnown = /[*?]/.test(name)
    ? [...names.keys()].some((known) => globMatches(name, known))
    : names.has(name);
  if (isKnown) return undefined;
  const instead = SAID_OTHERWISE.get(lower);
  return `\`${pattern}\` is not an action of AWS (list of ${CATALOGUE.date}), so it grants and denies nothing${
    instead === undefined ? '' : `; ${instead}`
  }`;
}
