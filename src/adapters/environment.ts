import * as z from 'zod';
import { isRegion, type Region, region } from '../core/index.ts';
import type { DirectorySettings } from './aws/directory.ts';
import type { StateMachineArns } from './aws/executions.ts';
import type { ScheduleSettings } from './aws/schedules.ts';

/** What a function needs to know about the deployment it is in. */
export interface DeploymentSettings {
  readonly region: Region;
  readonly recordsTable: string;
  readonly eventsTable: string;
  readonly certificateBucket: string;
  readonly evidenceBucket: string;
  readonly eventBus: string;
  readonly signingKeyArn: string;
  readonly machines: StateMachineArns;
  readonly schedules: ScheduleSettings;
  readonly directory: DirectorySettings;
  readonly identityRegion: Region;
  readonly externalId?: string;
  /** Role names. */
  readonly callerRoles: readonly string[];
}

/** The deployment is not as serverless.yml makes it. Trying again cannot help. */
export class ConfigurationError extends Error {
  constructor(problems: readonly string[]) {
    super(`the function is not configured: ${problems.join('; ')}`);
    this.name = 'ConfigurationError';
  }
}

const arn = (service: string, rest: string) =>
  new RegExp(`^arn:aws(-[a-z]+)*:${service}:[a-z0-9-]*:[0-9]{12}:${rest}$`);
const NAME = /^[A-Za-z0-9._-]{1,255}$/;

/** Every variable, what it is for, and how it looks. docs/deploy.md lists the same; a test compares them. */
export const VARIABLES = {
  AWS_REGION: { for: 'the Region of the governance stack; Lambda sets it', looks: /^[a-z0-9-]+$/ },
  PROVISO_RECORDS_TABLE: { for: 'the DynamoDB table of exceptions and leases', looks: NAME },
  PROVISO_EVENTS_TABLE: { for: 'the DynamoDB table of everything that happened', looks: NAME },
  PROVISO_CERTIFICATE_BUCKET: { for: 'the bucket of signed certificates', looks: NAME },
  PROVISO_EVIDENCE_BUCKET: { for: 'the bucket of scans and reports', looks: NAME },
  PROVISO_EVENT_BUS: { for: 'the EventBridge bus of what people are told', looks: NAME },
  PROVISO_SIGNING_KEY_ARN: {
    for: 'the asymmetric KMS key (ECC_NIST_P256) that signs certificates',
    looks: arn('kms', 'key/[A-Za-z0-9-]+'),
  },
  PROVISO_EXCEPTION_MACHINE_ARN: {
    for: 'the state machine of one exception',
    looks: arn('states', 'stateMachine:[A-Za-z0-9_-]+'),
  },
  PROVISO_ENDING_MACHINE_ARN: {
    for: 'the state machine that ends an exception',
    looks: arn('states', 'stateMachine:[A-Za-z0-9_-]+'),
  },
  PROVISO_SCHEDULE_GROUP: { for: 'the schedule group of the dead man’s switches', looks: NAME },
  PROVISO_SWITCH_FUNCTION_ARN: {
    for: 'the function that a dead man’s switch invokes',
    looks: arn('lambda', 'function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?'),
  },
  PROVISO_SCHEDULER_ROLE_ARN: {
    for: 'the role with which EventBridge Scheduler invokes it',
    looks: arn('iam', 'role/.+'),
  },
  PROVISO_SWITCH_DEAD_LETTER_ARN: {
    for: 'the queue for switches that could not be delivered',
    looks: arn('sqs', '[A-Za-z0-9_-]+'),
  },
  PROVISO_IDENTITY_STORE_ID: {
    for: 'the Identity Store of IAM Identity Center',
    looks: /^(d-[0-9a-f]{10}|[0-9a-f-]{36})$/,
  },
  PROVISO_ROLE_GROUPS: {
    for: 'which Identity Store groups hold which role, as JSON: {"legal":["GROUP_ID"],"security":["GROUP_ID"]}',
    looks: /^\{.*\}$/s,
  },
} as const satisfies Record<string, { readonly for: string; readonly looks: RegExp }>;

