import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ResourceType } from '@aws-sdk/client-config-service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  CONFIG_LIMITS,
  type ConfigOptions,
  generateConfig,
  RESOURCE_TYPES,
} from '../../src/compliance/index.ts';
import { accountId } from '../../src/core/index.ts';
import { run } from '../cli/harness.ts';
import { loadPolicy } from '../simulation/harness.ts';

const OPTIONS: ConfigOptions = {
  governanceAccount: accountId('111111111111'),
  functionPrefix: 'proviso-prod',
  partition: 'aws',
  excluded: [],
};
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'proviso-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the rules for AWS Config', () => {
  it('are two for each governed Region, with functions of that Region', () => {
    const generated = generateConfig(loadPolicy(), OPTIONS);
    if (!generated.ok) throw new Error(generated.error.join());
    expect(generated.value.regions.map(({ region }) => region)).toEqual([
      'eu-central-1',
      'eu-west-1',
      'us-east-1',
    ]);
    for (const { region, rules } of generated.value.regions) {
      expect(rules.map((rule) => rule.OrganizationCustomRuleMetadata.LambdaFunctionArn)).toEqual(
        ['configSettings', 'configResources'].map(
          (name) => `arn:aws:lambda:${region}:111111111111:function:proviso-prod-${name}`,
        ),
      );
      expect(rules[0]?.OrganizationCustomRuleMetadata).toMatchObject({
        OrganizationConfigRuleTriggerTypes: ['ScheduledNotification'],
        MaximumExecutionFrequency: 'One_Hour',
      });
      expect(rules[1]?.OrganizationCustomRuleMetadata.ResourceTypesScope).toContain('AWS::IAM::Role');
    }
  });

  it('name every type that AWS Config records of Bedrock and IAM, and it records no log group', () => {
    const recorded = new Set<string>(Object.values(ResourceType));
    expect(Object.keys(RESOURCE_TYPES).filter((type) => !recorded.has(type))).toEqual([]);
    const ours = [...recorded].filter((type) => /^AWS::(Bedrock[A-Za-z]*|IAM)::/.test(type));
    expect(ours.filter((type) => !Object.hasOwn(RESOURCE_TYPES, type)).sort()).toEqual([
      // None of these says who may change prompt storage: a role's trust and policies do.
      'AWS::IAM::InstanceProfile',
      'AWS::IAM::OIDCProvider',
      'AWS::IAM::SAMLProvider',
      'AWS::IAM::ServerCertificate',
    ]);
    // When AWS adds one, log groups can have a rule of their own.
    expect(recorded).not.toContain('AWS::Logs::LogGroup');
  });

  it('are the same text for the same policy', () => {
    expect(JSON.stringify(generateConfig(loadPolicy(), OPTIONS))).toBe(
      JSON.stringify(generateConfig(loadPolicy(), OPTIONS)),
    );
  });

  it('refuse what is above a limit, with the numbers', () => {
    const excluded = Array.from({ length: CONFIG_LIMITS.excludedAccounts + 1 }, (_, index) => ({
      accountId: accountId(String(100_000_000_000 + index)),
      reason: 'x',
    }));
    const generated = generateConfig(loadPolicy(), { ...OPTIONS, excluded, functionPrefix: 'p'.repeat(300) });
    expect(generated).toMatchObject({ ok: false });
    if (generated.ok) return;
    expect(generated.error).toContain(
      'the exclusions of rule `proviso-settings` has 1001 accounts; AWS Config takes 1000',
    );
    expect(generated.error.join()).toContain('AWS Config takes 256');
  });

  it('are clean for cfn-lint as a conformance pack', (context) => {
    const generated = generateConfig(loadPolicy(), OPTIONS);
    if (!generated.ok) throw new Error(generated.error.join());
    const file = join(folder, 'pack.yml');
    writeFileSync(file, generated.value.conformancePack);
    expect(Object.keys((parse(generated.value.conformancePack) as { Resources: object }).Resources)).toEqual([
      'SettingsRule',
      'ResourcesRule',
    ]);
    const root = join(import.meta.dirname, '../..');
    const lint = spawnSync(
      'cfn-lint',
      [file, join(root, 'templates/config-region.yml'), join(root, 'templates/member-events.yml')],
      { encoding: 'utf8' },
    );
    if (lint.error !== undefined) return context.skip('cfn-lint is not installed (pip install cfn-lint)');
    expect(`${lint.stdout}${lint.stderr}`).toBe('');
  });
});

describe('proviso config generate', () => {
  it('writes a file for each rule and Region, leaves out accounts that cannot be used, and never mixes', async () => {
    const out = join(folder, 'out');
    const argv = [
      'config',
      'generate',
      '--governance-account',
      '111111111111',
      '--snapshot',
      'examples/organization',
      '--out',
      out,
    ];
    const ran = await run(argv);
    expect(ran.exitCode, ran.stderr).toBe(0);
    expect(ran.stdout.split('\n').filter((line) => line.length > 80 && !line.includes(folder))).toEqual([]);
    const rule = JSON.parse(readFileSync(join(out, 'us-east-1/proviso-settings.json'), 'utf8')) as {
      ExcludedAccounts?: string[];
    };
    const { organization } = JSON.parse(
      readFileSync(join(import.meta.dirname, '../../examples/organization/organization.json'), 'utf8'),
    ) as {
      organization: { accounts: { id: string; state: string }[] };
    };
    const unusable = organization.accounts.filter(({ state }) => state !== 'ACTIVE').map(({ id }) => id);
    expect(rule.ExcludedAccounts ?? []).toEqual(unusable);
    expect(existsSync(join(out, 'conformance-pack.yml'))).toBe(true);
    expect((await run(argv)).exitCode).toBe(2);
  });
});

describe('the function of another Region', () => {
  it('hands the event over as it came, and fails where the function fails', async () => {
    const template = parse(
      readFileSync(join(import.meta.dirname, '../../templates/config-region.yml'), 'utf8'),
      { logLevel: 'silent' },
    ) as {
      Resources: Record<string, { Properties: { Code: { ZipFile: string } } }>;
    };
    const code = template.Resources['SettingsFunction']?.Properties.Code.ZipFile ?? '';
    expect(code.length).toBeLessThan(4096);
    const sent: unknown[] = [];
    let answer: object = {};
    class LambdaClient {
      send(command: unknown) {
        sent.push(command);
        return Promise.resolve(answer);
      }
    }
    class InvokeCommand {
      readonly input: unknown;
      constructor(input: unknown) {
        this.input = input;
      }
    }
    const exported: { handler?: (event: unknown) => Promise<void> } = {};
    const load = new Function('require', 'exports', 'process', code) as (...values: unknown[]) => void;
    load(() => ({ LambdaClient, InvokeCommand }), exported, {
      env: { TARGET: 'proviso-prod-configSettings' },
    });
    await exported.handler?.({ resultToken: 'x' });
    expect(sent).toMatchObject([
      { input: { FunctionName: 'proviso-prod-configSettings', Payload: '{"resultToken":"x"}' } },
    ]);
    answer = { FunctionError: 'Unhandled' };
    await expect(exported.handler?.({})).rejects.toThrow('failed: Unhandled');
  });
});
