import * as z from 'zod';
import {
  type AccountId,
  accountId,
  type EpochMs,
  err,
  isAccountId,
  isRegion,
  ok,
  parseInstant,
  type Region,
  type Result,
  region,
} from '../core/index.ts';

/*
 * What AWS Config sends to a custom Lambda rule (AWS Config Developer Guide, "Example Events for AWS Config Rules"). Most of it is JSON in
 * text inside JSON. What cannot be read is an error and never an evaluation: there would be no resource to report on.
 */

export interface ChangedResource {
  readonly type: string;
  readonly id: string;
  readonly arn?: string;
  readonly name?: string;
  /** `global` for IAM. */
  readonly region?: string;
  readonly isDeleted: boolean;
}

export type ConfigEvent = {
  readonly accountId: AccountId;
  /** Of the rule: where the settings are asked, and where the answer goes. */
  readonly region: Region;
  readonly resultToken: string;
  /** The token is not a real one: AWS is told so and keeps nothing. */
  readonly isTest: boolean;
  /** The resource is no longer one that the rule is about. */
  readonly hasLeftScope: boolean;
  /** When Config saw what it sends; orders the answers. */
  readonly at: EpochMs;
} & (
  | { readonly kind: 'scheduled' }
  /** `isComplete`: false when the item was too large to send, so it has to be fetched. */
  | { readonly kind: 'change'; readonly resource: ChangedResource; readonly isComplete: boolean }
);

const text = z.string().min(1).max(2048);
const outer = z.looseObject({
  invokingEvent: z.string().max(2_000_000),
  resultToken: text.max(16_384),
  configRuleArn: text,
  accountId: z.string().refine(isAccountId),
  eventLeftScope: z.boolean().default(false),
});
const RULE_ARN = /^arn:aws(?:-[a-z]+)*:config:([a-z0-9-]+):([0-9]{12}):config-rule\/[A-Za-z0-9/_-]+$/;

const instant = z.string().transform((value, context) => {
  const read = parseInstant(value);
  if (read.ok) return read.value;
  context.addIssue({ code: 'custom', message: 'not an instant' });
  return z.NEVER;
});
const optional = text.nullish().transform((value) => value ?? undefined);
const item = z.looseObject({
  awsAccountId: z.string(),
  configurationItemCaptureTime: instant,
  configurationItemStatus: text,
  resourceType: text.max(256),
  resourceId: text.max(768),
  resourceName: optional,
  ARN: optional,
  awsRegion: optional,
});
const inner = z.discriminatedUnion('messageType', [
  z.looseObject({
    messageType: z.literal('ScheduledNotification'),
    awsAccountId: z.string(),
    notificationCreationTime: instant,
  }),
  z.looseObject({ messageType: z.literal('ConfigurationItemChangeNotification'), configurationItem: item }),
  z.looseObject({
    messageType: z.literal('OversizedConfigurationItemChangeNotification'),
    configurationItemSummary: item,
  }),
]);

/** Config Developer Guide: a resource with one of these is gone, or Config stopped looking at it. */
const DELETED: ReadonlySet<string> = new Set([
  'ResourceDeleted',
  'ResourceDeletedNotRecorded',
  'ResourceNotRecorded',
]);

/** What the community's rule kits send from a test; AWS takes any token in test mode. */
const TEST_TOKEN = 'TESTMODE';

/** @returns an error that names the field, never a value */
export function parseConfigEvent(event: unknown): Result<ConfigEvent, string> {
  const read = outer.safeParse(event);
  if (!read.success) return err(`the event of AWS Config cannot be read: ${fieldsOf(read.error)}`);
  const { configRuleArn, resultToken, eventLeftScope } = read.data;
  const [, ruleRegion = '', ruleAccount = ''] = RULE_ARN.exec(configRuleArn) ?? [];
  if (!isRegion(ruleRegion)) return err('the event of AWS Config cannot be read: `configRuleArn`');
  const message = inner.safeParse(jsonOf(read.data.invokingEvent));
  if (!message.success)
    return err(`the invoking event of AWS Config cannot be read: ${fieldsOf(message.error)}`);
  const said = message.data;
  const subject =
    said.messageType === 'ScheduledNotification'
      ? undefined
      : said.messageType === 'ConfigurationItemChangeNotification'
        ? said.configurationItem
        : said.configurationItemSummary;
  const named = subject?.awsAccountId ?? ('awsAccountId' in said ? said.awsAccountId : undefined);
  if (named !== read.data.accountId || ruleAccount !== read.data.accountId)
    return err('the event of AWS Config names two accounts');
  const common = {
    accountId: accountId(read.data.accountId),
    region: region(ruleRegion),
    resultToken,
    isTest: resultToken === TEST_TOKEN,
    hasLeftScope: eventLeftScope,
  };
  if (said.messageType === 'ScheduledNotification')
    return ok({ ...common, kind: 'scheduled', at: said.notificationCreationTime });
  if (subject === undefined) return err('the invoking event of AWS Config names no resource');
  return ok({
    ...common,
    kind: 'change',
    at: subject.configurationItemCaptureTime,
    isComplete: said.messageType === 'ConfigurationItemChangeNotification',
    resource: {
      type: subject.resourceType,
      id: subject.resourceId,
      isDeleted: DELETED.has(subject.configurationItemStatus),
      ...(subject.ARN === undefined ? {} : { arn: subject.ARN }),
      ...(subject.resourceName === undefined ? {} : { name: subject.resourceName }),
      ...(subject.awsRegion === undefined ? {} : { region: subject.awsRegion }),
    },
  });
}

/** `invokingEvent` is text; text that is no JSON is no event. */
function jsonOf(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

const fieldsOf = (error: z.ZodError): string =>
  [...new Set(error.issues.map(({ path }) => (path.length === 0 ? 'the whole' : `\`${path.join('.')}\``)))]
    .slice(0, 5)
    .join(', ');

/** Config sent what no rule of ours can answer: thrown, so that the invocation fails and Config shows it. */
export class MalformedConfigEvent extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedConfigEvent';
  }
}
