import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { OPPOSING_CHECKS } from '../../src/cli/scanners/opposing.ts';
import { REGISTER, registerMarkdown } from '../../src/cli/scanners/register.ts';
import { MOST_VALUES } from '../../src/cli/scanners/security-hub.ts';
import { expectGolden } from './golden.ts';
import { REPOSITORY, run } from './harness.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proviso-test-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** The public grammar of a mutelist (Prowler's own schema of it), strict. */
const mutelist = z.strictObject({
  Mutelist: z.strictObject({
    Accounts: z.record(
      z.string().regex(/^[0-9]{12}$/),
      z.strictObject({
        Checks: z.record(
          z.string(),
          z.strictObject({
            Regions: z.array(z.string()).min(1),
            Resources: z.array(z.string()).min(1),
            Description: z.string().startsWith('Until 2026-'),
          }),
        ),
      }),
    ),
  }),
});
const filter = z
  .array(z.strictObject({ Value: z.string(), Comparison: z.enum(['EQUALS', 'PREFIX']) }))
  .min(1)
  .max(MOST_VALUES);
/** `CreateAutomationRule` of the Security Hub API, as far as we use it. */
const rules = z.array(
  z.strictObject({
    RuleName: z.string().max(256),
    RuleOrder: z.int().min(1).max(1000),
    RuleStatus: z.literal('ENABLED'),
    IsTerminal: z.literal(false),
    Description: z.string().max(1024),
    Criteria: z.strictObject({
      ComplianceSecurityControlId: filter,
      AwsAccountId: filter,
      ResourceRegion: filter,
      ResourceId: filter.optional(),
      RecordState: filter,
      WorkflowStatus: filter,
      UpdatedAt: z.array(z.strictObject({ Start: z.iso.datetime(), End: z.iso.datetime() })).length(1),
    }),
    Actions: z.array(
      z.strictObject({
        Type: z.literal('FINDING_FIELDS_UPDATE'),
        FindingFieldsUpdate: z.strictObject({
          Workflow: z.strictObject({ Status: z.literal('SUPPRESSED') }),
          Note: z.strictObject({ Text: z.string().min(1).max(512), UpdatedBy: z.string().max(512) }),
        }),
      }),
    ),
  }),
);

const flags = {
  textDataDeliveryEnabled: true,
  imageDataDeliveryEnabled: false,
  embeddingDataDeliveryEnabled: false,
  videoDataDeliveryEnabled: false,
  audioDataDeliveryEnabled: false,
};
const lease = (change: object = {}) => ({
  exceptionId: 'ex-000000000001',
  startsAt: '2026-11-19T08:00:00Z',
  expiresAt: '2026-11-25T08:00:00Z',
  configuration: { s3Config: { bucketName: 'logs.debug' }, ...flags },
  baseline: { kind: 'none' },
  enabling: { at: '2026-11-19T08:00:00Z', until: '2026-11-19T08:00:10Z' },
  destination: {
    kind: 's3',
    bucketName: 'logs.debug',
    keyPrefix: 'x/ex-000000000001/',
    kmsKeyArn: 'arn:aws:kms:eu-central-1:666666666666:key/1',
  },
  ...change,
});
async function withLease(change: object = {}): Promise<string> {
  const folder = join(dir, 'snapshot');
  await cp(join(REPOSITORY, 'examples/organization'), folder, { recursive: true });
  const rows = [{ accountId: '666666666666', region: 'eu-central-1', leases: [lease(change)] }];
  await writeFile(join(folder, 'leases.json'), JSON.stringify({ schemaVersion: 1, rows }));
  return folder;
}
const exported = async (scanner: string, snapshot: string, ...more: readonly string[]) =>
  run(['export', '--for', scanner, '--snapshot', snapshot, ...more]);
const mutedIn = async (snapshot: string, account: string, ...more: readonly string[]) =>
  mutelist.parse(parse((await exported('prowler', snapshot, ...more)).stdout)).Mutelist.Accounts[account]
    ?.Checks ?? {};
const rulesOf = async (snapshot: string, ...more: readonly string[]) =>
  rules.parse(JSON.parse((await exported('security-hub', snapshot, ...more)).stdout));

const LOGGING = 'bedrock_model_invocation_logging_enabled';
const TEXT = 'bedrock_model_invocation_logging_text_data_enabled';

