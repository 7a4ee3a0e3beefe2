import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from './harness.ts';

const EXAMPLE = ['--snapshot', 'examples/organization'];

interface Answer {
  readonly kind: string;
  readonly decision: string;
  readonly because?: string;
  readonly principals: readonly { readonly name: string; readonly certainty: string }[];
  readonly paths: readonly { readonly words: string; readonly certainty: string }[];
  readonly notSeen: readonly string[];
  readonly destinations?: readonly (Pick<Answer, 'principals' | 'notSeen'> & {
    readonly resourceArn: string;
    readonly accountId: string | null;
  })[];
  readonly catalogue: { readonly date: string };
}
const json = async (...argv: readonly string[]): Promise<Answer> =>
  JSON.parse((await run([...argv, ...EXAMPLE, '--format', 'json'])).stdout) as Answer;

describe('iam who-can', () => {
  test('names the principals, the statements, the roles on the way and what was not seen', async () => {
    const { stdout, exitCode } = await run(['iam', 'who-can', 'change-storage', ...EXAMPLE]);
    expect(exitCode).toBe(3);
    expect(stdout).toContain('role `LabAdministrator` of research-lab (101010101010)');
    expect(stdout).not.toContain('CheckoutPipeline');
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'role `ProvisoSweeper` of security-governance may assume role `ProvisoReconcile` of',
    );
    expect(stdout).toContain('Not seen');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('can be asked of one account', async () => {
    const { principals } = await json('iam', 'who-can', 'invoke', '--account', '777777777777');
    expect(principals.map(({ name }) => name)).toEqual([
      'SharedModelRunner',
      'AWSReservedSSO_BedrockDeveloper_1f2e3d4c5b6a7980',
      'root',
    ]);
  });

  test('shows the date of its list of actions', async () => {
    const { catalogue } = await json('iam', 'who-can', 'read-content', '--account', '777777777777');
    expect(catalogue.date).toMatch(/^20[0-9]{2}-[0-9]{2}-[0-9]{2}$/);
  });

  test('asks each place that content goes to, with what the place itself says', async () => {
    const { stdout, exitCode } = await run(['iam', 'who-can', 'read-content', ...EXAMPLE]);
    expect(exitCode).toBe(3);
    const words = stdout.replace(/\s+/g, ' ');
    expect(words).toContain(
      'Who may read bucket `example-lab-evidence`, named by research-lab (101010101010); whose it is is not known (us-east-1) - the policy of bucket `example-lab-evidence` could not be read: AccessDenied',
    );
    expect(words).toContain('grant `9f1c0a52renderreader` of');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);

    const { destinations } = await json('iam', 'who-can', 'read-content');
    const batch = destinations?.find(({ resourceArn }) => resourceArn.endsWith(':example-checkout-batch'));
    expect(batch?.accountId).toBe('888888888888');
    expect(batch?.principals.map(({ name, certainty }) => [name, certainty])).toEqual([
      ['CheckoutPipeline', 'allowed'],
      ['root', 'allowed'],
    ]);
    const unread = destinations?.find(({ resourceArn }) => resourceArn.endsWith(':example-lab-evidence'));
    expect(unread).toMatchObject({
      accountId: null,
      principals: [{ name: 'root', certainty: 'cannot-decide' }],
    });
    expect((await json('iam', 'who-can', 'invoke')).destinations).toBeUndefined();
  });

  test('a question that does not exist is refused with those that do', async () => {
    const { exitCode, stderr } = await run(['iam', 'who-can', 'everything', ...EXAMPLE]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('change-storage');
  });
});

describe('iam explain', () => {
  test('a session policy takes away, gives nothing, and must be a policy', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'proviso-test-'));
    const file = join(folder, 'session.json');
    const asked = (action: string, name = 'CheckoutPipeline') =>
      run(['iam', 'explain', name, action, '--session-policy', file, ...EXAMPLE, '--format', 'json']);
    const decided = async (action: string) => JSON.parse((await asked(action)).stdout) as Answer;
    try {
      await writeFile(
        file,
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject","iam:*"],"Resource":"*"}}',
      );
      expect(await decided('s3:GetObject')).toMatchObject({
        decision: 'allowed',
        sessionPolicy: file,
        rolesFollowed: false,
      });
      const inText = await run([
        ...['iam', 'explain', 'CheckoutPipeline', 's3:GetObject', '--session-policy', file],
        ...EXAMPLE,
      ]);
      expect(inText.stdout.replace(/\s+/g, ' ')).toContain('; roles were not followed');
      expect(await decided('s3:PutObject')).toMatchObject({
        decision: 'denied',
        because: 'its session policy does not allow it',
      });
      expect(await decided('iam:PassRole')).toMatchObject({ decision: 'denied' });
      expect((await asked('s3:GetObject', 'platform-engineers')).stderr).toContain('has no sessions');
      await writeFile(file, '{"Version":"2012-10-17"');
      const damaged = await asked('s3:GetObject');
      expect(damaged.exitCode).toBe(2);
      expect(damaged.stdout).toContain('cannot be read: the document is not JSON');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('a boundary that takes the permission away is named', async () => {
    expect(await json('iam', 'explain', 'CheckoutPipeline', 'bedrock:PutAccountDataRetention')).toMatchObject(
      {
        kind: 'PermissionDecision',
        decision: 'denied',
        because:
          'its permissions boundary `arn:aws:iam::888888888888:policy/DeveloperBoundary` does not allow it',
      },
    );
  });

  test('a service control policy that denies is named with its statement', async () => {
    const { stdout, exitCode } = await run([
      'iam',
      'explain',
      'LabAdministrator',
      'bedrock:PutModelInvocationLoggingConfiguration',
      ...EXAMPLE,
    ]);
    expect(exitCode).toBe(0);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'service control policy `DenyPromptStorageChange` on ou-ex01-research1, Statement[0] (`OnlyProvisoChangesPromptStorage`), denies by',
    );
  });

  test('context from the command line decides a condition', async () => {
    const ask = (...more: readonly string[]) =>
      json(
        'iam',
        'explain',
        'arn:aws:iam::888888888888:role/proviso/ProvisoDisable',
        'bedrock:PutAccountDataRetention',
        ...more,
      );
    expect((await ask()).decision).toBe('conditionally-allowed');
    expect((await ask('--context', 'bedrock:dataretentionmode=none')).decision).toBe('allowed');
    expect((await ask('--context', 'bedrock:DataRetentionMode=default')).decision).toBe('denied');
  });

  test('an action that AWS does not have gets a warning that says what to ask', async () => {
    const { stderr } = await run(['iam', 'explain', 'SharedModelRunner', 'bedrock:Converse', ...EXAMPLE]);
    expect(stderr.replace(/\s+/g, ' ')).toContain('`bedrock:InvokeModel` authorizes Converse');
  });

  test.each([
    [
      'a name that several principals have',
      ['ProvisoCollect', 'bedrock:InvokeModel'],
      /name of [0-9]+ principals/,
    ],
    ['a name that nobody has', ['Nobody', 'bedrock:InvokeModel'], /there is no user, group or role `Nobody`/],
    ['a pattern instead of an action', ['SharedModelRunner', 'bedrock:*'], /is not an action/],
  ])('%s is refused', async (_name, argv, expected) => {
    const { exitCode, stderr } = await run(['iam', 'explain', ...argv, ...EXAMPLE]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(expected);
  });
});
