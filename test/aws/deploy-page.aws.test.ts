import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { testContext } from '../cli/harness.ts';
import { motoEnvironment, startMoto } from './moto.ts';

/*
 * The blocks of docs/deploy.md, line by line in a shell, with the AWS CLI on moto. Packaging, deploying by osls, the API's policy and doctor
 * are left out of the shell: templates.aws.test.ts deploys what is packaged and lets doctor look; here a stack of the same name has its
 * outputs. What moto cannot is listed, so that what it learns, or loses, shows.
 */

const ROOT = join(import.meta.dirname, '../..');
const hasCli = spawnSync('aws', ['--version'], { encoding: 'utf8' }).status === 0;
if (!hasCli) console.info('the AWS CLI is not installed: docs/deploy.md is not followed on moto');
const moto = hasCli ? await startMoto() : undefined;

/** By its line of the page, in order; everything else must be done. `500`: moto does not know the call. */
const REFUSED_BY_MOTO: readonly (readonly [string, RegExp])[] = [
  ['cloudformation activate-organizations-access', /500/],
  // It keeps a list of service principals of its own: StackSets and IAM Identity Center are not in it.
  ...Array.from(
    { length: 2 },
    () => ['organizations register-delegated-administrator', /unrecognized service principal/] as const,
  ),
  ['organizations put-resource-policy', /500/],
  // One account plays the management account and the others, and the role of the StackSet is there already.
  ['cloudformation create-stack', /ProvisoForwardEvents-us-east-1 already exists/],
  ...Array.from({ length: 4 }, () => ['configservice put-organization-config-rule', /500/] as const),
  // The tags of a key (templates.aws.test.ts deploys the same without them).
  ['cloudformation create-stack', /500/],
];

describe.skipIf(moto === undefined)('docs/deploy.md', () => {
  const work = mkdtempSync(join(tmpdir(), 'proviso-deploy-page-'));
  afterAll(async () => {
    rmSync(work, { recursive: true, force: true });
    await moto?.stop();
  });

  it('can be followed line by line, as far as moto goes', async () => {
    const environment = motoEnvironment(moto?.url ?? '');
    Object.assign(process.env, environment, { AWS_DEFAULT_REGION: 'us-east-1', AWS_MAX_ATTEMPTS: '1' });
    for (const name of ['templates', 'deploy', 'policies', 'examples'])
      symlinkSync(join(ROOT, name), join(work, name));
    await run('aws', ['organizations', 'create-organization', '--feature-set', 'ALL']);
    const root = await run('aws', [
      'organizations',
      'list-roots',
      '--query',
      'Roots[0].Id',
      '--output',
      'text',
    ]);
    const account = await run('aws', [
      'organizations',
      'create-account',
      '--email',
      'g@example.com',
      '--account-name',
      'governance',
      '--query',
      'CreateAccountStatus.AccountId',
      '--output',
      'text',
    ]);
    await new CloudFormationClient({ region: 'eu-central-1' }).send(
      new CreateStackCommand({ StackName: 'proviso-prod', TemplateBody: JSON.stringify(STAND_IN) }),
    );
    const page = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');
    const made = await runCli(
      [
        'config',
        'generate',
        '--governance-account',
        account.trim(),
        '--policy',
        'policies/prompt-storage.yaml',
        '--out',
        'dist/config',
      ],
      testContext({ cwd: work }),
    );
    expect(made).toBe(0);
    const lines = [...page.matchAll(/^( *)```sh\n([\s\S]*?)\n\1```/gm)]
      .map(([, , block = '']) => block)
      .join('\n')
      .replaceAll(/\\\n\s*/g, ' ')
      .replaceAll(/^ *(npx|npm) .*$/gm, ':');
    const script = [
      'aws() {',
      '  out=$(command aws "$@" 2>err); code=$?',
      '  printf "%s\\t%s %s\\t%s\\n" "$code" "$1" "$2" "$(tr "\\n" " " < err)" >> told',
      '  printf "%s\\n" "$out"',
      '}',
      lines
        .replace(/export GOVERNANCE_ACCOUNT=\d+/, `export GOVERNANCE_ACCOUNT=${account.trim()}`)
        .replace(/export UNIT=\S+/, `export UNIT=${root.trim()}`),
    ].join('\n');
    writeFileSync(join(work, 'page.sh'), script.replaceAll('"$BUS"', '"$(output EventBusArn)"'));
    const shell = spawnSync('bash', ['page.sh'], { cwd: work, encoding: 'utf8', env: { ...process.env } });
    expect([shell.status, shell.stderr]).toEqual([0, '']);
    const told = readFileSync(join(work, 'told'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    const refused = told.filter(([code]) => code !== '0');
    expect(refused.map(([, call]) => call)).toEqual(REFUSED_BY_MOTO.map(([call]) => call));
    for (const [index, [call, why]] of REFUSED_BY_MOTO.entries())
      expect(refused[index]?.[2], call).toMatch(why);
    expect(told.length - refused.length).toBeGreaterThanOrEqual(10);
    // The StackSet made the roles of an account.
    const role = await run('aws', [
      'iam',
      'get-role',
      '--role-name',
      'ProvisoDisable',
      '--query',
      'Role.Path',
      '--output',
      'text',
    ]);
    expect(role.trim()).toBe('/proviso/');
  });

  const run = async (command: string, argv: readonly string[]): Promise<string> =>
    (await promisify(execFile)(command, argv, { cwd: work })).stdout;
});

const STAND_IN = {
  Resources: { Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'alarms' } } },
  Outputs: {
    AlarmTopicArn: { Value: { Ref: 'Topic' } },
    EventBusArn: { Value: 'arn:aws:events:eu-central-1:111111111111:event-bus/proviso-prod-accounts' },
    ApiAddress: { Value: 'https://example.execute-api.eu-central-1.amazonaws.com' },
  },
};