describe('for the example organization', () => {
  test.each([
    ['prowler', 'yaml'],
    ['security-hub', 'json'],
  ])('%s, the same bytes every time', async (scanner, extension) => {
    const first = await exported(scanner, 'examples/organization');
    expect(first).toEqual(await exported(scanner, 'examples/organization'));
    expect(first.exitCode).toBe(EXIT.fine);
    expect(first.stderr).toContain('to be made again before 2026-12-20T08:00:00Z');
    await expectGolden(first.stdout, `export-${scanner}.${extension}`);
  });

  test('every suppression of Prowler is of a check that opposes, and of no bucket', async () => {
    for (const checks of Object.values(
      mutelist.parse(parse((await exported('prowler', 'examples/organization')).stdout)).Mutelist.Accounts,
    ))
      expect(Object.keys(checks.Checks)).toEqual([LOGGING, TEXT]);
  });
});

describe('the baseline decides:', () => {
  test('metadata-only logging meets the check that wants logging on, so it is not suppressed there', async () => {
    const text = await readFile(join(REPOSITORY, 'policies/prompt-storage.yaml'), 'utf8');
    const file = join(dir, 'metadata.yaml');
    await writeFile(file, text.replace(/^( +baseline:) none$/m, '$1 metadata-only'));
    const muted = await mutedIn('examples/organization', '444444444444', '--policy', file);
    expect(Object.keys(muted)).toEqual([TEXT]);
  });
});

describe('a live exception', () => {
  test('takes its pair out of the suppressions that it meets, and adds its bucket until it ends', async () => {
    const muted = await mutedIn(await withLease(), '666666666666');
    expect(muted[LOGGING]?.Regions).toEqual(['^eu-west-1$', '^us-east-1$']);
    expect(muted['s3_bucket_object_lock']).toMatchObject({
      Regions: ['^eu-central-1$'],
      Resources: ['^logs\\.debug$'],
    });
    expect(muted['s3_bucket_object_lock']?.Description).toMatch(
      /^Until 2026-11-25T08:00:00Z: .*exception ex-000000000001/,
    );
    expect(muted['cloudwatch_log_group_retention_policy_specific_days_enabled']).toBeUndefined();
  });

  test('of images alone leaves the check for text suppressed', async () => {
    const images = {
      configuration: {
        s3Config: { bucketName: 'logs.debug' },
        ...flags,
        textDataDeliveryEnabled: false,
        imageDataDeliveryEnabled: true,
      },
    };
    const muted = await mutedIn(await withLease(images), '666666666666');
    expect(muted[LOGGING]?.Regions).toHaveLength(2);
    expect(muted[TEXT]?.Regions).toHaveLength(3);
  });

  test('that is not enabled yet leaves the checks that want logging on suppressed', async () => {
    const muted = await mutedIn(await withLease({ enabling: undefined }), '666666666666');
    expect(muted[LOGGING]?.Regions).toHaveLength(3);
  });

  test('ends the whole set when it ends: everything is made again then', async () => {
    const { stderr } = await exported('prowler', await withLease());
    expect(stderr).toContain('before 2026-11-25T08:00:00Z');
  });

  test.each([
    ['is over', { expiresAt: '2026-11-20T08:00:00Z' }],
    ['was revoked', { revoked: { at: '2026-11-20T07:00:00Z', by: 'anna', reason: 'x' } }],
    ['has not begun', { startsAt: '2026-11-22T08:00:00Z' }],
  ])('that %s changes nothing now', async (_name, change) => {
    const muted = await mutedIn(await withLease(change), '666666666666');
    expect(Object.keys(muted)).toEqual([LOGGING, TEXT]);
    expect(muted[LOGGING]?.Regions).toHaveLength(3);
  });

  test('in Security Hub has rules of its own for exactly its bucket, which stop by themselves', async () => {
    const own = (await rulesOf(await withLease())).filter(
      ({ Criteria }) => Criteria.ResourceId !== undefined,
    );
    expect(own.map(({ Criteria }) => Criteria.ComplianceSecurityControlId[0]?.Value)).toEqual([
      'S3.15',
      'S3.7',
    ]);
    for (const { Criteria } of own) {
      expect(Criteria.ResourceId).toEqual([{ Value: 'arn:aws:s3:::logs.debug', Comparison: 'EQUALS' }]);
      expect(Criteria.UpdatedAt[0]?.End).toBe('2026-11-25T08:00:00Z');
    }
  });

  test('with a log group suppresses the retention that is too long for it', async () => {
    const destination = {
      kind: 'cloudwatch-logs',
      logGroupName: '/x/ex-000000000001',
      roleArn: 'arn:aws:iam::666666666666:role/x',
      kmsKeyArn: 'arn:aws:kms:eu-central-1:666666666666:key/1',
    };
    const own = (await rulesOf(await withLease({ destination }))).filter(
      ({ Criteria }) => Criteria.ResourceId !== undefined,
    );
    expect(own.map(({ Criteria }) => Criteria.ComplianceSecurityControlId[0]?.Value)).toEqual([
      'CloudWatch.16',
    ]);
    expect(own[0]?.Criteria.ResourceId?.[0]?.Value).toBe(
      'arn:aws:logs:eu-central-1:666666666666:log-group:/x/ex-000000000001',
    );
  });
});