/** May be left out. */
export const OPTIONAL_VARIABLES = {
  PROVISO_IDENTITY_REGION: {
    for: 'the Region of IAM Identity Center, if it is another one',
    looks: /^[a-z0-9-]+$/,
  },
  PROVISO_CALLER_ROLES: {
    for: 'the roles of permission sets whose sessions may call the API, by name, separated by commas; without it nobody may',
    looks: /^[\w+=.@-]{1,64}(,[\w+=.@-]{1,64})*$/,
  },
  PROVISO_EXTERNAL_ID: {
    for: 'the external id that the member accounts’ roles ask for',
    looks: /^[\w+=,.@:/-]{2,1224}$/,
  },
} as const satisfies Record<string, { readonly for: string; readonly looks: RegExp }>;

const roleGroups = z.record(
  z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  z
    .array(
      z.string().regex(/^([0-9a-f]{10}-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i),
    )
    .min(1),
);

/** @throws ConfigurationError with all problems at once; it never repeats a value */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): DeploymentSettings {
  const problems: string[] = [];
  const check = (
    name: string,
    { for: purpose, looks }: { readonly for: string; readonly looks: RegExp },
    isOptional: boolean,
  ): string => {
    const value = environment[name];
    if (value === undefined || value === '') {
      if (!isOptional) problems.push(`\`${name}\` is missing (${purpose})`);
    } else if (!looks.test(value)) problems.push(`\`${name}\` is malformed (${purpose})`);
    return value ?? '';
  };
  const read = Object.fromEntries([
    ...Object.entries(VARIABLES).map(([name, rule]) => [name, check(name, rule, false)]),
    ...Object.entries(OPTIONAL_VARIABLES).map(([name, rule]) => [name, check(name, rule, true)]),
  ]) as Readonly<Record<keyof typeof VARIABLES | keyof typeof OPTIONAL_VARIABLES, string>>;

  const groups = roleGroups.safeParse(jsonOf(read.PROVISO_ROLE_GROUPS));
  if (!groups.success && !problems.some((problem) => problem.startsWith('`PROVISO_ROLE_GROUPS`')))
    problems.push(`\`PROVISO_ROLE_GROUPS\` is malformed (${VARIABLES.PROVISO_ROLE_GROUPS.for})`);
  const identityRegion = read.PROVISO_IDENTITY_REGION || read.AWS_REGION;
  for (const [name, value] of [
    ['AWS_REGION', read.AWS_REGION],
    ['PROVISO_IDENTITY_REGION', read.PROVISO_IDENTITY_REGION],
  ] as const) {
    if (value !== '' && !isRegion(value)) problems.push(`\`${name}\` is not a Region`);
  }
  if (problems.length > 0 || !groups.success) throw new ConfigurationError(problems);
  return {
    region: region(read.AWS_REGION),
    recordsTable: read.PROVISO_RECORDS_TABLE,
    eventsTable: read.PROVISO_EVENTS_TABLE,
    certificateBucket: read.PROVISO_CERTIFICATE_BUCKET,
    evidenceBucket: read.PROVISO_EVIDENCE_BUCKET,
    eventBus: read.PROVISO_EVENT_BUS,
    signingKeyArn: read.PROVISO_SIGNING_KEY_ARN,
    machines: {
      exception: read.PROVISO_EXCEPTION_MACHINE_ARN,
      ending: read.PROVISO_ENDING_MACHINE_ARN,
    },
    schedules: {
      groupName: read.PROVISO_SCHEDULE_GROUP,
      targetArn: read.PROVISO_SWITCH_FUNCTION_ARN,
      roleArn: read.PROVISO_SCHEDULER_ROLE_ARN,
      deadLetterArn: read.PROVISO_SWITCH_DEAD_LETTER_ARN,
    },
    directory: { identityStoreId: read.PROVISO_IDENTITY_STORE_ID, groupsByRole: groups.data },
    identityRegion: region(identityRegion),
    callerRoles: read.PROVISO_CALLER_ROLES.split(',').filter((name) => name !== ''),
    ...(read.PROVISO_EXTERNAL_ID === '' ? {} : { externalId: read.PROVISO_EXTERNAL_ID }),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
