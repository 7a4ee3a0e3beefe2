import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { bundleHandlers, functionName } from '../../scripts/bundle.ts';
import { requestText } from '../simulation/harness.ts';
import {
  createContentBucket,
  createContentKey,
  createGovernance,
  createMember,
  createMemberStack,
} from './governance.ts';
import { MOTO_ACCOUNT, motoEnvironment, startMoto } from './moto.ts';

/*
 * The packaged API function on moto: its bundle, called with API Gateway's documented event, on moto's DynamoDB, Identity Store,
 * Organizations, S3 and Step Functions. Who may do what and every kind of bad input are tried in test/api; this shows that the bundle and the
 * adapters of AWS carry them.
 */

const moto = await startMoto();
afterAll(() => moto?.stop());

const ROLE = 'AWSReservedSSO_ProvisoApprovals_0123456789abcdef';
const POLICY = readFileSync(join(import.meta.dirname, '../../policies/prompt-storage.yaml'), 'utf8');

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the tests look at
  readonly body: any;
  readonly text: string;
}

describe.skipIf(moto === undefined)('the packaged API on moto', () => {
  const directory = mkdtempSync(join(tmpdir(), 'proviso-api-'));
  let handler: (event: unknown) => Promise<{ readonly statusCode: number; readonly body: string }>;
  let users: Readonly<Record<string, string>>;
  let evidenceBucket: string;
  let request: object;

  beforeAll(async () => {
    if (moto === undefined) return;
    for (const [name, value] of Object.entries(motoEnvironment(moto.url))) vi.stubEnv(name, value);
    const member = await createMember();
    const made = await createGovernance([
      { name: 'sam', roles: [] },
      { name: 'lena', roles: ['legal'] },
      { name: 'priya', roles: ['security'] },
      { name: 'omar', roles: ['executive'] },
      { name: 'dora', roles: ['policy-owner'] },
    ]);
    users = made.users;
    for (const [name, value] of Object.entries({ ...made.environment, PROVISO_CALLER_ROLES: ROLE }))
      vi.stubEnv(name, value);
    const key = await createContentKey(member);
    await createContentBucket(member, 'incident-content', key);
    await createMemberStack(member);
    evidenceBucket = made.environment['PROVISO_EVIDENCE_BUCKET'] ?? '';
    const [day, hour] = [86_400_000, 3_600_000];
    const instant = (ahead: number) => new Date(Date.now() + ahead).toISOString().replace(/\.\d+Z$/, 'Z');
    request = {
      ...(parse(requestText()) as object),
      account: member,
      region: 'us-east-1',
      subjects: [`arn:aws:iam::${member}:role/IncidentResponder`],
      readers: [`arn:aws:iam::${member}:role/IncidentReader`],
      destination: { kind: 's3', bucketName: 'incident-content', keyPrefix: 'content/', kmsKeyArn: key },
      startsAt: instant(day),
      endsAt: instant(day + hour),
    };
    for (const name of ['proviso-exception', 'proviso-ending'])
      await new SFNClient({}).send(
        new CreateStateMachineCommand({
          name,
          definition: JSON.stringify({
            StartAt: 'Wait',
            States: { Wait: { Type: 'Wait', Seconds: 999, End: true } },
          }),
          roleArn: `arn:aws:iam::${MOTO_ACCOUNT}:role/proviso-states`,
        }),
      );
    const bundle = (await bundleHandlers(directory)).find(({ name }) => functionName(name) === 'api');
    ({ handler } = (await import(bundle?.file ?? '')) as { handler: typeof handler });
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });

  async function call(
    who: string | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const answer = await handler({
      version: '2.0',
      rawPath: path.split('?')[0],
      rawQueryString: path.split('?')[1] ?? '',
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      isBase64Encoded: false,
      requestContext: {
        accountId: MOTO_ACCOUNT,
        stage: '$default',
        http: { method, path },
        ...(who === undefined
          ? {}
          : {
              authorizer: {
                iam: {
                  accountId: MOTO_ACCOUNT,
                  userArn: `arn:aws:sts::${MOTO_ACCOUNT}:assumed-role/${ROLE}/${who}`,
                },
              },
            }),
      },
    });
    return { status: answer.statusCode, text: answer.body, body: JSON.parse(answer.body) };
  }

  it('knows its caller from the Identity Store, and nobody else', async () => {
    expect((await call(undefined, 'GET', '/health')).status).toBe(401);
    expect((await call('stranger', 'GET', '/health')).body).toMatchObject({
      status: 403,
      code: 'CALLER_UNKNOWN',
    });
    expect((await call('sam', 'GET', '/health')).body).toMatchObject({ policy: null });
  });

  it('puts a policy in force by its owner alone, and keeps it in DynamoDB', async () => {
    const body = { name: 'prompt-storage.yaml', text: POLICY };
    expect((await call('lena', 'PUT', '/policy', body)).body.code).toBe('NOT_ENTITLED');
    expect((await call('dora', 'PUT', '/policy', body)).body).toMatchObject({ isNew: true });
    expect((await call('sam', 'GET', '/policy')).body.text).toBe(POLICY);
    const looser = { ...body, text: POLICY.replace('retention: 14d', 'retention: 15d') };
    expect((await call('dora', 'PUT', '/policy', looser)).body.code).toBe('CHANGE_NOT_APPROVED');
  });

  it('takes a request once for one idempotency key, starts its execution, and tells its history', async () => {
    const key = { 'idempotency-key': 'moto-key-000001' };
    const first = await call('sam', 'POST', '/exceptions', { request }, key);
    expect(first.status, first.text).toBe(201);
    const { id, requesterId, subjectHash } = first.body.exception;
    expect(requesterId).toBe(users['sam']);
    expect((await call('sam', 'POST', '/exceptions', { request }, key)).text).toBe(first.text);
    expect((await call('lena', 'GET', '/exceptions')).body.exceptions).toHaveLength(1);
    expect((await call('sam', 'POST', '/exceptions', { request, actor: users['lena'] })).body.code).toBe(
      'OTHER_ACTOR',
    );

    const decided = await call('lena', 'POST', `/exceptions/${id}/decisions`, {
      role: 'legal',
      decision: 'approve',
      subjectHash,
    });
    expect(decided.status, decided.text).toBe(201);
    const { body } = await call('sam', 'GET', `/exceptions/${id}/events`);
    const types = body.events.map(({ type }: { readonly type: string }) => type);
    expect(types[0]).toBe('exception.requested');
    expect(types).toContain('exception.decided');
    expect((await call('dora', 'GET', '/exceptions/ex-000000000000')).status).toBe(404);
  });

  it('previews, and says how everything stands, from DynamoDB and the roles of the member account', async () => {
    const preview = await call('lena', 'POST', '/previews', { request });
    expect(preview.status, preview.text).toBe(200);
    expect(preview.body.parts.map(({ id }: { readonly id: string }) => id)).toContain('captured');
    expect(preview.text).not.toContain('could not be seen');
    const { exceptions } = (await call('lena', 'GET', '/standings?all=true')).body;
    expect(exceptions).toMatchObject([
      { isOn: false, waitsFor: { roles: expect.arrayContaining(['security']) } },
    ]);
    const report = await call('lena', 'GET', '/report');
    expect(report.body).toMatchObject({
      totals: { requested: 1, refusedAtOnce: 0 },
      reads: null,
      readsMissing: [],
    });
    // The one exception has no window yet.
    expect((await call('lena', 'GET', '/planned-changes')).body.plannedChanges).toEqual([]);
    expect((await call('lena', 'GET', '/report?quarter=2020Q5')).status).toBe(400);
  });

  it('plans what `enforce` would do by the settings it can read; what moto does not know is unreadable', async () => {
    const text = POLICY.replace('  enforcement: observe\n', '  enforcement: enforce\n');
    const planned = await call('dora', 'POST', '/enforcement/plan', { name: 'p.yaml', text });
    expect(planned.status, planned.text).toBe(200);
    const settings = planned.body.settings as { readonly setting: string; readonly effect: string }[];
    expect(settings.length).toBeGreaterThan(2);
    expect(
      new Set(settings.filter(({ setting }) => setting === 'data-retention').map(({ effect }) => effect)),
    ).toEqual(new Set(['unreadable']));
    expect((await call('lena', 'GET', '/foreign-settings')).body).toEqual({ foreign: [], adopted: [] });
  });

  it('answers with the report of the last scan, and says when there is none', async () => {
    expect((await call('lena', 'GET', '/findings')).body.code).toBe('NO_REPORT');
    await new S3Client({ forcePathStyle: true }).send(
      new PutObjectCommand({ Bucket: evidenceBucket, Key: 'reports/latest.json', Body: '{' }),
    );
    // A damaged report is a fault, never an empty one.
    expect((await call('lena', 'GET', '/findings')).status).toBe(500);
  });
});
