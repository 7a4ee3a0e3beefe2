import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { HANDLERS } from '../../handlers/index.ts';
import { functionName, handlerNames, stateMachine } from '../../scripts/bundle.ts';
import { actionsOf, homePermissions, rolePermissions } from '../../scripts/collect-permissions.ts';
import { ACTS, type Act, assumersOf, type DeployedFunction, FUNCTIONS } from '../../scripts/permissions.ts';
import type { ApiServices } from '../../src/api/index.ts';
import { formatInstant, ok } from '../../src/core/index.ts';
import { type Services, surroundingsOf } from '../../src/enforcement/index.ts';
import { keepToken } from '../../src/enforcement/wake.ts';
import { SECTIONS, type Section } from '../../src/evidence/index.ts';
import {
  type ExceptionRequest,
  encode,
  leaseKey,
  readLeaseRow,
  storesContent,
} from '../../src/exceptions/index.ts';
import { requestBody } from '../api/harness.ts';
import {
  BEGINS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  KEY,
  LONG_AFTER,
  MINUTE_MS,
  policyText,
  type Simulation,
  SOMEBODYS,
  simulate,
  VAULT_KEY,
  VIRGINIA,
} from '../simulation/harness.ts';

/*
 * Least privilege, both ways. The exception path is played in the simulator with every port watched: what a function did must be in its
 * row of scripts/permissions.ts, and what is in its row must have been done in one of the plays.
 */

const AWS = join(import.meta.dirname, '../../src/adapters/aws');

/** IAM's names for operations whose action is called otherwise. */
const ACTION_OF: Readonly<Record<string, string>> = {
  's3:ListObjectVersions': 's3:ListBucketVersions',
  's3:ListMultipartUploads': 's3:ListBucketMultipartUploads',
  's3:DeleteObjects': 's3:DeleteObjectVersion',
  's3:CopyObject': 's3:PutObject',
  's3:GetBucketEncryption': 's3:GetEncryptionConfiguration',
  's3:GetBucketLifecycleConfiguration': 's3:GetLifecycleConfiguration',
  's3:GetBucketReplication': 's3:GetReplicationConfiguration',
  's3:GetObjectLockConfiguration': 's3:GetBucketObjectLockConfiguration',
  'dynamodb:TransactGetItems': 'dynamodb:GetItem',
  'dynamodb:TransactWriteItems': 'dynamodb:PutItem',
};
const PREFIX_OF: Readonly<Record<string, string>> = {
  'config-service': 'config',
  sfn: 'states',
  'cloudwatch-logs': 'logs',
  eventbridge: 'events',
};

/** Every action behind the commands that a file imports. */
function actionsIn(file: string): readonly string[] {
  const text = readFileSync(join(AWS, file), 'utf8');
  return [...text.matchAll(/import \{([^}]+)\} from '@aws-sdk\/client-([a-z0-9-]+)'/g)].flatMap(
    ([, names = '', client = '']) =>
      names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => /^[A-Z]\w+Command$/.test(name))
        .map((name) => `${PREFIX_OF[client] ?? client}:${name.slice(0, -'Command'.length)}`)
        .map((action) => ACTION_OF[action] ?? action),
  );
}

const unique = (items: readonly string[]) => [...new Set(items)].sort();