describe('Checkov', () => {
  const SKIP = /^#checkov:skip=([A-Z0-9_]+):(Until 2026-11-25T08:00:00Z: .*exception ex-000000000001.*)$/;
  const skipsOf = async (snapshot: string, ...more: readonly string[]) =>
    (await exported('checkov', snapshot, ...more)).stdout
      .split('\n')
      .flatMap((line) => SKIP.exec(line)?.[1] ?? []);

  test('has nothing to skip while no exception is live: it never asks for logging', async () => {
    const { stdout, exitCode } = await exported('checkov', 'examples/organization');
    expect(exitCode).toBe(EXIT.fine);
    expect(stdout).not.toContain('checkov:skip');
    expect(stdout).toContain('No exception is live');
  });

  test('skips copies for the bucket of a live exception, and versions only where the policy refuses them', async () => {
    const folder = await withLease();
    expect(await skipsOf(folder)).toEqual(['CKV_AWS_144']);
    expect((await exported('checkov', folder)).stdout).toContain(
      '# bucket logs.debug in 666666666666 eu-central-1\n#checkov:skip=',
    );
    const text = await readFile(join(REPOSITORY, 'policies/prompt-storage.yaml'), 'utf8');
    const file = join(dir, 'refused.yaml');
    await writeFile(file, text.replace('versioning: allowed', 'versioning: refused'));
    expect(await skipsOf(folder, '--policy', file)).toEqual(['CKV_AWS_144', 'CKV_AWS_21']);
  });

  test('gets nothing but comments, whatever a bucket is called', async () => {
    const bucketName = 'x"\n}\nresource "aws_s3_bucket" "y" {';
    const { stdout } = await exported(
      'checkov',
      await withLease({ destination: { ...lease().destination, bucketName } }),
    );
    expect(stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });
});

test('an account whose names are hostile changes no line of a mutelist', async () => {
  const folder = await withLease({ destination: { ...lease().destination, bucketName: '.*|^x$\n' } });
  const muted = await mutedIn(folder, '666666666666');
  const [pattern = ''] = muted['s3_bucket_object_lock']?.Resources ?? [];
  expect(new RegExp(pattern).test('anything')).toBe(false);
  expect(new RegExp(pattern).test('.*|^x$\n')).toBe(true);
});

test('an unknown scanner is exit 2', async () => {
  expect((await exported('tfsec', 'examples/organization')).exitCode).toBe(EXIT.malformed);
});

describe('the page', () => {
  test('shows the register as the data has it', async () => {
    expect(await readFile(join(REPOSITORY, 'docs/scanners.md'), 'utf8')).toContain(registerMarkdown());
  });

  test('names every check that is suppressed as one that opposes', () => {
    const opposing = REGISTER.filter(({ relation }) => relation === 'oppose').flatMap(({ ids }) => ids);
    for (const { check } of OPPOSING_CHECKS) expect(opposing).toContain(check);
    const others = REGISTER.filter(({ relation }) => relation !== 'oppose').flatMap(({ ids }) => ids);
    for (const { check } of OPPOSING_CHECKS) expect(others).not.toContain(check);
  });
});
