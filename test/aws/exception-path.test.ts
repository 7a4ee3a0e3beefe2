import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BedrockClient, GetModelInvocationLoggingConfigurationCommand } from '@aws-sdk/client-bedrock';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { CreateStateMachineCommand, DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bundleHandlers, functionName, stateMachine } from '../../scripts/bundle.ts';
import { executionArn } from '../../src/adapters/aws/executions.ts';
import { awsServices } from '../../src/compose-aws.ts';
import {
  canonicalJson,
  type ExceptionId,
  epochMs,
  formatInstant,
  parseInstant,
  principalId,
  region,
} from '../../src/core/index.ts';
import {
  adoptPolicy,
  bucketsOf,
  invokersOf,
  type Services,
  scheduleName,
  wakeDecided,
} from '../../src/enforcement/index.ts';
import {
  approvalSubject,
  decide,
  parseRequest,
  requireException,
  type SignedCertificate,
  submit,
} from '../../src/exceptions/index.ts';
import { parsePolicy } from '../../src/policy/index.ts';
import {
  createContentBucket,
  createContentKey,
  createGovernance,
  createMember,
  createMemberStack,
  credentialsIn,
  deployDestination,
  functionArn,
  s3In,
} from './governance.ts';
import { startLambdaProxy } from './lambda-proxy.ts';
import { freePort, MOTO_ACCOUNT, motoEnvironment, startMoto } from './moto.ts';

/*
 * The whole exception path with the packaged bundles: moto's own Step Functions interprets the state machines of workflows/, its Lambda
 * calls reach the bundles in this process, and these call moto through the real clients. No AWS account is touched.
 *
 * Time: the lease lasts some seconds of real time. The waits of the ending (a slow Put that may land, the drain, a day between the two
 * listings) are skipped by moving the functions' clock, not by a policy that is weaker than the shipped one.
 *
 * What moto 5.2.1 does not show: schedules never fire, nothing is ever denied, Bedrock validates and delivers nothing (an operator puts
 * the objects here), and a Wait fires up to two seconds early.
 */

const innerPort = await freePort();
const moto = await startMoto({ innerPort });
afterAll(() => moto?.stop());

const REGION = region('us-east-1');
const BUCKET = 'incident-content';
const ROOT = join(import.meta.dirname, '../..');
const POLICY = readFileSync(join(ROOT, 'policies/prompt-storage.yaml'), 'utf8');
/** Functions whose `at` is only waited for. */
const SKIPPED_WAITS = new Set(['putBaseline', 'listContent']);

const realNow = Date.now.bind(Date);
let ahead = 0;