describe('the governance account', () => {
  it('has a row for every function and no other', () => {
    expect(Object.keys(FUNCTIONS).sort()).toEqual(Object.keys(HANDLERS).sort());
    expect(handlerNames().map(functionName).sort()).toEqual(Object.keys(HANDLERS).sort());
  });

  it('allows every call that the adapters of its own account make, and no other', () => {
    const files = [
      'certificates.ts',
      'directory.ts',
      'evidence-bucket.ts',
      'executions.ts',
      'notifier.ts',
      'organizations.ts',
      'record-store.ts',
      'recorder.ts',
      'schedules.ts',
      'signing-key.ts',
    ];
    // Sections that are asked at home; what billing knows is left out on purpose (scripts/permissions.ts).
    const sections = actionsOf(homePermissions()).filter((action) =>
      /^(sso|identitystore|organizations):/.test(action),
    );
    // S3 answers a GetObject of nothing with 404 only to those who may list (GetObject, Permissions).
    const called = unique([...files.flatMap(actionsIn), ...sections, 's3:ListBucket']);
    const allowed = unique(
      Object.values(ACTS).flatMap(({ actions }) => actions.filter((action) => action !== 'sts:AssumeRole')),
    );
    expect(called.length).toBeGreaterThan(20);
    expect(allowed).toEqual(called);
  });

  it('names every function of the workflows', () => {
    for (const file of [
      'workflows/prompt-storage-exception.asl.yml',
      'workflows/prompt-storage-ending.asl.yml',
      'deploy/organization-scan.asl.yml',
    ])
      for (const name of stateMachine(file).functions) expect(Object.keys(FUNCTIONS)).toContain(name);
  });
});

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}
interface Role {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties: {
    readonly RoleName: string;
    readonly AssumeRolePolicyDocument: { readonly Statement: readonly Statement[] };
    readonly Policies: readonly { readonly PolicyDocument: { readonly Statement: readonly unknown[] } }[];
  };
}

describe('the member account', () => {
  const template = parse(
    readFileSync(join(import.meta.dirname, '../../templates/member-account.yml'), 'utf8'),
    {
      logLevel: 'silent',
    },
  ) as { readonly Resources: Readonly<Record<string, Role>> };
  const roleNamed = (name: string) => {
    const role = Object.values(template.Resources).find(
      ({ Properties }) => Properties.RoleName === `Proviso${name}`,
    );
    if (role === undefined) throw new Error(`no role Proviso${name}`);
    return role;
  };
  const allowed = (name: string) =>
    unique(
      roleNamed(name)
        .Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
        .flatMap((statement) => statementsIn(statement))
        .flatMap(({ Action }) => Action),
    );

  it.each([
    ['Collect', ['inspection.ts', 'change-trail.ts'], /^s3:Get/, actionsOf(rolePermissions())],
    ['Enable', [], /^bedrock:PutModel/, ['iam:PassRole']],
    // The Put and its PassRole only where the baseline is metadata-only: Bedrock has no condition on the flags.
    ['Disable', [], /^bedrock:(Put|Delete)/, ['iam:PassRole']],
    ['Evaluate', ['compliance-reports.ts'], /^$/, []],
    ['SecondLever', ['second-lever.ts'], /^$/, []],
    // S3 has no right of its own for copying: reading the one, writing the other, with their keys. Events are read in clear text.
    [
      'Hold',
      ['vault-copies.ts'],
      /^s3:ListBucketVersions$/,
      ['s3:GetObject', 's3:GetObjectVersion', 'kms:Decrypt', 'kms:GenerateDataKey', 'logs:Unmask'],
    ],
    // A version `null` in a bucket without versioning may need the plain action.
    // Versions are read; to be told that the counting key is not there takes listing; the keys are used through S3.
    [
      'Drain',
      ['drainage.ts'],
      /^s3:(ListBucketVersions|DeleteObject)/,
      ['kms:Decrypt', 'kms:GenerateDataKey', 's3:GetObjectVersion', 's3:ListBucket'],
    ],
    ['Purge', ['log-groups.ts'], /^s3:(List|Delete|Abort)/, ['s3:DeleteObject']],
  ] as const)('Proviso%s allows exactly its calls', (role, files, own, besides) => {
    const others = ['buckets.ts', 'prompt-storage.ts']
      .flatMap(actionsIn)
      .filter((action) => own.test(action));
    expect(allowed(role)).toEqual(unique([...files.flatMap(actionsIn), ...others, ...besides]));
  });

  it.each(['Collect', 'Enable', 'Disable', 'Evaluate', 'Purge', 'Drain', 'Hold', 'SecondLever'] as const)(
    'Proviso%s trusts exactly the functions that use it',
    (name) => {
      const trust = JSON.stringify(roleNamed(name).Properties.AssumeRolePolicyDocument);
      const trusted = unique(
        [...trust.matchAll(/role\/proviso\/\$\{FunctionPrefix\}-(\w+)/g)].map(([, each = '']) => each),
      );
      expect(trusted).toEqual(assumersOf(name));
    },
  );

  it('keeps switching on, switching off and purging apart', () => {
    expect(assumersOf('Enable')).toEqual(['enableContentStorage']);
    expect(assumersOf('Purge').filter((name) => assumersOf('Enable').includes(name))).toEqual([]);
    expect(assumersOf('Drain')).toEqual(['drainContent']);
    expect(allowed('Purge').join()).not.toMatch(/GetObject|GetLogEvents|FilterLogEvents/);
  });

  it('reads events in clear text by the hold role alone, of log groups of exceptions alone', () => {
    const group = `arn:\${AWS::Partition}:logs:*:\${AWS::AccountId}:log-group:\${ContentLogGroups}/ex-*`;
    const unmasking = Object.values(template.Resources).flatMap(({ Properties }) =>
      Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement.flatMap(statementsIn))
        .filter(({ Action }) => [Action].flat().includes('logs:Unmask'))
        .map(({ Resource }) => [Properties.RoleName, Resource]),
    );
    expect(unmasking).toEqual([['ProvisoHold', [group, `${group}:*`]]]);
  });

  /** `Fn::If` is a list whose last two items are statements or nothing. */
  function statementsIn(value: unknown): readonly Statement[] {
    if (Array.isArray(value)) return value.flatMap(statementsIn);
    return typeof value === 'object' && value !== null && 'Action' in value ? [value as Statement] : [];
  }
});

describe('every function', () => {
  it('does in the simulated exception path what its row allows, and nothing else', async () => {
    const done = new Map<string, Set<Act>>();
    for (const play of PLAYS) await watched(play, done);
    const seen = Object.fromEntries(
      [...done]
        .map(([name, acts]) => [name, [...acts].sort()])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
    const rows = Object.fromEntries(
      (Object.keys(FUNCTIONS) as DeployedFunction[])
        .sort()
        .map((name) => [name, [...new Set<Act>(FUNCTIONS[name])].sort()]),
    );
    expect(seen).toEqual(rows);
  }, 120_000);
});

type Play = (simulation: Simulation) => Promise<void>;

const LOG_GROUP = `{ kind: cloudwatch-logs, logGroupName: /proviso/content, roleArn: "arn:aws:iam::${INCIDENT}:role/proviso-content/writer", kmsKeyArn: "${KEY}" }`;

const again = (simulation: Simulation, name: keyof typeof HANDLERS, event: object) =>
  HANDLERS[name](event, simulation.state.services);

/** What another function's revocation leaves, written past every act of ours. */
async function revokeInTheTable({ store, clock }: Services, id: string): Promise<void> {
  const row = await readLeaseRow(store, INCIDENT, VIRGINIA);
  if (row === undefined) throw new Error('there is no lease');
  const leases = row.value.leases.map((lease) =>
    lease.exceptionId === id
      ? { ...lease, revoked: { at: clock.now(), by: 'lena', reason: 'too late' } }
      : lease,
  );
  const value = encode({ ...row.value, leases });
  await store.commit([{ key: leaseKey(INCIDENT, VIRGINIA), expectedVersion: row.version, value }]);
}

/** A signed call, as API Gateway hands it on. */
const signed = (simulation: Simulation, who: string, method: string, path: string, body?: unknown) =>
  again(simulation, 'api', {
    rawPath: path,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    requestContext: {
      accountId: INCIDENT,
      http: { method },
      authorizer: {
        iam: { accountId: INCIDENT, userArn: `arn:aws:sts::${INCIDENT}:assumed-role/People/${who}` },
      },
    },
  }).then((answer) => {
    const { statusCode, body: text } = answer as { statusCode: number; body: string };
    expect(statusCode, text).toBeLessThan(300);
    return JSON.parse(text) as { exception: { id: string; subjectHash: string } };
  });

const PLAYS: readonly Play[] = [
  async function throughTheApi(simulation) {
    const { exception } = await signed(simulation, 'sam', 'POST', '/exceptions', requestBody());
    const { id, subjectHash } = exception;
    for (const [who, role] of [
      ['lena', 'legal'],
      ['priya', 'security'],
      ['omar', 'executive'],
    ] as const) {
      await signed(simulation, who, 'POST', `/exceptions/${id}/decisions`, {
        role,
        decision: 'approve',
        subjectHash,
      });
      await simulation.pump();
    }
    await simulation.advanceTo(BEGINS + HOUR_MS);
    await signed(simulation, 'lena', 'POST', `/exceptions/${id}/revocation`, { reason: 'over' });
    await simulation.advance(MINUTE_MS);
    await signed(simulation, 'lena', 'POST', `/exceptions/${id}/closure-without-proof`, { reason: 'copied' });
    await signed(simulation, 'lena', 'GET', `/exceptions/${id}/certificate`);
    await signed(simulation, 'lena', 'GET', `/exceptions/${id}/events`);
    await signed(simulation, 'lena', 'GET', '/exceptions');
    await signed(simulation, 'lena', 'GET', '/findings');
    await signed(simulation, 'lena', 'GET', '/standings');
    await signed(simulation, 'lena', 'GET', '/report');
    await signed(simulation, 'lena', 'GET', '/planned-changes');
    await signed(simulation, 'lena', 'POST', '/planned-changes/publication', {});
    await signed(simulation, 'lena', 'POST', '/previews', requestBody());
    await signed(simulation, 'lena', 'GET', '/foreign-settings');
    simulation.somebodyPuts(SOMEBODYS);
    await signed(simulation, 'priya', 'POST', '/foreign-settings/adoption', {
      account: INCIDENT,
      region: VIRGINIA,
      setting: 'invocation-logging',
      reason: 'agreed',
    });
  },
  async function theOrdinaryPath(simulation) {
    await simulation.active();
    await simulation.advanceTo(LONG_AFTER);
  },
  async function onLegalHold(simulation) {
    const id = await simulation.active();
    await signed(simulation, 'lena', 'POST', `/exceptions/${id}/hold`, {
      reference: 'LIT-2026-7',
      reason: 'claim filed',
      vault: { bucketName: simulation.makeVault(), kmsKeyArn: VAULT_KEY },
    });
    await simulation.advanceTo(LONG_AFTER);
    await signed(simulation, 'lena', 'POST', `/exceptions/${id}/release`, { reason: 'settled' });
    await simulation.advance(HOUR_MS);
  },
  async function aLogGroupOnLegalHold(simulation) {
    const id = await simulation.active({ destination: LOG_GROUP });
    await simulation.invoke('on hold');
    await signed(simulation, 'lena', 'POST', `/exceptions/${id}/hold`, {
      reference: 'LIT-2026-7',
      reason: 'claim filed',
      vault: { bucketName: simulation.makeVault(), kmsKeyArn: VAULT_KEY },
    });
    await simulation.advanceTo(LONG_AFTER);
  },
  async function intoALogGroup(simulation) {
    await simulation.active({ destination: LOG_GROUP });
    await simulation.advanceTo(LONG_AFTER);
  },
  async function onlyTheDeadMansSwitchIsLeft(simulation) {
    const id = await simulation.active();
    simulation.mute('sweep');
    await simulation.stopWorkflow(id);
    await simulation.advanceTo(LONG_AFTER);
  },
  async function onlyTheSweeperIsLeft(simulation) {
    const id = await simulation.active();
    simulation.mute('deadMansSwitch');
    await simulation.stopWorkflow(id);
    await simulation.advanceTo(LONG_AFTER);
  },
  async function revokedWhileEnabling(simulation) {
    const id = await simulation.approved();
    const { services } = simulation.state;
    const { settings } = services;
    Object.assign(services, {
      settings: {
        ...bound(settings, ['getInvocationLogging', 'deleteInvocationLogging']),
        putInvocationLogging: async (...parameters: Parameters<typeof settings.putInvocationLogging>) => {
          await settings.putInvocationLogging(...parameters);
          await revokeInTheTable(services, id);
        },
      },
    });
    await simulation.advanceTo(BEGINS + HOUR_MS);
  },
  async function thePutFails(simulation) {
    simulation.fault({ operation: 'bedrock:PutModelInvocationLoggingConfiguration', kind: 'fail-after' });
    await simulation.approved();
    await simulation.advanceTo(LONG_AFTER);
  },
  async function switchingOffKeepsFailing(simulation) {
    await simulation.active();
    simulation.fault({
      operation: 'bedrock:DeleteModelInvocationLoggingConfiguration',
      kind: 'deny',
      times: 150,
    });
    await simulation.advanceTo(LONG_AFTER);
  },
  async function switchingOffKeepsFailingWithoutTheEnding(simulation) {
    const id = await simulation.active();
    simulation.fault({
      operation: 'bedrock:DeleteModelInvocationLoggingConfiguration',
      kind: 'deny',
      times: 150,
    });
    await simulation.advanceTo(ENDS + HOUR_MS / 3);
    await simulation.state.runtime.stop('ending', `${id}-end-1`, { error: 'Stopped', cause: 'by hand' });
    await simulation.advanceTo(ENDS + HOUR_MS);
  },
  async function theSwitchCannotBeArmed(simulation) {
    simulation.fault({ operation: 'scheduler:CreateSchedule', kind: 'deny', times: 50 });
    await simulation.approved();
    await simulation.advanceTo(BEGINS + 2 * HOUR_MS);
  },
  async function nobodyCanBeTold(simulation) {
    const { services } = simulation.state;
    const { notifier } = services;
    // What could not be told stays with the exception, and every function that changes it tries again.
    Object.assign(services, {
      notifier: {
        notify: async (...parameters: Parameters<typeof notifier.notify>) => {
          await notifier.notify(...parameters);
          throw new Error('the channel is down');
        },
      },
    });
    await simulation.active();
    await simulation.advanceTo(LONG_AFTER);
  },
  async function askedAfterTheDecision(simulation) {
    const id = await simulation.request();
    await simulation.decide(id, 'lena', 'legal');
    await again(simulation, 'requestApproval', { exceptionId: id, role: 'legal', taskToken: 'redelivered' });
    // The sweeper wakes whom a process that died left waiting.
    await simulation.advance(16 * MINUTE_MS);
  },
  async function onlyTheConfigRuleIsLeft(simulation) {
    simulation.state.aws.config.createPeriodicRule(
      { accountId: INCIDENT, region: VIRGINIA },
      simulation.now(),
    );
    const id = await simulation.active();
    simulation.mute('deadMansSwitch', 'sweep');
    await simulation.stopWorkflow(id);
    await simulation.advanceTo(LONG_AFTER);
  },
  async function everyDetectorLooksAtALiveLease(simulation) {
    simulation.state.aws.config.createPeriodicRule(
      { accountId: INCIDENT, region: VIRGINIA },
      simulation.now(),
    );
    const exceptionId = await simulation.active();
    const now = formatInstant(simulation.now());
    await again(simulation, 'reviewTick', { exceptionId, waitedUntil: now });
    const { baseline } = await simulation.lease(exceptionId);
    const place = { accountId: INCIDENT, region: VIRGINIA };
    await again(simulation, 'deadMansSwitch', { exceptionId, ...place, expiresAt: now, baseline });
    simulation.mute('sweep');
    simulation.somebodyPuts({
      s3Config: { bucketName: 'somebodys-bucket', keyPrefix: '' },
      textDataDeliveryEnabled: true,
      imageDataDeliveryEnabled: false,
      embeddingDataDeliveryEnabled: false,
      videoDataDeliveryEnabled: false,
      audioDataDeliveryEnabled: false,
    });
    await simulation.advance(HOUR_MS + MINUTE_MS);
  },
  async function theOrganizationIsScanned(simulation) {
    const { accounts } = (await again(simulation, 'beginScan', { scanId: 'nightly' })) as {
      readonly accounts: readonly string[];
    };
    for (const accountId of accounts)
      await again(simulation, 'scanAccount', { scanId: 'nightly', accountId });
    await again(simulation, 'finishScan', { scanId: 'nightly' });
  },
  async function resourcesChange(simulation) {
    const change = (resourceType: string, resourceId: string) => ({
      invokingEvent: JSON.stringify({
        messageType: 'ConfigurationItemChangeNotification',
        configurationItem: {
          awsAccountId: INCIDENT,
          configurationItemCaptureTime: '2026-11-20T09:00:00Z',
          configurationItemStatus: 'OK',
          resourceType,
          resourceId,
        },
      }),
      resultToken: 'token',
      configRuleArn: `arn:aws:config:${VIRGINIA}:${INCIDENT}:config-rule/config-rule-resources`,
      accountId: INCIDENT,
    });
    await again(simulation, 'configResources', change('AWS::IAM::Role', 'AROAEXAMPLE'));
    await again(simulation, 'configResources', change('AWS::S3::Bucket', 'somebodys-bucket'));
  },
  async function onlyTheEventRulesAreLeft(simulation) {
    simulation.state.aws.eventRules.setOn(true);
    const id = await simulation.active();
    simulation.mute('deadMansSwitch', 'sweep');
    await simulation.stopWorkflow(id);
    await simulation.advanceTo(LONG_AFTER);
  },
  async function eventsOfTheOrganizationAndOfAWaitingExecution(simulation) {
    const id = await simulation.request();
    await simulation.decide(id, 'lena', 'legal');
    await again(simulation, 'requestApproval', { exceptionId: id, role: 'legal', taskToken: 'redelivered' });
    // What a process leaves that dies between keeping a token and waking: what was woken here once is not tried again by this process.
    const died = (taskToken: string) => keepToken(simulation.state.services, id, 'legal', taskToken);
    await died('for the event');
    const place = { time: '2026-11-20T09:00:00Z', account: INCIDENT, region: VIRGINIA };
    await again(simulation, 'storageEvent', {
      ...place,
      id: 'one',
      'detail-type': 'AWS API Call via CloudTrail',
      detail: { eventSource: 'organizations.amazonaws.com' },
    });
    await again(simulation, 'storageEvent', {
      ...place,
      id: 'two',
      'detail-type': 'Step Functions Execution Status Change',
      detail: { name: id },
    });
    await died('for the sweep');
    await simulation.advance(HOUR_MS);
  },
  async function filteredWithMetadataThatFlowsOn(simulation) {
    simulation.somebodyPuts({
      s3Config: { bucketName: 'somebodys-bucket', keyPrefix: '' },
      textDataDeliveryEnabled: false,
      imageDataDeliveryEnabled: false,
      embeddingDataDeliveryEnabled: false,
      videoDataDeliveryEnabled: false,
      audioDataDeliveryEnabled: false,
    });
    await simulation.adopt(
      policyText(
        ['topologies: [dedicated]', 'topologies: [filter-and-purge]'],
        ['  baseline: none', '  baseline: metadata-only'],
      ),
    );
    const id = await simulation.active({ topology: 'filter-and-purge' });
    simulation.deliverRaw(id, 'damaged', Buffer.from([0x1f, 0x8b, 1, 2]));
    await simulation.advanceTo(LONG_AFTER);
  },
  async function aPolicyThatCouldNotBeJudgedAtFirst(simulation) {
    await simulation.request();
    const { services } = simulation.state;
    const { destinations } = services;
    Object.assign(services, {
      destinations: { describeBucket: async () => ({ kind: 'unobservable', reason: 'throttled' }) },
    });
    await simulation.adopt(policyText(['    expireAfter: 7d', '    expireAfter: 6d']));
    Object.assign(services, { destinations });
    await simulation.advance(HOUR_MS);
  },
];

/** The named methods of a port, on that port. */
const bound = (port: object, methods: readonly string[]) =>
  Object.fromEntries(
    methods.map((method) => [
      method,
      (...parameters: unknown[]) =>
        (port as Record<string, (...all: unknown[]) => unknown>)[method]?.(...parameters),
    ]),
  );

async function watched(play: Play, done: Map<string, Set<Act>>): Promise<void> {
  await simulate(async (simulation) => {
    let current: string | undefined;
    const note = (act: Act): void => {
      if (current === undefined) return;
      const acts = done.get(current) ?? new Set();
      done.set(current, acts.add(act));
    };
    const originals = { ...HANDLERS };
    const table = HANDLERS as Record<string, (event: unknown, services: Services) => Promise<unknown>>;
    for (const [name, handle] of Object.entries(originals)) {
      table[name] = async (event, services) => {
        const before = current;
        current = name;
        try {
          return await handle(event, services);
        } finally {
          current = before;
        }
      };
    }
    const { state } = simulation;
    Object.assign(state.services, {
      checks: { latest: async () => ({ kind: 'CheckReport' }) },
      surroundings: {
        of: async (request: ExceptionRequest) => ok(await surroundingsOf(state.services, request)),
      },
      callers: { withUserName: async (name: string) => [name] },
      callerRoles: ['People'],
    });
    watch(state.services as Services & ApiServices & { callers: object }, note);
    try {
      await play(simulation);
    } finally {
      Object.assign(table, originals);
    }
  });
}

/** Notes every port call as the act that it needs. */
function watch(services: Services & ApiServices & { callers: object }, note: (act: Act) => void): void {
  const around = <T extends object>(
    port: T,
    actOf: (method: string, parameters: readonly unknown[]) => Act,
  ): T =>
    new Proxy(port, {
      get(target, method, receiver) {
        const member = Reflect.get(target, method, receiver) as unknown;
        if (typeof member !== 'function') return member;
        return (...parameters: unknown[]) => {
          note(actOf(String(method), parameters));
          return member.apply(target, parameters) as unknown;
        };
      },
    });
  const plain = <T extends object>(port: T, name: string) =>
    around(port, (method) => `${name}.${method}` as Act);
  const { policyInForce } = services;
  Object.assign(services, {
    store: plain(services.store, 'store'),
    recorder: plain(services.recorder, 'recorder'),
    directory: plain(services.directory, 'directory'),
    organizationView: plain(services.organizationView, 'organizationView'),
    schedules: plain(services.schedules, 'schedules'),
    executions: plain(services.executions, 'executions'),
    signer: plain(services.signer, 'signer'),
    certificates: plain(services.certificates, 'certificates'),
    history: plain(services.history, 'history'),
    checks: plain(services.checks, 'checks'),
    callers: plain(services.callers, 'callers'),
    notifier: plain(services.notifier, 'notifier'),
    policyInForce: {
      of: policyInForce.of,
      current: () => {
        note('store.read');
        return policyInForce.current();
      },
    },
    settings: around(services.settings, (method, [, configuration]) =>
      method === 'getInvocationLogging'
        ? 'as collect'
        : method === 'putInvocationLogging' && storesContent(configuration as never)
          ? 'as enable'
          : 'as disable',
    ),
    archive: plain(services.archive, 'archive'),
    evidence: {
      ...services.evidence,
      readOrganization: around(services.evidence, () => 'organizationView.organization').readOrganization,
      readIam: around(services.evidence, () => 'as collect').readIam,
      readInvocationLogging: around(services.evidence, () => 'as collect').readInvocationLogging,
      readDataRetention: around(services.evidence, () => 'as collect').readDataRetention,
      sections: {
        // Of billing, which is refused to it on purpose.
        organization: services.evidence.sections.organization,
        account: around(services.evidence.sections.account, (name) =>
          (SECTIONS.account as Record<string, Section<unknown>>)[name]?.isAskedAtHome === true
            ? 'governance.ofAccounts'
            : 'as collect',
        ),
        'account-region': around(services.evidence.sections['account-region'], () => 'as collect'),
      },
    },
    identities: around(services.identities, () => 'as collect'),
    reports: around(services.reports, () => 'as evaluate'),
    retention: around(services.retention, (method) =>
      method === 'getDataRetention' ? 'as collect' : 'as disable',
    ),
    inspection: around(services.inspection, () => 'as collect'),
    trail: around(services.trail, () => 'as collect'),
    secondLever: around(services.secondLever, () => 'as second-lever'),
    drainage: around(services.drainage, () => 'as drain'),
    metadata: around(services.metadata, () => 'archive.put'),
    vaultCopies: around(services.vaultCopies, () => 'as hold'),
    destinations: around(services.destinations, (method) =>
      method === 'describeBucket' ? 'as collect' : 'as purge',
    ),
  });
}