describe.skipIf(moto === undefined)('the exception path on moto, with the packaged bundles', () => {
  const directory = mkdtempSync(join(tmpdir(), 'proviso-bundles-'));
  const invoked: string[] = [];
  let services: Services;
  let users: Record<string, string>;
  let member: Awaited<ReturnType<typeof createMember>>;
  let key: string;
  let environment: Readonly<Record<string, string>>;
  let proxy: Awaited<ReturnType<typeof startLambdaProxy>>;

  beforeAll(async () => {
    if (moto === undefined) return;
    for (const [name, value] of Object.entries(motoEnvironment(moto.url))) vi.stubEnv(name, value);
    member = await createMember();
    ({ environment, users } = await createGovernance([
      { name: 'sam', roles: [] },
      { name: 'lena', roles: ['legal'] },
      { name: 'priya', roles: ['security'] },
      { name: 'omar', roles: ['executive'] },
    ]));
    key = await createContentKey(member);
    await createContentBucket(member, BUCKET, key);
    await createMemberStack(member);
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    vi.spyOn(Date, 'now').mockImplementation(() => realNow() + ahead);
    services = awsServices(process.env);

    const bundles = new Map<string, (event: unknown) => Promise<unknown>>();
    for (const { name, file } of await bundleHandlers(directory)) {
      const module = (await import(file)) as { handler: (event: unknown) => Promise<unknown> };
      bundles.set(functionName(name), module.handler);
    }
    proxy = await startLambdaProxy(
      innerPort,
      () => moto.url,
      async (name, event) => {
        invoked.push(name);
        const bundle = bundles.get(name);
        if (bundle === undefined) throw new Error(`there is no bundle \`${name}\``);
        try {
          return skipWait(name, await bundle(event));
        } catch (error) {
          invoked.push(`(${error instanceof Error ? `${error.name}: ${error.message}` : 'failed'})`);
          throw error;
        }
      },
    );
    await fetch(`${moto.url}/moto-api/config`, {
      method: 'POST',
      body: JSON.stringify({ stepfunctions: { execute_state_machine: true }, lambda: { use_docker: false } }),
    });
    const states = new SFNClient({});
    for (const [name, file] of [
      ['proviso-exception', 'prompt-storage-exception.asl.yml'],
      ['proviso-ending', 'prompt-storage-ending.asl.yml'],
    ] as const) {
      const { definition, functions } = stateMachine(`workflows/${file}`);
      const text = functions.reduce(
        (all, each) => all.replaceAll(`\${${each}}`, functionArn(each)),
        JSON.stringify(definition),
      );
      await states.send(
        new CreateStateMachineCommand({
          name,
          definition: text,
          roleArn: `arn:aws:iam::${MOTO_ACCOUNT}:role/proviso-states`,
        }),
      );
    }
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    await proxy?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Moves the functions' clock to where the workflow would wait, and lets it wait a second instead. */
  function skipWait(name: string, result: unknown): unknown {
    const at = parseInstant(String((result as { at?: unknown } | null)?.at ?? ''));
    if (!SKIPPED_WAITS.has(name) || !at.ok) return result;
    ahead += Math.max(0, at.value - Date.now());
    return { ...(result as object), at: formatInstant(epochMs(Math.ceil(realNow() / 1000) * 1000)) };
  }

  const status = async (machine: 'EXCEPTION' | 'ENDING', name: string) =>
    (
      await new SFNClient({}).send(
        new DescribeExecutionCommand({
          executionArn: executionArn(environment[`PROVISO_${machine}_MACHINE_ARN`] ?? '', name),
        }),
      )
    ).status;

  const setting = async () =>
    (
      await new BedrockClient({ region: REGION, credentials: await credentialsIn(member) }).send(
        new GetModelInvocationLoggingConfigurationCommand({}),
      )
    ).loggingConfig;

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const deadline = realNow() + 60_000; realNow() < deadline; ) {
      if (await holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`not within a minute: ${what}; invoked: ${invoked.join(' ')}`);
  }

  async function approve(id: ExceptionId, name: string, role: string): Promise<void> {
    const policy = await services.policyInForce.current();
    const { value } = await requireException(services.store, id);
    const decided = await decide({
      ...services,
      id,
      principalId: principalId(users[name] ?? ''),
      role,
      decision: 'approve',
      subjectHash: approvalSubject(value, policy.hash) ?? '',
      policyHash: policy.hash,
      people: await services.directory.people(),
      now: services.clock.now(),
    });
    if (!decided.ok) throw new Error(decided.error.message);
    await wakeDecided(services, id);
  }

  it('goes from a request to a signed certificate, and leaves nothing behind', async () => {
    const policy = parsePolicy(POLICY, 'prompt-storage.yaml');
    if (!policy.ok) throw new Error('the shipped policy does not parse');
    expect((await adoptPolicy(services, policy.value, POLICY, principalId(users['sam'] ?? ''))).ok).toBe(
      true,
    );

    const startsAt = Math.ceil(realNow() / 1000) * 1000 + 8_000;
    const request = parseRequest(requestText(startsAt, startsAt + 25_000), 'request.yaml');
    if (!request.ok) throw new Error(JSON.stringify(request.error));
    await deployDestination(member, BUCKET, key, {
      expiresAt: formatInstant(request.value.endsAt),
      readers: request.value.readers,
    });
    const submitted = await submit({
      ...services,
      request: request.value,
      requesterId: principalId(users['sam'] ?? ''),
      policy: await services.policyInForce.current(),
      organization: await services.organizationView.organization(),
      people: await services.directory.people(),
      buckets: await bucketsOf(services, request.value, await services.organizationView.organization()),
      invokers: await invokersOf(services, request.value, await services.organizationView.organization()),
      now: services.clock.now(),
    });
    if (!submitted.ok) throw new Error(submitted.error.message);
    const { id } = submitted.value.record;
    expect(await services.executions.start('exception', id, { exceptionId: id })).toBe('started');
    await until(
      'every role is asked',
      async () => invoked.filter((name) => name === 'requestApproval').length === 3,
    );
    // moto's Wait for the start would fire early, which costs a minute; after the start there is nothing to wait for.
    await until('the start', async () => realNow() > startsAt);
    for (const [name, role] of [
      ['lena', 'legal'],
      ['priya', 'security'],
      ['omar', 'executive'],
    ] as const)
      await approve(id, name, role);

    await until('content storage is on', async () => {
      const { value } = await requireException(services.store, id);
      // Refused, it would only run into the time limit.
      expect(value.reason).toBeUndefined();
      return (await setting())?.textDataDeliveryEnabled === true;
    });
    expect(await setting()).toMatchObject({
      s3Config: { bucketName: BUCKET, keyPrefix: `content/${id}/` },
      imageDataDeliveryEnabled: false,
      audioDataDeliveryEnabled: false,
    });
    const armed = await new SchedulerClient({}).send(
      new GetScheduleCommand({
        Name: scheduleName(submitted.value.record, submitted.value.record.request),
        GroupName: environment['PROVISO_SCHEDULE_GROUP'],
      }),
    );
    expect(JSON.parse(armed.Target?.Input ?? '{}')).toMatchObject({ exceptionId: id, accountId: member });
    expect(armed).toMatchObject({ ActionAfterCompletion: 'DELETE', FlexibleTimeWindow: { Mode: 'OFF' } });

    const s3 = await s3In(member);
    const put = (Key: string) =>
      s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'CANARY-prompt' }));
    await put(`content/${id}/AWSLogs/a b+c.json.gz`);
    await put(`content/${id}/AWSLogs/a b+c.json.gz`);
    await put(`content/${id}/AWSLogs/data/large_input.json.gz`);
    await put('content/somebody-else/kept.json.gz');
    await s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: `content/${id}/half` }));

    await until('the exception is closed', async () => {
      const { value } = await requireException(services.store, id);
      return value.state === 'closed';
    });
    await until('both executions ended', async () =>
      [await status('EXCEPTION', id), await status('ENDING', `${id}-end-1`)].every(
        (each) => each === 'SUCCEEDED',
      ),
    );

    expect((await setting())?.textDataDeliveryEnabled).toBeUndefined();
    const left = await s3.send(new ListObjectVersionsCommand({ Bucket: BUCKET }));
    expect(left.Versions?.map(({ Key }) => Key)).toEqual(['content/somebody-else/kept.json.gz']);
    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))).Uploads ?? []).toEqual([]);
    await expect(
      services.schedules.get(scheduleName(submitted.value.record, submitted.value.record.request)),
    ).resolves.toBeUndefined();

    const { value: record } = await requireException(services.store, id);
    expect(record.purged).toEqual({ versions: 3, bytes: 39, uploads: 1, logGroups: 0 });
    const [first, second] = record.emptyListings;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(24 * 3_600_000);
    await checkCertificate(id, record.certificate?.hash ?? '');
  });

  async function checkCertificate(id: ExceptionId, hash: string): Promise<void> {
    const s3 = new S3Client({ forcePathStyle: true });
    const Bucket = environment['PROVISO_CERTIFICATE_BUCKET'];
    const [stored, ...others] = (await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? [];
    expect(others).toEqual([]);
    expect(stored?.Key).toBe(`certificates/${id}-${hash.slice(0, 12)}.json`);
    const object = await s3.send(new GetObjectCommand({ Bucket, Key: stored?.Key }));
    const certificate = JSON.parse((await object.Body?.transformToString()) ?? '') as SignedCertificate;
    expect(certificate).toMatchObject({
      statementHash: hash,
      statement: { kind: 'CertificateOfClosure', exceptionId: id, outcome: 'closed', account: member },
      signature: { algorithm: 'ECDSA_SHA_256', keyId: environment['PROVISO_SIGNING_KEY_ARN'] },
    });
    // moto takes the digest for the message and hashes it once more; test/adapters/aws-exception-path.test.ts has it as KMS does it.
    const isSigned = (statement: object) =>
      verify(
        'sha256',
        createHash('sha256').update(canonicalJson(statement)).digest(),
        createPublicKey(certificate.signature.publicKey),
        Buffer.from(certificate.signature.signature, 'base64'),
      );
    expect(isSigned(certificate.statement)).toBe(true);
    expect(isSigned({ ...certificate.statement, minutesOverdue: 7 })).toBe(false);
  }

  function requestText(startsAt: number, endsAt: number): string {
    return `kind: ExceptionRequest
schemaVersion: 1
reference: INC-2026-0042
justification: Reproduce the tool calls of an injected prompt
subjects: ["arn:aws:iam::${member}:role/IncidentResponder"]
models: [anthropic.claude-sonnet-4-5-20250929-v1:0]
modalities: [text]
account: "${member}"
region: us-east-1
topology: dedicated
destination:
  kind: s3
  bucketName: ${BUCKET}
  keyPrefix: content/
  kmsKeyArn: ${key}
readers: ["arn:aws:iam::${member}:role/IncidentReader"]
startsAt: ${formatInstant(epochMs(startsAt))}
endsAt: ${formatInstant(epochMs(endsAt))}
retention: 14d
notice: { kind: given, how: announced in the incident channel }
dataProtectionAssessment: { kind: made, reference: DPIA-2026-31 }
purgedBy: the Security on-call
`;
  }
});
